"""The machine as opsctl sees it: environment, clock and streams, read once and passed in."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from opsctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class World:
    """What commands may know of the machine; `now` is one instant (UTC epoch seconds) per command.

    `words` are the command line as it was typed, without the program's name.
    """

    environ: Mapping[str, str]
    now: float
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    words: tuple[str, ...] = ()

    @property
    def interactive(self) -> bool:
        """Whether a question may be asked: stdin is a terminal and no CI is around."""
        return self.stdin.isatty() and not self.environ.get("CI")

    def coloured(self, stream: TextIO) -> bool:
        """Whether `stream` shows colours to a person."""
        if self.environ.get("NO_COLOR") or self.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()


def this_world() -> World:
    """The real machine. `OPSCTL_NOW` (ISO 8601 with a zone) replaces the clock.

    Raises UsageError where `OPSCTL_NOW` is not such a time.
    """
    now = _now(os.environ.get("OPSCTL_NOW"))
    return World(os.environ, now, sys.stdin, sys.stdout, sys.stderr, tuple(sys.argv[1:]))


def _now(given: str | None) -> float:
    if not given:
        return time.time()
    from datetime import datetime

    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise UsageError(f"OPSCTL_NOW={given!r} is not a time; write it as 2026-01-02T03:04:05Z") from error
    if at.tzinfo is None:
        raise UsageError(f"OPSCTL_NOW={given!r} has no zone; write it as 2026-01-02T03:04:05Z")
    return at.timestamp()
