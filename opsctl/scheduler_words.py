"""Days and times as cron and systemd write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.schedule_rules import ALL_DAYS, ALL_MONTHS, DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ALL_DATES = frozenset(range(1, 32))
_LAST_WEEK = frozenset(range(1, 8))


class Dates(NamedTuple):
    """Days that are in these months, on these dates and on these weekdays (0 for Monday).

    Dates are counted from the end of the month, 1 for its last day, where `from_end`.
    """

    months: frozenset[int] = ALL_MONTHS
    dates: frozenset[int] = ALL_DATES
    weekdays: frozenset[int] = ALL_DAYS
    from_end: bool = False


def cron(dates: Dates, times: Iterable[int]) -> list[str]:
    """Lines of five fields for times in minutes after midnight; ValueError for what cron cannot say."""
    if dates.from_end:
        raise ValueError("cron does not count from the end of a month")
    if dates.dates != ALL_DATES and dates.weekdays != ALL_DAYS:
        raise ValueError("cron takes dates or weekdays, and not both")
    days = (
        _field(dates.dates, range(1, 32)),
        _field(dates.months, range(1, 13)),
        _field(frozenset((day + 1) % 7 for day in dates.weekdays), range(7)),
    )
    return [" ".join((_minutes(hours, minutes), _hours(hours), *days)) for hours, minutes in _groups(times)]


def calendar_events(dates: Dates, times: Iterable[int]) -> list[str]:
    """Values of `OnCalendar=` without a zone, for times in minutes after midnight."""
    weekdays = "" if dates.weekdays == ALL_DAYS else f"{_names(dates.weekdays)} "
    months = "*" if dates.months == ALL_MONTHS else _listed(dates.months)
    day = "-*" if dates.dates == ALL_DATES else f"-{_listed(dates.dates)}"
    if dates.from_end:
        # The seventh last day, and every one after it; or each of them.
        each = ",".join(f"{one:02}" for one in sorted(dates.dates))
        day = "~07/1" if dates.dates == _LAST_WEEK else f"~{each}"
    return [
        f"{weekdays}*-{months}{day} {_clock(hours, range(24))}:{_clock(minutes, range(60))}:00"
        for hours, minutes in _groups(times)
    ]


def _groups(times: Iterable[int]) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Hours and minutes, so that every hour goes with every minute of its group."""
    hours: dict[int, set[int]] = {}
    for one in sorted(times):
        hours.setdefault(one % 60, set()).add(one // 60)
    minutes: dict[frozenset[int], set[int]] = {}
    for minute, found in hours.items():
        minutes.setdefault(frozenset(found), set()).add(minute)
    return [(found, frozenset(those)) for found, those in minutes.items()]


def _minutes(hours: frozenset[int], minutes: frozenset[int]) -> str:
    # A star here or in the hours tells cron to go by real time where the clocks change.
    star = "*" if len(hours) == 24 else "0-59"
    return _stepped(star, minutes, range(60)) or _field(minutes, range(60))


def _hours(hours: frozenset[int]) -> str:
    return "*" if len(hours) == 24 else _stepped("0-23", hours, range(24)) or _field(hours, range(24))


def _stepped(star: str, values: frozenset[int], everything: range) -> str:
    """`star`, or `star/5`; empty for values that are at no equal distances."""
    if len(values) == len(everything):
        return star
    found = sorted(values)
    regular = len(found) > 2 and found == list(everything[:: found[1] - found[0]])
    return f"{star}/{found[1] - found[0]}" if regular else ""


def _field(values: frozenset[int], everything: range) -> str:
    """`*`, `1-5` or `0,30`: what every cron reads."""
    if len(values) == len(everything):
        return "*"
    return ",".join(str(one) if one == two else f"{one}-{two}" for one, two in _runs(sorted(values)))


def _runs(found: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Three or more values in a row as the first and the last of them, others alone."""
    at = 0
    while at < len(found):
        end = at
        while end + 1 < len(found) and found[end + 1] == found[end] + 1:
            end += 1
        if end - at > 1:
            yield found[at], found[end]
        else:
            yield from ((one, one) for one in found[at : end + 1])
        at = end + 1


def _names(days: frozenset[int]) -> str:
    return ",".join(DAYS[day][:3].title() for day in sorted(days))


def _clock(values: frozenset[int], everything: range) -> str:
    return "*" if len(values) == len(everything) else _stepped("00", values, everything) or _listed(values)


def _listed(values: frozenset[int]) -> str:
    runs = _runs(sorted(values))
    return ",".join(f"{one:02}" if one == two else f"{one:02}..{two:02}" for one, two in runs)
