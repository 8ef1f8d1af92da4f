"""When freezes are on: every occurrence as an exact stretch of time, also where the clocks change."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from opsctl.freezes import moment_of
from opsctl.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from opsctl.definitions import Workspace
    from opsctl.freezes import Freeze, Recurring

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# How far ahead an end is looked for; longer than any that recurs.
_AHEAD = timedelta(days=400)


class Occurrence(NamedTuple):
    """One time that a freeze is on: from `since` to before `until`, UTC epoch seconds."""

    id: str
    freeze: Freeze
    since: float
    until: float


class Refusal(NamedTuple):
    """Why changes are refused now, and until when (UTC epoch seconds); None where no end is in sight."""

    id: str
    reason: str
    until: float | None


def refusals(
    workspace: Workspace, environment: str | None, services: Sequence[str], at: float
) -> tuple[Refusal, ...]:
    """Every freeze that is on at a time, and the windows for changes where none is open.

    What is not known (no environment, no services) is taken to be concerned.
    """
    concerned = {name: one for name, one in workspace.freezes.items() if concerns(one, environment, services)}
    ends = {
        name: end_of(name, freeze, workspace.timezone, at)
        for name, freeze in concerned.items()
        if not freeze.allow
    }
    found = [Refusal(name, concerned[name].reason, end) for name, end in ends.items() if end is not None]
    found = [one._replace(until=None) if one.until == float("inf") else one for one in found]
    windows = {name: one for name, one in concerned.items() if one.allow}
    if windows and not any(
        True for name, one in windows.items() for _ in occurrences(name, one, workspace.timezone, at, at)
    ):
        found.append(_closed(windows, workspace.timezone, at))
    return tuple(sorted(found, key=lambda one: one.until or float("inf"), reverse=True))


def concerns(freeze: Freeze, environment: str | None, services: Sequence[str]) -> bool:
    """Whether a freeze is about an environment and services."""
    there = not freeze.environments or environment is None or environment in freeze.environments
    about = not freeze.services or not services or not set(services).isdisjoint(freeze.services)
    return there and about


def occurrences(name: str, freeze: Freeze, timezone: str, since: float, until: float) -> Iterator[Occurrence]:
    """The occurrences that touch [since, until], in their order; UTC epoch seconds."""
    return (Occurrence(name, freeze, *one) for one in stretches(freeze, timezone, since, until))


def stretches(one: Recurring, timezone: str, since: float, until: float) -> Iterator[tuple[float, float]]:
    """When it is on: the stretches that touch [since, until], in their order; UTC epoch seconds."""
    zone = zone_named(one.timezone or timezone)
    first, last = _bounds(one, zone)
    if not one.days and one.between is None:
        found: Iterator[tuple[float, float]] = iter([(first, last)])
    else:
        found = _recurring(one, zone, since, until)
    for begin, end in found:
        inside = max(begin, first), min(end, last)
        if inside[0] < inside[1] and inside[0] <= until and inside[1] > since:
            yield inside


def end_of(name: str, freeze: Freeze, timezone: str, at: float) -> float | None:
    """When a freeze that is on ends, past occurrences that follow at once; None where it is not on."""
    end = None
    for one in occurrences(name, freeze, timezone, at, at + _AHEAD.total_seconds()):
        if end is None and one.since > at:
            return None
        if end is not None and one.since > end:
            break
        end = max(one.until, end or one.until)
    return end


def _closed(windows: dict[str, Freeze], timezone: str, at: float) -> Refusal:
    ahead = at + _AHEAD.total_seconds()
    nexts = [
        one.since
        for name, freeze in windows.items()
        for one in occurrences(name, freeze, timezone, at, ahead)
        if one.since > at
    ]
    name, freeze = next(iter(windows.items()))
    return Refusal(name, f"changes are made in the window only: {freeze.reason}", min(nexts, default=None))


def _bounds(freeze: Recurring, zone: tzinfo) -> tuple[float, float]:
    first, last = float("-inf"), float("inf")
    if freeze.starts and (begin := moment_of(freeze.starts)):
        first = _at(begin, zone, late=False)
    if freeze.ends and (end := moment_of(freeze.ends)):
        bare = len(freeze.ends) == len("2026-11-26")
        last = _at(end + timedelta(days=1) if bare else end, zone, late=True)
    return first, last


def _recurring(freeze: Recurring, zone: tzinfo, since: float, until: float) -> Iterator[tuple[float, float]]:
    # One that began the day before may go on.
    day = datetime.fromtimestamp(since, zone).date() - timedelta(days=2)
    final = datetime.fromtimestamp(until, zone).date() + timedelta(days=1)
    while day <= final:
        if not freeze.days or _DAYS[day.weekday()] in freeze.days:
            yield _of_day(freeze.between, day, zone)
        day += timedelta(days=1)


def _of_day(between: str | None, day: date, zone: tzinfo) -> tuple[float, float]:
    if between is None:
        begin, end = time(), time()
        after = day + timedelta(days=1)
    else:
        begin, end = (time.fromisoformat(text) for text in between.split("-"))
        after = day if begin < end else day + timedelta(days=1)
    return (
        _at(datetime.combine(day, begin), zone, late=False),
        _at(datetime.combine(after, end), zone, late=True),
    )


def _at(wall: datetime, zone: tzinfo, *, late: bool) -> float:
    """The instant of a wall-clock time; where there are two, or none, so that a freeze is never too short."""
    found = wall.replace(tzinfo=zone, fold=int(late)).timestamp()
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None) == wall:
        return found
    # The clocks skip it: by the offset before the change it is one instant, by that after it another.
    both = [wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)]
    return max(both) if late else min(both)
