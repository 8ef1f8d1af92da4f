"""When a schedule is due: exact times in a zone, also where the clocks change, and around holidays.

Wall times that the clocks skip or show twice go by the calendar's `gap` and `overlap`. Of a schedule that
names every hour (`hourly`, `*/5 * * * *`) no hour that passes is left out or counted twice: a skipped wall
time is none, and one that is shown twice is two. `every 6h` counts real time.
"""

from __future__ import annotations

import heapq
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.schedule_rules import (
    After,
    Cron,
    Elapsed,
    EveryDays,
    MonthDay,
    Nth,
    Rule,
    Schedule,
    Week,
    Weekdays,
    WorkingDays,
    cron_of,
    describe,
)
from opsctl.schedule_words import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

__all__ = ["After", "Calendar", "Schedule", "describe", "occurrences", "parse"]

_ONE = timedelta(days=1)
_DAY = 86_400
_LAST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
# What changes the clocks by a day has days before and after it looked at, too.
_AROUND = timedelta(days=2)


class Calendar(NamedTuple):
    """Where and when people work, and what becomes of times that are not as they should be.

    Weekdays are 0 for Monday to 6. `on_holiday` moves a time on a holiday to the next working day, once, or
    leaves it out; what is counted in hours is never moved. Nothing is due before `starts`, from which
    `every ...` counts.
    """

    zone: tzinfo
    working_days: frozenset[int] = frozenset(range(5))
    holidays: frozenset[date] = frozenset()
    on_holiday: Literal["run", "skip", "next"] = "run"
    gap: Literal["after", "skip"] = "after"
    overlap: Literal["first", "second", "both"] = "first"
    starts: date = date(1970, 1, 5)


def occurrences(schedule: Schedule, calendar: Calendar, since: float, until: float) -> Iterator[float]:
    """When a schedule is due after `since` and up to `until`, ascending, each once; UTC epoch seconds."""
    since, until = max(since, -1.0), min(until, _LAST)
    if since >= until:
        return iter(())
    if isinstance(schedule.rule, Elapsed):
        return _elapsed(schedule.rule.minutes * 60, calendar, since, until)
    return _by_days(schedule, calendar, since, until)


def _elapsed(step: int, calendar: Calendar, since: float, until: float) -> Iterator[float]:
    anchor = _instants(_midnight(calendar.starts), calendar.zone)[0]
    at = anchor + max(0, int((since - anchor) // step) + 1) * step
    while at <= until:
        free = calendar.on_holiday != "run" and _date(at, calendar.zone) in calendar.holidays
        if not free:
            yield float(at)
        at += step


def _by_days(schedule: Schedule, calendar: Calendar, since: float, until: float) -> Iterator[float]:
    """Day by day; what comes twice may come after the beginning of the next day, so it waits for its turn."""
    day = max(_date(since, calendar.zone) - _AROUND, calendar.starts)
    begin, waiting, last = _instants(_midnight(day), calendar.zone), list[int](), -1
    while min(begin) <= until:
        end = _instants(_midnight(day + _ONE), calendar.zone)
        if _runs(schedule.rule, day, calendar):
            plain = end == (begin[0] + _DAY,) * 2
            times = _plain(schedule, begin[0]) if plain else _changed(schedule, day, calendar)
            for at in times:
                heapq.heappush(waiting, at)
        while waiting and waiting[0] < min(end):
            at = heapq.heappop(waiting)
            if since < at <= until and at != last:
                yield float(at)
            last = at
        day, begin = day + _ONE, end
    yield from (float(at) for at in sorted(set(waiting)) if since < at <= until)


def _plain(schedule: Schedule, midnight: int) -> Iterator[int]:
    return (midnight + 60 * minute for minute in schedule.times)


def _changed(schedule: Schedule, day: date, calendar: Calendar) -> Iterator[int]:
    """The instants of the times of a day on which the clocks may change."""
    for minute in schedule.times:
        first, second = _instants(_midnight(day) + timedelta(minutes=minute), calendar.zone)
        if first > second:
            if calendar.gap == "after" and not schedule.hourly:
                yield _jump(second, first, calendar.zone)
            continue
        if first == second or schedule.hourly or calendar.overlap != "second":
            yield first
        if first != second and (schedule.hourly or calendar.overlap != "first"):
            yield second


def _instants(wall: datetime, zone: tzinfo) -> tuple[int, int]:
    """The first and second instant of a wall time: mostly equal; descending where the clocks skip it."""
    here = wall.replace(tzinfo=zone)
    return int(here.timestamp()), int(here.replace(fold=1).timestamp())


def _jump(low: int, high: int, zone: tzinfo) -> int:
    """The instant between two, of which the first is before it, at which the clocks are put forward."""
    before = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _runs(rule: Rule, day: date, calendar: Calendar) -> bool:
    """Whether a rule falls on a day once holidays are seen to."""
    if calendar.on_holiday != "run" and day in calendar.holidays:
        return False
    if _falls(rule, day, calendar):
        return True
    return calendar.on_holiday == "next" and _works(day, calendar) and _moved(rule, day, calendar)


def _moved(rule: Rule, day: date, calendar: Calendar) -> bool:
    """Whether the rule fell on a holiday since the working day before."""
    before = day - _ONE
    while before >= calendar.starts and not _works(before, calendar):
        if before in calendar.holidays and _falls(rule, before, calendar):
            return True
        before -= _ONE
    return False


def _works(day: date, calendar: Calendar) -> bool:
    return day.weekday() in calendar.working_days and day not in calendar.holidays


def _falls(rule: Rule, day: date, calendar: Calendar) -> bool:
    """Whether a rule names a day."""
    match rule:
        case Weekdays(days):
            return day.weekday() in days
        case WorkingDays():
            return _works(day, calendar)
        case MonthDay(months, number):
            return day.month in months and (day.day == number or (day.day < number and _is_last(day)))
        case Nth():
            return _is_nth(rule, day, calendar)
        case Week(number, weekday):
            return _in_week(number, weekday, day)
        case EveryDays(days, on):
            passed = (day - calendar.starts).days % days
            return passed < 7 and day.weekday() in on if on else passed == 0
        case Cron(words):
            cron = cron_of(words)
            return day.month in cron.months and bool(cron.match_day(day))
        case Elapsed():
            return True


def _is_last(day: date) -> bool:
    return (day + _ONE).month != day.month


def _in_week(number: int, weekday: int | None, day: date) -> bool:
    if weekday is None:
        return day.day == (22 if number < 0 else 7 * number - 6)
    if day.weekday() != weekday:
        return False
    return (day + 7 * _ONE).month != day.month if number < 0 else (day.day + 6) // 7 == number


def _is_nth(rule: Nth, day: date, calendar: Calendar) -> bool:
    """Whether a day fits, and as many before it in its month, quarter or year; for the last, none after."""
    if not _fits(rule, day, calendar):
        return False
    step, allowed = (-_ONE, rule.number - 1) if rule.number > 0 else (_ONE, 0)
    span, other, found = _span(day, rule.months), day + step, 0
    while found <= allowed and _span(other, rule.months) == span:
        found += _fits(rule, other, calendar)
        other += step
    return found == allowed


def _fits(rule: Nth, day: date, calendar: Calendar) -> bool:
    if isinstance(rule.what, int):
        return day.weekday() == rule.what
    return rule.what == "day" or _works(day, calendar)


def _span(day: date, months: int) -> tuple[int, int]:
    return day.year, (day.month - 1) // months


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _date(at: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at, zone).date()
