"""The words of schedules: `daily at 09:00`, `first working day of the month`, cron."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Literal

from opsctl.outcome import Kind
from opsctl.prose import line, shorten, suggestion
from opsctl.schedule_rules import (
    ALL_DAYS,
    ALL_MONTHS,
    DAYS,
    MONTHS,
    ORDINALS,
    QUARTERS,
    SPANS,
    WEEKDAYS,
    WEEKENDS,
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
)
from opsctl.units import parse as quantity
from opsctl.units import show

if TYPE_CHECKING:
    from collections.abc import Callable

# Ten years in days; who writes more meant another unit.
_MOST = 3660

_DAY = "|".join(DAYS)
_LIST = rf"(?:{_DAY})(?: and (?:{_DAY}))*"
_NTH = "|".join(ORDINALS)
_EVERY = re.compile(rf"every ([0-9]{{1,9}} ?[a-z]+|[0-9a-z]*[0-9][a-z]+)(?: on ({_LIST}))?")
_AFTER = re.compile(r"(.+?) after (gate|runbook) (\S+)", re.IGNORECASE)
_SPOKEN = re.compile(r"([0-9]{1,9}) ?(m|min|minute|h|hour|d|day|w|week)s?")
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_CRONLIKE = re.compile(r"[0-9*/,-]+")
_VOCABULARY = (
    *DAYS, *MONTHS, *ORDINALS, *SPANS, "daily", "weekdays", "weekends", "hourly", "weekly", "monthly",
    "quarterly", "yearly", "working", "days", "every", "other", "day", "week", "weeks", "hour", "hours",
    "minute", "minutes", "weekday", "on", "in", "of", "the", "at", "and", "after", "gate", "runbook",
)  # fmt: skip
_EXAMPLES = {
    "every": "`every 6h`, `every 2 weeks at 10:00`, `every monday at 10:00` or `every other monday`",
    "weekly": "`weekly on friday at 16:00`",
    "monthly": "`monthly on day 15 at 10:00`, `monthly on the last day` or `first monday of the month`",
    "quarterly": "`quarterly on day 10 at 09:00` or `first working day of the quarter`",
    "yearly": "`yearly on 11-15 at 09:00` or `yearly in november on day 3`",
    "hourly": "`hourly` or `hourly at :15`",
    "first": "`first monday of the month at 10:00`, `first working day of the quarter` or "
    "`first week of the month on tuesday`",
}
_ANY = (
    "`daily at 09:00`, `weekdays at 14:00`, `every monday at 10:00`, `every 6h`, `monthly on day 15` "
    "or a cron line"
)


def parse(text: str) -> Schedule | After:
    """What a schedule says; ValueError says what to write instead."""
    said = " ".join(text.split())
    if found := _AFTER.fullmatch(said):
        return _after(found)
    if said[:5].lower() == "cron:":
        return _cron(said[5:].strip())
    fields = said.split()
    if said.startswith("@") or (len(fields) > 1 and all(_CRONLIKE.fullmatch(one) for one in fields[:2])):
        return _cron(said)
    phrase, _, clock = re.sub(r",? and |, ?", " and ", said.lower()).partition(" at ")
    if phrase in {"hourly", "every hour"}:
        return Schedule(Weekdays(ALL_DAYS), _hourly(clock))
    rule = _rule(phrase)
    if rule is None:
        raise ValueError(_instead(said, phrase))
    if isinstance(rule, Elapsed):
        if clock:
            raise ValueError(
                f"`{_cut(said)}` counts hours from the day it `starts` and has no time of day; leave `at` out"
            )
        return Schedule(rule, ())
    return Schedule(rule, _times(clock or "00:00"))


def _rule(phrase: str) -> Rule | None:
    if phrase in _NAMED:
        return _NAMED[phrase]
    return next(
        (make(found) for form, make in _FORMS if (found := re.fullmatch(form, phrase)) is not None), None
    )


def _every(found: re.Match[str]) -> Rule | None:
    minutes, by_days = _stretch(found[1])
    if not 1 <= minutes <= _MOST * 1440:
        raise ValueError(f"`{_cut(found[0])}` is too {'long' if minutes else 'short'}; write 1m to {_MOST}d")
    if found[2] is None:
        if not by_days:
            return Elapsed(minutes)
        return Weekdays(ALL_DAYS) if minutes == 1440 else EveryDays(minutes // 1440)
    if not by_days or minutes % 10080:
        raise ValueError(f"`{_cut(found[0])}` is not in weeks; write it as `every 2 weeks on monday`")
    return _weeks(minutes // 10080, found[2])


def _weeks(number: int, days: str) -> Rule:
    return Weekdays(_days(days)) if number == 1 else EveryDays(7 * number, _days(days))


def _stretch(said: str) -> tuple[int, bool]:
    """Minutes, and whether they are written as days or weeks only."""
    if spoken := _SPOKEN.fullmatch(said):
        unit = spoken[2][0]
        return int(spoken[1]) * _MINUTES[unit], unit in "dw"
    if said.endswith(("month", "months", "quarter", "quarters", "year", "years")):
        raise ValueError(
            f"`every {_cut(said)}` is no schedule; write `monthly`, `quarterly`, `yearly` or `every 90d`"
        )
    try:
        seconds = quantity(Kind.DURATION, said)
    except ValueError:
        raise ValueError(f"`every {_cut(said)}` is no schedule; write {_EXAMPLES['every']}") from None
    if seconds % 60:
        raise ValueError(f"`every {_cut(said)}` is finer than a minute; write whole minutes, as `every 5m`")
    return round(seconds / 60), not re.search("[hms]", said)


def _days(said: str) -> frozenset[int]:
    return frozenset(DAYS.index(day) for day in said.split(" and "))


def _dated(found: re.Match[str]) -> Rule:
    month, day = int(found[1]), int(found[2])
    try:
        date(2024, month, day)
    except ValueError:
        raise ValueError(
            f"`{found[1]}-{found[2]}` is no day of a year; write month and day, as `yearly on 11-15`"
        ) from None
    return MonthDay(frozenset((month,)), day)


def _numbered(found: re.Match[str]) -> Rule:
    months = {"monthly": ALL_MONTHS, "quarterly": QUARTERS, "yearly": frozenset((1,))}[found[1]]
    return MonthDay(months, _day_number(found[2]))


def _in_month(found: re.Match[str]) -> Rule:
    return MonthDay(frozenset((MONTHS.index(found[1]) + 1,)), _day_number(found[2] or "1"))


def _day_number(said: str) -> int:
    if not 1 <= int(said) <= 31:
        raise ValueError(f"`day {_cut(said)}` is no day of a month; write 1 to 31, or `on the last day`")
    return int(said)


def _nth(number: str, what: str, months: int) -> Rule:
    """Of equal rules there is one form only."""
    if what == "day" and months == 1:
        return MonthDay(ALL_MONTHS, 31 if number == "last" else ORDINALS[number])
    if what in DAYS:
        return Nth(ORDINALS[number], DAYS.index(what), months)
    return Nth(ORDINALS[number], "day" if what == "day" else "working day", months)


def _week(found: re.Match[str]) -> Rule:
    return Week(ORDINALS[found[1]], None if found[2] is None else DAYS.index(found[2]))


_NAMED: dict[str, Rule] = {
    "daily": Weekdays(ALL_DAYS),
    "every day": Weekdays(ALL_DAYS),
    "every other day": EveryDays(2),
    "every week": EveryDays(7),
    "every other week": EveryDays(14),
    "weekdays": Weekdays(WEEKDAYS),
    "every weekday": Weekdays(WEEKDAYS),
    "weekends": Weekdays(WEEKENDS),
    "working days": WorkingDays(),
    "every working day": WorkingDays(),
    "weekly": Weekdays(frozenset((0,))),
    "monthly": MonthDay(ALL_MONTHS, 1),
    "quarterly": MonthDay(QUARTERS, 1),
    "yearly": MonthDay(frozenset((1,)), 1),
}
_WHAT = rf"({_NTH}) ({_DAY}|day|working day)"
_PERIODS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_FORMS: tuple[tuple[str, Callable[[re.Match[str]], Rule | None]], ...] = (
    (rf"(?:every|weekly on) ({_LIST})", lambda found: Weekdays(_days(found[1]))),
    (rf"every other ({_LIST})", lambda found: _weeks(2, found[1])),
    (_EVERY.pattern, _every),
    (r"(monthly|quarterly|yearly) on day ([0-9]{1,4})", _numbered),
    (
        rf"(monthly|quarterly|yearly) on the {_WHAT}",
        lambda found: _nth(found[2], found[3], _PERIODS[found[1]]),
    ),
    (r"yearly on ([0-9]{2})-([0-9]{2})", _dated),
    (rf"yearly in ({'|'.join(MONTHS)})(?: on day ([0-9]{{1,4}}))?", _in_month),
    (rf"{_WHAT} of the (month|quarter|year)", lambda found: _nth(found[1], found[2], SPANS[found[3]])),
    (rf"({_NTH}) week of the month(?: on ({_DAY}))?", _week),
)


def _times(said: str) -> tuple[int, ...]:
    minutes = set()
    for one in said.split(" and "):
        found = _CLOCK.fullmatch(one)
        if found is None:
            raise ValueError(
                f"`{_cut(one)}` is no time of day; write 09:00, or several as `at 09:00 and 14:00` "
                "(a zone goes into `timezone`)"
            )
        minutes.add(int(found[1]) * 60 + int(found[2]))
    return tuple(sorted(minutes))


def _hourly(said: str) -> tuple[int, ...]:
    minutes = set()
    for one in (said or ":00").split(" and "):
        if not re.fullmatch(":[0-5][0-9]", one):
            raise ValueError(f"`{_cut(one)}` is no minute of the hour; write `hourly at :15`")
        minutes.add(int(one[1:]))
    return tuple(60 * hour + minute for hour in range(24) for minute in sorted(minutes))


def _after(found: re.Match[str]) -> After:
    spoken = found[1].lower()
    if plain := _SPOKEN.fullmatch(spoken):
        wait = float(int(plain[1]) * _MINUTES[plain[2][0]] * 60)
    else:
        wait = quantity(Kind.DURATION, spoken)
    if not 0 <= wait <= _MOST * 86400:
        raise ValueError(f"`{_cut(found[1])}` is no time to wait; write 0s to {_MOST}d, as `24h after ...`")
    noun: Literal["gate", "runbook"] = "gate" if found[2].lower() == "gate" else "runbook"
    return After(wait, noun, found[3], f"{show(Kind.DURATION, wait)} after {noun} {found[3]}")


def _cron(said: str) -> Schedule:
    fields = said.upper().split()
    if said.startswith("@"):
        words = ("hourly", "daily", "weekly", "monthly", "quarterly", "yearly")
        hint = suggestion(said[1:].lower(), words) or "; write `daily at 00:00` or five fields"
        raise ValueError(f"`{_cut(said)}` is no cron line of five fields{hint}")
    if len(fields) != 5:
        raise ValueError(
            f"`{_cut(said)}` has {len(fields)} fields; write five (minute, hour, day, month, weekday), "
            "as `0 9 * * 1-5`"
        )
    expression = " ".join(fields)
    found = cron_of(expression)
    times = sorted(60 * hour + minute for hour in found.hours for minute in found.minutes)
    return Schedule(Cron(expression), tuple(times))


def _instead(said: str, phrase: str) -> str:
    """What is wrong with a text that no form fits."""
    if not said:
        return f"a schedule is empty; write {_ANY}"
    if (found := re.fullmatch(rf"(.*?[a-z]) ({_CLOCK.pattern}.*)", phrase)) and _rule(found[1]) is not None:
        return f"`{_cut(said)}` lacks `at`; write `{found[1]} at {found[2]}`"
    words = [word for word in phrase.split() if re.fullmatch("[a-z]+", word)]
    if " after " in f" {phrase} ":
        return f"`{_cut(said)}` follows nothing; write `24h after gate NAME` or `7d after runbook NAME`"
    if "fifth" in words:
        return "not every month has a fifth one; write `last`, as `last friday of the month`"
    for word in words:
        if word not in _VOCABULARY:
            meant = [known for known in _VOCABULARY if len(word) > 2 and known.startswith(word)]
            hint = f"; did you mean `{meant[0]}`?" if meant else suggestion(word, _VOCABULARY)
            return f"`{_cut(word)}` is no word of a schedule{hint or f'; write {_ANY}'}"
    lead = "first" if words and words[0] in ORDINALS else words[0] if words else ""
    return f"`{_cut(said)}` is no schedule; write {_EXAMPLES.get(lead, _ANY)}"


def _cut(text: str) -> str:
    return line(shorten(text, 60))
