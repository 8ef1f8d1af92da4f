"""Times of schedules against an oracle that walks through the minutes with an eye on the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_days import EXAMPLES, LONG, ONE, at

from opsctl.schedules import Calendar, occurrences, parse


def month_of(day):
    first = day.replace(day=1)
    return [one for one in (first + number * ONE for number in range(31)) if one.month == day.month]


def quarter_of(day):
    first = day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    return [
        one
        for one in (first + number * ONE for number in range(92))
        if (one.month - 1) // 3 == (day.month - 1) // 3
    ]


def falls(text, calendar):
    """Whether a day is one that the words before `at` name; said once more, as plainly as can be."""
    anchor = calendar.starts

    def works(day):
        return day.weekday() in calendar.working_days and day not in calendar.holidays

    return {
        "daily": lambda day: True,
        "weekdays": lambda day: day.weekday() < 5,
        "weekends": lambda day: day.weekday() > 4,
        "working days": works,
        "every monday and thursday": lambda day: day.weekday() in (0, 3),
        "every other tuesday": lambda day: day.weekday() == 1 and (day - anchor).days // 7 % 2 == 0,
        "every 3 days": lambda day: (day - anchor).days % 3 == 0,
        "every 2 weeks": lambda day: (day - anchor).days % 14 == 0,
        "monthly on day 30": lambda day: day == (month_of(day)[:30])[-1],
        "monthly on day 15": lambda day: day.day == 15,
        "monthly on the last day": lambda day: day == month_of(day)[-1],
        "second wednesday of the month": lambda day: day == [one for one in month_of(day) if one.weekday() == 2][1],
        "last sunday of the month": lambda day: day == [one for one in month_of(day) if one.weekday() == 6][-1],
        "first working day of the month": lambda day: day in [one for one in month_of(day) if works(one)][:1],
        "third working day of the month": lambda day: day in [one for one in month_of(day) if works(one)][2:3],
        "last working day of the quarter": lambda day: day in [one for one in quarter_of(day) if works(one)][-1:],
        "third week of the month": lambda day: day.day == 15,
        "last week of the month on sunday": lambda day: day == [one for one in month_of(day) if one.weekday() == 6][-1],
        "second week of the month on sunday": lambda day: day.weekday() == 6 and 8 <= day.day <= 14,
        "quarterly on day 10": lambda day: day.month in (1, 4, 7, 10) and day.day == 10,
        "yearly in october on day 3": lambda day: (day.month, day.day) == (10, 3),
    }[text]  # fmt: skip


NAMES = [
    "daily", "weekdays", "weekends", "working days", "every monday and thursday", "every other tuesday",
    "every 3 days", "every 2 weeks", "monthly on day 30", "monthly on day 15", "monthly on the last day",
    "second wednesday of the month", "last sunday of the month", "first working day of the month",
    "third working day of the month", "last working day of the quarter", "third week of the month",
    "last week of the month on sunday", "second week of the month on sunday", "quarterly on day 10",
    "yearly in october on day 3",
]  # fmt: skip


def days_by_oracle(text, calendar, first, last):
    """The days from a first to a last one, with holidays moved forward one by one."""
    named = falls(text, calendar)
    found = set()
    day = max(calendar.starts, first - 60 * ONE)
    while day <= last:
        if named(day):
            moved = day
            if calendar.on_holiday == "next" and day in calendar.holidays:
                while moved in calendar.holidays or moved.weekday() not in calendar.working_days:
                    moved += ONE
            if not (calendar.on_holiday == "skip" and day in calendar.holidays):
                found.add(moved)
        day += ONE
    return {day for day in found if first <= day <= last}


def by_oracle(on, times, calendar, since, until):
    """Minute by minute: what the clock shows, showed before and did not show."""
    hourly = len({one // 60 for one in times}) == 24
    begin = int(since) // 60 * 60 - 3 * 86_400
    walls = {
        at: datetime.fromtimestamp(at, calendar.zone).replace(tzinfo=None, fold=0)
        for at in range(begin, int(until) + 3 * 86_400, 60)
    }

    def matches(wall):
        return wall.date() in on and wall.hour * 60 + wall.minute in times

    shown = {}
    for moment, wall in walls.items():
        shown.setdefault(wall, []).append(moment)
    found = set()
    for wall, ats in shown.items():
        if matches(wall):
            kept = ats if hourly else {"first": ats[:1], "second": ats[-1:], "both": ats}[calendar.overlap]
            found.update(kept)
    if calendar.gap == "after" and not hourly:
        for (_, before), (at, wall) in pairwise(walls.items()):
            skipped = (wall - before) // timedelta(minutes=1)
            if any(matches(before + timedelta(minutes=number)) for number in range(1, skipped)):
                found.add(at)
    return [float(one) for one in sorted(found) if since < one <= until]


ODD = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC",
    "America/St_Johns", "America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "Pacific/Kwajalein",
    "Atlantic/Azores", "Africa/Cairo", "Asia/Tehran", "America/Caracas", "Antarctica/Troll",
]  # fmt: skip
ZONES = sorted(
    name for name in available_timezones() if "/" in name and not name.startswith(("posix", "right"))
)


def changes(zone, year):
    """The days of a year around which the clocks change, or its last."""

    def offset(day):
        return datetime.combine(day, time(), zone).utcoffset()

    year_of = [date(year, 1, 1) + number * ONE for number in range(365)]
    return [day for day in year_of if offset(day) != offset(day + ONE)] or year_of[-1:]  # fmt: skip


@st.composite
def windows(draw):
    """A zone, and a few days of which one has a change of the clocks."""
    zone = ZoneInfo(draw(st.sampled_from(ODD) | st.sampled_from(ZONES)))
    day = draw(
        st.sampled_from(changes(zone, draw(st.sampled_from((1993, 2011, 2026)) | st.integers(1973, 2037))))
    )
    middle = datetime.combine(day, time(), UTC).timestamp()
    since = middle - draw(st.integers(0, 2 * 86_400))
    until = middle + draw(st.integers(0, 3 * 86_400))
    return zone, since, until


clocks = st.frozensets(
    st.sampled_from([0, 1, 30, 60, 90, 105, 120, 121, 135, 150, 179, 180, 1380, 1410, 1439]) | st.integers(0, 1439),
    min_size=1, max_size=6,
)  # fmt: skip
policies = st.fixed_dictionaries(
    {"gap": st.sampled_from(["after", "skip"]), "overlap": st.sampled_from(["first", "second", "both"])}
)


def said(times):
    return " and ".join(f"{one // 60:02}:{one % 60:02}" for one in sorted(times))


@given(
    windows(),
    clocks,
    policies,
    st.sampled_from(["daily", "weekdays", "every 3 days", "monthly on the last day"]),
)
@settings(max_examples=EXAMPLES)
def test_times_are_those_of_a_walk_through_the_minutes(window, times, policy, text):
    zone, since, until = window
    calendar = Calendar(zone, **policy)
    around = [datetime.fromtimestamp(one, UTC).date() for one in (since - 5 * 86_400, until + 5 * 86_400)]
    on = days_by_oracle(text, calendar, *around)
    found = list(occurrences(parse(f"{text} at {said(times)}"), calendar, since, until))
    assert found == by_oracle(on, times, calendar, since, until)


@given(windows(), st.frozensets(st.integers(0, 59), min_size=1, max_size=4), policies)
@settings(max_examples=EXAMPLES)
def test_hours_that_pass_are_those_of_a_walk_through_the_minutes(window, minutes, policy):
    zone, since, until = window
    calendar = Calendar(zone, **policy)
    around = [datetime.fromtimestamp(one, UTC).date() for one in (since - 5 * 86_400, until + 5 * 86_400)]
    times = {60 * hour + minute for hour in range(24) for minute in minutes}
    expected = by_oracle(days_by_oracle("daily", calendar, *around), times, calendar, since, until)
    listed = ",".join(str(one) for one in minutes)
    words = " and ".join(f":{one:02}" for one in minutes)
    assert list(occurrences(parse(f"{listed} * * * *"), calendar, since, until)) == expected
    assert list(occurrences(parse(f"hourly at {words}"), calendar, since, until)) == expected


holidays = st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=12) | st.builds(
    lambda first, number: frozenset(first + one * ONE for one in range(number)),
    st.dates(date(2026, 1, 1), date(2026, 12, 1)),
    st.integers(1, 20),
)
calendars = st.builds(
    Calendar,
    zone=st.just(UTC),
    working_days=st.frozensets(st.integers(0, 6), min_size=1) | st.just(frozenset(range(5))),
    holidays=holidays,
    on_holiday=st.sampled_from(["run", "skip", "next"]),
    starts=st.sampled_from([date(1970, 1, 5), date(2025, 12, 31), date(2026, 5, 13)]),
)


@given(calendars, st.sampled_from(NAMES))
@settings(max_examples=EXAMPLES * 3)
def test_days_are_those_of_a_walk_through_the_days(calendar, text):
    first, last = date(2026, 1, 1), date(2027, 1, 31)
    found = occurrences(parse(text), calendar, at("2025-12-31T23:59:59Z"), at("2027-01-31T23:59:59Z"))
    expected = sorted(days_by_oracle(text, calendar, first, last))
    assert [datetime.fromtimestamp(one, UTC).date() for one in found] == expected


@given(windows(), st.integers(1, 3_000), st.dates(date(1970, 1, 5), date(2037, 1, 1)))
@settings(max_examples=EXAMPLES)
def test_counted_hours_are_multiples_from_the_day_they_start(window, minutes, starts):
    zone, since, until = window
    anchor = int(datetime.combine(starts, time(), zone).timestamp())
    seconds = range(int(since) + 1, int(until) + 1)
    expected = [float(one) for one in seconds if one >= anchor and (one - anchor) % (60 * minutes) == 0]
    calendar = Calendar(zone, starts=starts)
    assert list(occurrences(parse(f"every {minutes}m"), calendar, since, until)) == expected


SCHEDULES = [
    *NAMES, "hourly at :15", "every 7h", "every 25m", "*/20 */3 * * *", "7 * * * *", "30 2 1-7 * sun",
    "daily at 00:00, 02:30 and 23:45", "weekends at 01:30",
]  # fmt: skip


@given(windows(), st.sampled_from(SCHEDULES), policies, st.sampled_from(["run", "skip", "next"]), st.data())
@settings(max_examples=EXAMPLES * 2)
def test_parts_of_a_range_hold_what_the_whole_holds(window, text, policy, on_holiday, data):
    zone, since, until = window
    free = frozenset(data.draw(st.lists(st.integers(-3, 4), max_size=3).map(
        lambda all_: [datetime.fromtimestamp(since, UTC).date() + one * ONE for one in all_])))  # fmt: skip
    calendar = Calendar(zone, holidays=free, on_holiday=on_holiday, **policy)
    schedule = parse(text)
    whole = list(occurrences(schedule, calendar, since, until))
    near = st.sampled_from(whole) if whole else st.nothing()
    cuts = data.draw(st.lists(st.integers(int(since), int(until)) | near, max_size=4).map(sorted))
    parts = [list(occurrences(schedule, calendar, *pair)) for pair in pairwise([since, *cuts, until])]
    assert [one for part in parts for one in part] == whole
    assert whole == sorted(set(whole))


@pytest.mark.parametrize("name", ZONES if LONG else ["Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_every_change_of_a_zone(name):
    zone = ZoneInfo(name)
    times = {0, 1, 30, 59, 60, 90, 120, 135, 150, 180, 1380, 1410, 1439}
    for year in range(1973, 2038, 8) if LONG else (1997, 2010, 2011):
        for day in changes(zone, year):
            middle = datetime.combine(day, time(), UTC).timestamp()
            since, until = middle - 86_400, middle + 2 * 86_400
            for policy in ({"gap": "after", "overlap": "both"}, {"gap": "skip", "overlap": "second"}):
                calendar = Calendar(zone, **policy)
                on = {day + number * ONE for number in range(-6, 7)}
                found = list(occurrences(parse(f"daily at {said(times)}"), calendar, since, until))
                assert found == by_oracle(on, times, calendar, since, until)
