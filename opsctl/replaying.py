"""What today's expectations would have said of what was recorded, and how often they would have alarmed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from opsctl.alarms import Watch
from opsctl.errors import ExitCode, worst
from opsctl.moments import moment
from opsctl.outages import Rules
from opsctl.outcome import State
from opsctl.rejudging import untold, would_pass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsctl.definitions import CheckDefinition, Service, Workspace
    from opsctl.intervals import Interval
    from opsctl.ledger.incident import Incident
    from opsctl.store.recorded import Recorded


class Alarms(NamedTuple):
    """How often a check alarmed, and how many of those times lay in an incident of its service."""

    number: int
    within: int


class Replayed(NamedTuple):
    """How a check would have judged its recorded results.

    `good` and `bad` are how many were up or degraded, or not, when they were recorded; `up`, `not_up` and
    `unclear` what they would be now. `mended` were bad and would be good, `broken` the other way round;
    `incidents` are those in which a changed one lies, `within` how many mended and broken ones do. `others`
    are passes of an older opsctl of which too little was kept. `alarmed` and `alarms` are then and now, where
    whatever cannot be told is taken to be as it was; `untold` are expectations for which that is so.
    """

    check: str
    good: int
    bad: int
    up: int
    not_up: int
    unclear: int
    mended: int
    broken: int
    within: tuple[int, int]
    incidents: tuple[str, ...]
    others: int
    alarmed: Alarms
    alarms: Alarms
    untold: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is no result at all."""
        return not (self.good or self.bad or self.others)


class Replay(NamedTuple):
    """All checks since a time (UTC epoch seconds)."""

    workspace: str
    since: float
    checks: tuple[Replayed, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where what lay in an incident would now be up, 3 where nothing is judged or not all is told."""
        missed = [ExitCode.NO for one in self.checks if one.within[0]]
        untold = [ExitCode.UNKNOWN for one in self.checks if one.unclear or not (one.good or one.bad)]
        return worst([*missed, *untold])


def replay(workspace: Workspace, names: Sequence[str], since: str, now: float) -> Replay:
    """Judge what is recorded of the checks since a time by their expectations; UsageError for a bad time."""
    from opsctl.store.ledger import records
    from opsctl.store.maintained import maintained
    from opsctl.store.opening import open_store
    from opsctl.store.recorded import recorded
    from opsctl.store.rows import millis

    start = moment(since, now, workspace.timezone, "--since")
    known = workspace.checks()
    # What stood at the start is told by the results before it: by as many as an outage takes.
    first = start - max((_lead(known[name][1]) for name in names), default=0.0)
    with open_store(workspace.store, write=False) as store:
        with store.reading() as db:
            incidents = [one for one in records(db, "INC") if not one.false_alarm]
            away = maintained(db, names, millis(first), millis(now))
        courses = {
            name: _Course(check, _rules(check), start, away[name], _of(service, incidents))
            for name in names
            for service, check in (known[name],)
        }
        for one in recorded(store, names, first):
            _follow(courses[one.result.check], one)
    return Replay(workspace.name, start, tuple(_replayed(course) for course in courses.values()))


@dataclass(slots=True)
class _Course:
    """Where the replay of one check has come to; `away` is when it was in maintenance, in milliseconds."""

    check: CheckDefinition
    rules: Rules
    start: float
    away: Sequence[Interval]
    incidents: Sequence[Incident]
    then: Watch = field(default_factory=Watch)
    now: Watch | None = None
    good: int = 0
    bad: int = 0
    verdicts: Counter[bool | None] = field(default_factory=Counter)
    mended: list[float] = field(default_factory=list)
    broken: list[float] = field(default_factory=list)
    others: int = 0
    untold: dict[str, None] = field(default_factory=dict)


def _rules(check: CheckDefinition) -> Rules:
    return Rules(check.fail_after, check.ok_after, check.lapse)


def _lead(check: CheckDefinition) -> float:
    return check.lapse * (max(check.fail_after, check.ok_after) + 1)


def _of(service: Service, incidents: Iterable[Incident]) -> list[Incident]:
    return [one for one in incidents if service.id in one.services]


def _follow(course: _Course, one: Recorded) -> None:
    """Go on with the next result; what was found in maintenance counts for nobody."""
    result = one.result
    if course.away and any(begin <= result.at * 1000 < end for begin, end in course.away):
        return
    if result.at < course.start:
        course.then = course.then.after(result, one.rules)
        return
    if course.now is None:
        course.then = course.now = Watch(course.then.standing)
    told = would_pass(course.check, result)
    _count(course, one, told)
    same = told is None or told is result.state.good
    before, course.then = course.then, course.then.after(result, one.rules)
    if same and course.now is before and one.rules == course.rules:
        course.now = course.then
        return
    now = result if same else result._replace(state=State.UP if told else State.DOWN)
    course.now = course.now.after(now, course.rules)


def _count(course: _Course, one: Recorded, told: bool | None) -> None:
    result = one.result
    if told is None:
        course.untold.update(dict.fromkeys(untold(course.check, result)))
        if not one.telling:
            course.others += 1
            return
    course.verdicts[told] += 1
    if result.state.good:
        course.good += 1
    else:
        course.bad += 1
    if told is not None and told is not result.state.good:
        (course.mended if told else course.broken).append(result.at)


def _replayed(course: _Course) -> Replayed:
    changed = [*course.mended, *course.broken]
    return Replayed(
        check=course.check.name,
        good=course.good,
        bad=course.bad,
        up=course.verdicts[True],
        not_up=course.verdicts[False],
        unclear=course.verdicts[None],
        mended=len(course.mended),
        broken=len(course.broken),
        within=(_within(course.mended, course.incidents), _within(course.broken, course.incidents)),
        incidents=tuple(one.subject for one in course.incidents if _within(changed, [one])),
        others=course.others,
        alarmed=_alarms(course, course.now and course.then),
        alarms=_alarms(course, course.now),
        untold=tuple(course.untold),
    )


def _alarms(course: _Course, watch: Watch | None) -> Alarms:
    if watch is None or watch.standing is None:
        return Alarms(0, 0)
    # The last result speaks for a while, and so does the outage that goes on.
    last = watch.standing.at + course.check.lapse
    lasted = [(one.since, last if one.until is None else one.until) for one in watch.alarms]
    times = [_times(one) for one in course.incidents]
    within = sum(any(begin <= until and since <= end for begin, end in times) for since, until in lasted)
    return Alarms(len(lasted), within)


def _within(times: Sequence[float], incidents: Sequence[Incident]) -> int:
    lasted = [_times(one) for one in incidents]
    return sum(any(begin <= at <= end for begin, end in lasted) for at in times)


def _times(incident: Incident) -> tuple[float, float]:
    """From when until when an incident lasted (UTC epoch seconds); one that is not over lasts for ever."""
    begun = [incident.impact_started, incident.detected, incident.opened]
    ended = incident.impact_ended or incident.resolved or incident.closed
    return min(one for one in begun if one is not None), math.inf if ended is None else ended
