"""What `opsctl maintenance start` is told: for which checks, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.outcome import Kind
from opsctl.units import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.commands.deciding import Desk


def end_of(desk: Desk, selectors: Sequence[str] | None, lasts: str | None, until: str | None) -> float:
    """The end in UTC epoch seconds; UsageError where it or the checks are not named."""
    if not selectors:
        raise UsageError("name the checks, or `all`")
    if (lasts is None) == (until is None):
        raise UsageError("say when it ends: `--for 2h` or `--until 18:00`")
    if lasts is None:
        at = desk.deadline(until, "--until")
        assert at is not None  # noqa: S101 - there is a text
        return at
    try:
        return desk.world.now + parse(Kind.DURATION, lasts)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from error
