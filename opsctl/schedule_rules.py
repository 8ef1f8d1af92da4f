"""What a schedule may be: a rule for days with times of the day, and the words that all are said with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from opsctl.prose import line, listed, shorten

if TYPE_CHECKING:
    from cronsim import CronSim

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
ALL_DAYS = frozenset(range(7))
WEEKDAYS = frozenset(range(5))
WEEKENDS = frozenset((5, 6))
ALL_MONTHS = frozenset(range(1, 13))
QUARTERS = frozenset((1, 4, 7, 10))
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
SPANS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Weekdays:
    """On these days of every week, 0 for Monday."""

    days: frozenset[int]


@dataclass(frozen=True)
class WorkingDays:
    """On every working day that is no holiday."""


@dataclass(frozen=True)
class MonthDay:
    """On that day of these months; on the last day of a month that has no such day."""

    months: frozenset[int]
    day: int


@dataclass(frozen=True)
class Nth:
    """On the first to fourth, or the last (-1), weekday, day or working day of every 1, 3 or 12 months."""

    number: int
    what: int | Literal["day", "working day"]
    months: int


@dataclass(frozen=True)
class Week:
    """On the first day of the first to fourth week of every month, or on a weekday in it.

    Weeks begin on day 1, 8, 15 and 22; the fourth goes on to the end. The last (-1) week is the fourth, but
    of a weekday it has the last one of the month.
    """

    number: int
    weekday: int | None


@dataclass(frozen=True)
class EveryDays:
    """Every so many days from the anchor; with weekdays, on these in the first seven days of each stretch."""

    days: int
    on: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Elapsed:
    """Every so many minutes of real time from the anchor, whatever the clocks show."""

    minutes: int


@dataclass(frozen=True)
class Cron:
    """On the days that the last three fields of a cron line say."""

    line: str


Rule = Weekdays | WorkingDays | MonthDay | Nth | Week | EveryDays | Elapsed | Cron


@dataclass(frozen=True)
class Schedule:
    """Days by a rule, and the times of these days in minutes after midnight, ascending; none if Elapsed."""

    rule: Rule
    times: tuple[int, ...]

    @property
    def hourly(self) -> bool:
        """Whether it names every hour of the day, so that it goes by the hours that pass."""
        return len({minute // 60 for minute in self.times}) == 24


@dataclass(frozen=True)
class After:
    """So many seconds after each decision of a gate that let a subject pass, or each run that is done."""

    wait: float
    noun: Literal["gate", "runbook"]
    name: str
    text: str


@lru_cache(maxsize=256)
def cron_of(expression: str) -> CronSim:
    """A cron line, read; ValueError where it says nothing, or days that no month has."""
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError, AssertionError) as error:
        field = str(error).removeprefix("Bad ") if isinstance(error, CronSimError) else "line"
        raise ValueError(
            f"the {field} of `{line(shorten(expression, 60))}` does not fit; write five fields "
            "(minute, hour, day, month, weekday), as `0 9 * * 1-5`"
        ) from error


def describe(schedule: Schedule | After) -> str:
    """The same in the words that all schedules are said with; parsing them gives it again."""
    if isinstance(schedule, After):
        return schedule.text
    rule = schedule.rule
    if isinstance(rule, Cron):
        return f"cron: {rule.line}"
    if isinstance(rule, Elapsed):
        return f"every {rule.minutes // 60}h" if rule.minutes % 60 == 0 else f"every {rule.minutes}m"
    minutes = sorted({minute % 60 for minute in schedule.times})
    if rule == Weekdays(ALL_DAYS) and len(schedule.times) == 24 * len(minutes):
        return "hourly" if minutes == [0] else f"hourly at {listed([f':{one:02}' for one in minutes])}"
    times = listed([f"{minute // 60:02}:{minute % 60:02}" for minute in schedule.times])
    return f"{_said(rule)} at {times}"


def _said(rule: Weekdays | WorkingDays | MonthDay | Nth | Week | EveryDays) -> str:
    match rule:
        case Weekdays(days):
            usual = {ALL_DAYS: "daily", WEEKDAYS: "weekdays", WEEKENDS: "weekends"}
            return usual.get(days) or f"every {_said_days(days)}"
        case WorkingDays():
            return "working days"
        case MonthDay():
            return _said_date(rule)
        case Nth(number, what, months):
            span = next(name for name, one in SPANS.items() if one == months)
            return f"{_ordinal(number)} {DAYS[what] if isinstance(what, int) else what} of the {span}"
        case Week(number, weekday):
            on = "" if weekday is None else f" on {DAYS[weekday]}"
            return f"{_ordinal(number)} week of the month{on}"
        case EveryDays(days, on):
            return _said_every(days, on)


def _said_every(days: int, on: frozenset[int]) -> str:
    if on:
        return (
            f"every other {_said_days(on)}" if days == 14 else f"every {days // 7} weeks on {_said_days(on)}"
        )
    if days % 7:
        return f"every {days} days"
    return "every week" if days == 7 else f"every {days // 7} weeks"


def _said_date(rule: MonthDay) -> str:
    if len(rule.months) == 1:
        (month,) = rule.months
        return f"yearly in {MONTHS[month - 1]} on day {rule.day}"
    if rule.months == ALL_MONTHS and rule.day == 31:
        return "last day of the month"
    return f"{'monthly' if rule.months == ALL_MONTHS else 'quarterly'} on day {rule.day}"


def _said_days(days: frozenset[int]) -> str:
    return listed([DAYS[day] for day in sorted(days)])


def _ordinal(number: int) -> str:
    return next(word for word, one in ORDINALS.items() if one == number)
