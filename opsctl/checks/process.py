"""The `process` check: which processes run, since when, and how much memory they hold."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask

_PROC = Path("/proc")
_DEAD = frozenset({"Z", "X", "x"})
# Calls of opsctl carry the words they look for, be it by `sh -c`, `sudo` or an editor of crontabs.
_OURS = re.compile(r"(^|[\s/])opsctl(\s|$)")


@dataclass(frozen=True, kw_only=True)
class ProcessCheck:
    """Look for processes by name or by command line."""

    name: Annotated[
        str | None,
        NotEmpty(),
        Doc("The program's name, as the kernel or the command line's first word has it."),
    ] = None
    pattern: Annotated[
        re.Pattern[str] | None,
        Doc("A regular expression that the command line holds; calls of opsctl itself never count."),
    ] = None
    user: Annotated[str | None, NotEmpty(), Doc("The user, by name or number, who runs it.")] = None

    SHORTHAND: ClassVar[str] = "name"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "count": Subject(Kind.NUMBER, "How many of them run; zombies do not.", Cause.MISSING),
        "youngest_age": Subject(Kind.DURATION, "Since the last of them was started."),
        "oldest_age": Subject(Kind.DURATION, "Since the first of them was started."),
        "memory": Subject(
            Kind.SIZE, "The memory they hold together; what they share counts each time.", Cause.USAGE
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("count >= 1",)
