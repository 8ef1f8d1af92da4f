"""When services and checks were up and down, by the recorded results, and what of a period is not known."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.intervals import clip, common, length, union, without
from opsctl.metrics import Spent, spent
from opsctl.outcome import Kind, State
from opsctl.prose import line, shorten, suggestion
from opsctl.store.rows import millis
from opsctl.units import show
from opsctl.zones import zone_named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Service, Workspace
    from opsctl.intervals import Interval
    from opsctl.store.courses import Stretch


class Course(NamedTuple):
    """When a service or check was down and known to be up, and how each of its checks spent the window.

    `down` may reach out of the window; `n` is how many stretches of one state the checks have in it;
    `planned` is when all of its checks were in maintenance.
    """

    window: Interval
    down: list[Interval]
    up: list[Interval]
    n: int
    counted: tuple[str, ...]
    left_out: tuple[str, ...]
    planned: tuple[Interval, ...] = ()

    @property
    def spent(self) -> Spent:
        """How the window was spent."""
        return spent(self.window, self.down, self.up, self.planned)


def meant(workspace: Workspace, target: str) -> tuple[Service, list[str]]:
    """The service of a target, and the names of the checks that it means; UsageError where there is none."""
    name = target.partition("/")[0]
    service = workspace.services.get(name)
    names = [check.name for check in service.checks if target in (name, check.name)] if service else []
    if service is None or ("/" in target and not names):
        hint = suggestion(target, [*workspace.services, *workspace.checks()])
        raise UsageError(f"no service or check is called `{line(shorten(target, 60))}`{hint}")
    return service, names


def window_of(since: float, until: float) -> Interval:
    """A period of UTC epoch seconds as an interval; UsageError where it is none."""
    if since >= until:
        raise UsageError("the period ends before it begins; name an earlier start")
    return millis(since), millis(until)


def course_of(
    db: sqlite3.Connection, workspace: Workspace, target: str, since: float, until: float
) -> Course:
    """The course of a service or `service/check` over a period.

    A service is down while one of its checks is, and known to be up while all are.
    """
    from opsctl.store.courses import courses
    from opsctl.store.maintained import maintained

    window = window_of(since, until)
    _, names = meant(workspace, target)
    found = courses(db, names, *window)
    down = union(at for course in found.values() for each in course for at in _of(each, State.DOWN))
    up = common(
        [[(each.started, each.ended) for each in course if each.state.good] for course in found.values()]
    )
    counted = tuple(_spent_by(name, course, window) for name, course in found.items() if course)
    outages = tuple(outage_line(one, window, workspace.timezone) for one in down if clip([one], window))
    passed = maintained(db, names, *window)
    planned = common([*passed.values()])
    gaps = tuple(gap for name, course in found.items() for gap in _gaps(name, course, passed[name], window))
    if planned:
        gaps = (*gaps, f"{target}: {_lasted(length(clip(planned, window)))} in maintenance")
    return Course(window, down, up, sum(map(len, found.values())), counted + outages, gaps, tuple(planned))


def _of(stretch: Stretch, state: State) -> list[Interval]:
    return [(stretch.started, stretch.ended)] if stretch.state is state else []


def _lengths(course: Sequence[Stretch], window: Interval) -> Mapping[State, int]:
    return {
        state: length(clip([at for each in course for at in _of(each, state)], window)) for state in State
    }


def _spent_by(name: str, course: Sequence[Stretch], window: Interval) -> str:
    lengths = _lengths(course, window)
    known = (State.UP, State.DEGRADED, State.DOWN)
    parts = [f"{state} {_lasted(lengths[state])}" for state in known if lengths[state]]
    return f"{name}: {', '.join(parts) or 'nothing known'}"


def _gaps(name: str, course: Sequence[Stretch], passed: Sequence[Interval], window: Interval) -> list[str]:
    unknown = _lengths(course, window)[State.UNKNOWN]
    silent = length(without([window], [*((each.started, each.ended) for each in course), *passed]))
    return [
        f"{name}: {_lasted(lasted)} {why}"
        for lasted, why in (
            (unknown, "unknown: opsctl could not look"),
            (silent, "without data: no result spoke for it"),
        )
        if lasted
    ]


def failures(course: Course) -> tuple[list[Interval], list[Interval]]:
    """The outages that began in the window, and those that began before it.

    One lasts until it is known to be up again.
    """
    since, _ = course.window
    turns = sorted([*((*one, True) for one in course.down), *((*one, False) for one in course.up)])
    ahead = [turn for before, turn in pairwise([(0, 0, False), *turns]) if turn[2] and not before[2]]
    outages = [(start, end) for start, end, _ in ahead]
    return [one for one in outages if one[0] >= since], [one for one in outages if one[0] < since]


def outage_line(outage: Interval, window: Interval, timezone: str) -> str:
    """An outage that touches the window, in words, with how long it was down in it."""
    inside = clip([outage], window)
    started, ended = _at(outage[0], timezone), _at(outage[1], timezone)
    span = f"from {started} to {ended}" if outage[1] < window[1] else f"since {started}"
    return f"down {span}: {_lasted(length(inside))}{'' if inside == [outage] else ' in the period'}"


def _lasted(milliseconds: int) -> str:
    return show(Kind.DURATION, milliseconds / 1000)


def _at(milliseconds: int, timezone: str) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(milliseconds // 1000, zone_named(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
