"""Schedules in the words of other schedulers: lines of cron, and `OnCalendar=` of systemd.

What they cannot say is an error in words; then `wider` gives a schedule that is due at least as often, which
does for `opsctl routine run --due`: it does nothing when nothing is due.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from opsctl.schedule_rules import (
    ALL_DAYS,
    ALL_MONTHS,
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
)
from opsctl.scheduler_words import ALL_DATES, Dates, calendar_events, cron

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opsctl.schedules import Calendar

_DAY = 1440
_YEAR = 400
_LONG = frozenset((1, 3, 5, 7, 8, 10, 12))
_SHORT = frozenset((4, 6, 9, 11))
# How cronsim keeps `L` and `LW`.
_LAST, _LAST_WEEKDAY = -1000, -1001


class Terms(NamedTuple):
    """What else decides when a schedule is due: its calendar, and the time from which its zone is looked at.

    With `holidays`, which need not be in the calendar, nobody can say beforehand what the working days are.
    """

    calendar: Calendar
    at: float
    holidays: bool = False


def cron_lines(schedule: Schedule, terms: Terms, *, utc: bool = False) -> tuple[str, ...]:
    """Five fields each, in the schedule's zone, or in UTC: then for every offset of the zone in a year.

    So where clocks change, lines in UTC are due more often than the schedule. Raises ValueError, in words,
    for what cron cannot say.
    """
    found = _shown(schedule, terms, {0} if utc else offsets(terms))
    moves = offsets(terms) if utc and found is schedule else {0}
    due: dict[Dates, set[int]] = {}
    for dates in _dates(found.rule, terms):
        for offset in sorted(moves):
            for minute in found.times:
                days, rest = divmod(minute - offset, _DAY)
                due.setdefault(_moved(dates, days), set()).add(rest)
    return tuple(line for dates, times in due.items() for line in cron(dates, times))


def on_calendar(schedule: Schedule, terms: Terms) -> tuple[str, ...]:
    """Values of `OnCalendar=` with the zone's name; ValueError, in words, for what systemd cannot say."""
    found, zone = _shown(schedule, terms, offsets(terms)), terms.calendar.zone
    events = (one for dates in _dates(found.rule, terms) for one in calendar_events(dates, found.times))
    return tuple(f"{one} {zone}" for one in events)


def wider(schedule: Schedule, terms: Terms) -> Schedule:
    """A schedule that every scheduler can say, and that is due whenever this one is."""
    match schedule.rule:
        case Elapsed(minutes):
            return _often(minutes, terms)
        case Nth(_, int(day), _) | Week(_, int(day)):
            days = frozenset((day,))
        case EveryDays(_, on) if on:
            days = on
        case _:
            days = ALL_DAYS
    # What is moved from a holiday may come on any day.
    moved = terms.holidays and terms.calendar.on_holiday == "next"
    return Schedule(Weekdays(ALL_DAYS if moved else days), schedule.times)


def offsets(terms: Terms) -> set[int]:
    """The offsets from UTC, in minutes, that the zone has in the year to come."""
    zone = terms.calendar.zone
    days = (datetime.fromtimestamp(terms.at + 60 * _DAY * number, zone) for number in range(_YEAR))
    return {(one.utcoffset() or timedelta()) // timedelta(minutes=1) for one in days}


def _often(minutes: int, terms: Terms) -> Schedule:
    """Every hour where that meets what is counted in hours, or else every five minutes, or each."""
    phases = {(_anchor(terms) + offset) % 60 for offset in offsets(terms)}
    often = sorted(phases) if minutes % 60 == 0 else range(0, 60, 5 if minutes % 5 == 0 else 1)
    return Schedule(Weekdays(ALL_DAYS), tuple(60 * hour + minute for hour in range(24) for minute in often))


def _anchor(terms: Terms) -> int:
    """The minute, counted in UTC, from which what is counted in hours counts."""
    first = datetime.combine(terms.calendar.starts, time(), terms.calendar.zone)
    return int(first.timestamp()) // 60


def _shown(schedule: Schedule, terms: Terms, clocks: set[int]) -> Schedule:
    """What is counted in hours as times of the day on clocks of these offsets; any other as it is."""
    if not isinstance(schedule.rule, Elapsed):
        return schedule
    step = schedule.rule.minutes
    phases = {(_anchor(terms) + offset) % step for offset in clocks}
    if _DAY % step:
        raise ValueError("it is not at the same times every day")
    if len(phases) > 1:
        raise ValueError("it counts real hours, and the clocks of its zone change")
    return Schedule(Weekdays(ALL_DAYS), tuple(range(phases.pop(), _DAY, step)))


def _moved(dates: Dates, days: int) -> Dates:
    """The same a day earlier or later; ValueError where that is another date."""
    if days and (dates.dates != ALL_DATES or dates.months != ALL_MONTHS):
        raise ValueError("in UTC it is on another date")
    return dates._replace(weekdays=frozenset((day + days) % 7 for day in dates.weekdays))


def _dates(rule: Rule, terms: Terms) -> Iterable[Dates]:
    """The days of a rule; ValueError where no pattern of dates and weekdays tells them."""
    moved = terms.holidays and terms.calendar.on_holiday == "next"
    if moved and rule != Weekdays(ALL_DAYS):
        raise ValueError("its times on holidays are moved")
    match rule:
        case Weekdays(days):
            return [Dates(weekdays=days)]
        case WorkingDays():
            return [Dates(weekdays=_working(terms))]
        case MonthDay(months, day):
            return _month_days(months, day)
        case Nth():
            return _nth(rule, terms)
        case Week(number, None):
            return [Dates(dates=frozenset((22 if number < 0 else 7 * number - 6,)))]
        case Week(number, int(day)):
            return _nth(Nth(number, day, 1), terms)
        case EveryDays(7, _):
            return [Dates(weekdays=frozenset((terms.calendar.starts.weekday(),)))]
        case Cron(line):
            return _cron_dates(line)
        case _:
            raise ValueError("it counts days from the one on which it starts")


def _working(terms: Terms) -> frozenset[int]:
    if terms.holidays:
        raise ValueError("other schedulers know no holidays")
    return terms.calendar.working_days


def _month_days(months: frozenset[int], day: int) -> Iterator[Dates]:
    """A date, or the last one of months that are too short for it."""
    if day == 31 and 2 in months:
        yield Dates(months, frozenset((1,)), from_end=True)
        return
    fits = {month for month in months if day <= (31 if month in _LONG else 30 if month in _SHORT else 28)}
    if fits:
        yield Dates(frozenset(fits), frozenset((day,)))
    if short := months & _SHORT - fits:
        yield Dates(short, frozenset((30,)))
    if 2 in months - fits:
        yield Dates(frozenset((2,)), frozenset((1,)), from_end=True)


def _nth(rule: Nth, terms: Terms) -> Iterable[Dates]:
    last = rule.number < 0
    months = frozenset(range(rule.months if last else 1, 13, rule.months))
    if isinstance(rule.what, int):
        dates = range(1, 8) if last else range(7 * rule.number - 6, 7 * rule.number + 1)
        return [Dates(months, frozenset(dates), frozenset((rule.what,)), last)]
    if rule.what == "day":
        return _month_days(months, 31 if last else rule.number)
    return _nth_working(rule.number, months, _working(terms))


def _nth_working(number: int, months: frozenset[int], working: frozenset[int]) -> list[Dates]:
    """A weekday is the first working day on as many dates as it has days off before it; and so on."""
    step, wanted = (-1, number - 1) if number > 0 else (1, 0)
    found: dict[frozenset[int], set[int]] = {}
    for weekday in working:
        off = [sum((weekday + step * away) % 7 in working for away in range(1, day)) for day in range(1, 32)]
        dates = frozenset(day for day, before in enumerate(off, 1) if before == wanted)
        found.setdefault(dates, set()).add(weekday)
    return [Dates(months, dates, frozenset(days), number < 0) for dates, days in found.items()]


def _cron_dates(line: str) -> Iterator[Dates]:
    """A cron line is due on its dates or on its weekdays, where neither is a star."""
    found, (_, _, said, _, said_days) = cron_of(line), line.split()
    months, dates = frozenset(found.months), frozenset(found.days)
    days = frozenset((one + 6) % 7 for one in found.weekdays if isinstance(one, int))
    numbered = sorted(one for one in found.weekdays if not isinstance(one, int))
    if _LAST_WEEKDAY in dates or (numbered and (days or dates != ALL_DATES)):
        raise ValueError("its line has words that other crons do not know")
    either = not said.startswith("*") and not said_days.startswith("*")
    if either and (dates >= ALL_DATES or days == ALL_DAYS):
        yield Dates(months)
    elif numbered:
        yield from _counted(numbered, months)
    elif either:
        yield from [*_both_ends(months, dates), Dates(months, weekdays=days)]
    elif dates != ALL_DATES and days != ALL_DAYS:
        raise ValueError("crons differ in what a star with a step means beside a date or a weekday")
    else:
        yield from (one._replace(weekdays=days) for one in _both_ends(months, dates))


def _both_ends(months: frozenset[int], dates: frozenset[int]) -> Iterator[Dates]:
    if dates - {_LAST}:
        yield Dates(months, dates - {_LAST})
    if _LAST in dates:
        yield Dates(months, frozenset((1,)), from_end=True)


def _counted(numbered: Sequence[tuple[int, int]], months: frozenset[int]) -> Iterator[Dates]:
    """Weekdays as `MON#2`, and `5L` for the last."""
    for day, number in numbered:
        last = number == _LAST
        dates = range(1, 8) if last else range(7 * number - 6, min(7 * number, 31) + 1)
        yield Dates(months, frozenset(dates), frozenset(((day + 6) % 7,)), last)
