"""Look at freezes: which there are, which are on, and when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.calendars import concerns, end_of, occurrences, refusals
from opsctl.moments import moment

if TYPE_CHECKING:
    from opsctl.calendars import Occurrence, Refusal
    from opsctl.definitions import Workspace
    from opsctl.freezes import Freeze

_YEAR = 366 * 86400.0
_MOST = 2000


class Shown(NamedTuple):
    """A freeze with its occurrences of the year to come, the one that is on among them.

    `until` is when one that is on ends, past occurrences that follow at once; None where it is not on.
    """

    id: str
    freeze: Freeze
    occurrences: tuple[Occurrence, ...]
    until: float | None


class Overview(NamedTuple):
    """The freezes of a workspace at one moment (UTC epoch seconds)."""

    workspace: str
    timezone: str
    at: float
    shown: tuple[Shown, ...]


class Turning(NamedTuple):
    """What refuses changes at one moment, and when that changes next; None where no change is in sight."""

    timezone: str
    at: float
    refusals: tuple[Refusal, ...]
    next: float | None


def overview(workspace: Workspace, at: str | None, environment: str | None, now: float) -> Overview:
    """The freezes that concern an environment; UsageError for a text that is no time."""
    when = _when(workspace, at, now)
    zone = workspace.timezone
    shown = [
        Shown(name, one, tuple(_year(workspace, name, one, when)), end_of(name, one, zone, when))
        for name, one in workspace.freezes.items()
        if concerns(one, environment, ())
    ]
    return Overview(workspace.name, zone, when, tuple(shown))


def turning(workspace: Workspace, at: str | None, environment: str | None, now: float) -> Turning:
    """Whether changes are refused, and when that changes; UsageError for a text that is no time."""
    when = _when(workspace, at, now)
    found = refusals(workspace, environment, (), when)
    edges = sorted(
        edge
        for name, one in workspace.freezes.items()
        if concerns(one, environment, ())
        for each in _year(workspace, name, one, when)
        for edge in (each.since, each.until)
        if edge > when and edge != float("inf")
    )
    changes = (edge for edge in edges if bool(refusals(workspace, environment, (), edge)) != bool(found))
    return Turning(workspace.timezone, when, found, next(changes, None))


def _year(workspace: Workspace, name: str, freeze: Freeze, at: float) -> list[Occurrence]:
    found = []
    for one in occurrences(name, freeze, workspace.timezone, at, at + _YEAR):
        found.append(one)
        if len(found) >= _MOST:
            break
    return found


def _when(workspace: Workspace, text: str | None, now: float) -> float:
    return now if text is None else moment(text, now, workspace.timezone, "--at", ahead=True)
