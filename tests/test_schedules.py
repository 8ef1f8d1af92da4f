"""Schedules as people write them: what words mean, which days and which times they are."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule_days import EXAMPLES, ONE, at

from opsctl.prose import line
from opsctl.schedule_rules import Cron, Elapsed, EveryDays, MonthDay, Nth, Week, Weekdays, WorkingDays
from opsctl.schedules import After, Calendar, Schedule, describe, occurrences, parse

ALL = frozenset(range(7))
ANY = "`daily at 09:00`, `weekdays at 14:00`, `every monday at 10:00`, `every 6h`, `monthly on day 15` or a cron line"
EVERY = "`every 6h`, `every 2 weeks at 10:00`, `every monday at 10:00` or `every other monday`"
FIVE = "write five fields (minute, hour, day, month, weekday), as `0 9 * * 1-5`"


def due(text, since, until, zone="Europe/Berlin", **more):
    """When a schedule is due between two UTC times, as local times with their offset."""
    calendar = Calendar(ZoneInfo(zone), **more)
    found = occurrences(parse(text), calendar, at(since), at(until))
    return [datetime.fromtimestamp(one, calendar.zone).strftime("%Y-%m-%d %H:%M%z") for one in found]


def days(text, since, until, **more):
    """The days in UTC on which a schedule is due, from a first to a last day, both included."""
    before = date.fromisoformat(since) - ONE
    found = due(text, f"{before}T23:59:59Z", f"{until}T23:59:59Z", "UTC", **more)
    return [one[:10] for one in found]


# What words mean.


@pytest.mark.parametrize(
    ("text", "canonical", "rule", "times"),
    [
        ("daily", "daily at 00:00", Weekdays(ALL), (0,)),
        ("daily at 09:00", "daily at 09:00", Weekdays(ALL), (540,)),
        ("  Daily   AT 9:05 ", "daily at 09:05", Weekdays(ALL), (545,)),
        ("every day at 23:59", "daily at 23:59", Weekdays(ALL), (1439,)),
        ("daily at 14:00 and 09:00", "daily at 09:00 and 14:00", Weekdays(ALL), (540, 840)),
        (
            "daily at 09:00, 14:00, and 09:00",
            "daily at 09:00 and 14:00",
            Weekdays(ALL),
            (540, 840),
        ),
        ("weekdays at 14:00", "weekdays at 14:00", Weekdays(frozenset(range(5))), (840,)),
        ("every weekday", "weekdays at 00:00", Weekdays(frozenset(range(5))), (0,)),
        ("weekends at 12:00", "weekends at 12:00", Weekdays(frozenset((5, 6))), (720,)),
        ("working days at 08:30", "working days at 08:30", WorkingDays(), (510,)),
        ("every working day", "working days at 00:00", WorkingDays(), (0,)),
        ("weekly", "every monday at 00:00", Weekdays(frozenset((0,))), (0,)),
        ("weekly on friday at 16:00", "every friday at 16:00", Weekdays(frozenset((4,))), (960,)),
        ("every sunday", "every sunday at 00:00", Weekdays(frozenset((6,))), (0,)),
        (
            "every wednesday, Friday and monday at 10:00",
            "every monday, wednesday and friday at 10:00",
            Weekdays(frozenset((0, 2, 4))),
            (600,),
        ),
        ("every saturday and sunday", "weekends at 00:00", Weekdays(frozenset((5, 6))), (0,)),
        ("every other monday at 10:00", "every other monday at 10:00", EveryDays(14, frozenset((0,))), (600,)),
        ("every 2 weeks on monday", "every other monday at 00:00", EveryDays(14, frozenset((0,))), (0,)),
        (
            "every 3 weeks on monday and friday",
            "every 3 weeks on monday and friday at 00:00",
            EveryDays(21, frozenset((0, 4))),
            (0,),
        ),
        ("every 1 week on monday", "every monday at 00:00", Weekdays(frozenset((0,))), (0,)),
        ("every 2 weeks at 10:00", "every 2 weeks at 10:00", EveryDays(14), (600,)),
        ("every other week", "every 2 weeks at 00:00", EveryDays(14), (0,)),
        ("every week", "every week at 00:00", EveryDays(7), (0,)),
        ("every 1w", "every week at 00:00", EveryDays(7), (0,)),
        ("every other day", "every 2 days at 00:00", EveryDays(2), (0,)),
        ("every 90d", "every 90 days at 00:00", EveryDays(90), (0,)),
        ("every 1w3d at 07:00", "every 10 days at 07:00", EveryDays(10), (420,)),
        ("every 1 day", "daily at 00:00", Weekdays(ALL), (0,)),
        ("every 5m", "every 5m", Elapsed(5), ()),
        ("every 5 minutes", "every 5m", Elapsed(5), ()),
        ("every 6h", "every 6h", Elapsed(360), ()),
        ("every 1h30m", "every 90m", Elapsed(90), ()),
        ("every 24h", "every 24h", Elapsed(1440), ()),
        ("every 1d12h", "every 36h", Elapsed(2160), ()),
        ("hourly", "hourly", Weekdays(ALL), tuple(range(0, 1440, 60))),
        ("every hour", "hourly", Weekdays(ALL), tuple(range(0, 1440, 60))),
        ("hourly at :15", "hourly at :15", Weekdays(ALL), tuple(range(15, 1440, 60))),
        ("hourly at :45 and :15", "hourly at :15 and :45", Weekdays(ALL), tuple(range(15, 1440, 30))),
        ("monthly", "monthly on day 1 at 00:00", MonthDay(frozenset(range(1, 13)), 1), (0,)),
        ("monthly on day 15 at 10:00", "monthly on day 15 at 10:00", MonthDay(frozenset(range(1, 13)), 15), (600,)),
        ("monthly on the last day at 18:00", "last day of the month at 18:00", MonthDay(frozenset(range(1, 13)), 31), (1080,)),
        ("monthly on day 31", "last day of the month at 00:00", MonthDay(frozenset(range(1, 13)), 31), (0,)),
        ("first day of the month", "monthly on day 1 at 00:00", MonthDay(frozenset(range(1, 13)), 1), (0,)),
        ("monthly on the first monday", "first monday of the month at 00:00", Nth(1, 0, 1), (0,)),
        ("first monday of the month at 10:00", "first monday of the month at 10:00", Nth(1, 0, 1), (600,)),
        ("last friday of the month", "last friday of the month at 00:00", Nth(-1, 4, 1), (0,)),
        (
            "first working day of the month at 08:00",
            "first working day of the month at 08:00",
            Nth(1, "working day", 1),
            (480,),
        ),
        ("last working day of the month", "last working day of the month at 00:00", Nth(-1, "working day", 1), (0,)),
        (
            "first working day of the quarter at 09:00",
            "first working day of the quarter at 09:00",
            Nth(1, "working day", 3),
            (540,),
        ),
        ("quarterly on the last day", "last day of the quarter at 00:00", Nth(-1, "day", 3), (0,)),
        ("third thursday of the year", "third thursday of the year at 00:00", Nth(3, 3, 12), (0,)),
        ("first week of the month", "first week of the month at 00:00", Week(1, None), (0,)),
        ("last week of the month on tuesday at 10:00", "last week of the month on tuesday at 10:00", Week(-1, 1), (600,)),
        ("quarterly", "quarterly on day 1 at 00:00", MonthDay(frozenset((1, 4, 7, 10)), 1), (0,)),
        ("quarterly on day 10 at 09:00", "quarterly on day 10 at 09:00", MonthDay(frozenset((1, 4, 7, 10)), 10), (540,)),
        ("yearly", "yearly in january on day 1 at 00:00", MonthDay(frozenset((1,)), 1), (0,)),
        ("yearly in november", "yearly in november on day 1 at 00:00", MonthDay(frozenset((11,)), 1), (0,)),
        ("yearly on 11-15 at 09:00", "yearly in november on day 15 at 09:00", MonthDay(frozenset((11,)), 15), (540,)),
        ("yearly in november on day 3", "yearly in november on day 3 at 00:00", MonthDay(frozenset((11,)), 3), (0,)),
        ("cron: 0 9 * * 1-5", "cron: 0 9 * * 1-5", Cron("0 9 * * 1-5"), (540,)),
        ("0 9 1,15 * mon-fri", "cron: 0 9 1,15 * MON-FRI", Cron("0 9 1,15 * MON-FRI"), (540,)),
        ("CRON:*/30 8-9 * * *", "cron: */30 8-9 * * *", Cron("*/30 8-9 * * *"), (480, 510, 540, 570)),
    ],
)  # fmt: skip
def test_words_mean_days_and_times_and_are_said_again(text, canonical, rule, times):
    assert parse(text) == Schedule(rule, times)
    assert describe(parse(text)) == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("text", "wait", "noun", "name", "canonical"),
    [
        ("24h after gate pre-deploy", 86_400.0, "gate", "pre-deploy", "1d after gate pre-deploy"),
        ("7d after runbook deploy", 604_800.0, "runbook", "deploy", "7d after runbook deploy"),
        ("2 Weeks AFTER Runbook Deploy.2", 1_209_600.0, "runbook", "Deploy.2", "14d after runbook Deploy.2"),
        ("1h30m after gate a", 5_400.0, "gate", "a", "1h30m after gate a"),
        ("0s after gate a", 0.0, "gate", "a", "0s after gate a"),
    ],
)
def test_a_follow_up_waits_for_a_gate_or_a_runbook(text, wait, noun, name, canonical):
    assert parse(text) == After(wait, noun, name, canonical)
    assert parse(describe(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"a schedule is empty; write {ANY}"),
        ("dayly at 09:00", "`dayly` is no word of a schedule; did you mean `daily`?"),
        ("every mon", "`mon` is no word of a schedule; did you mean `monday`?"),
        ("mondays at 10:00", "`mondays` is no word of a schedule; did you mean `monday`?"),
        ("yearly in nov", "`nov` is no word of a schedule; did you mean `november`?"),
        ("zzz I like", f"`zzz` is no word of a schedule; write {ANY}"),
        ("daily 09:00", "`daily 09:00` lacks `at`; write `daily at 09:00`"),
        ("every monday 9:00 and 10:00", "`every monday 9:00 and 10:00` lacks `at`; write `every monday at 9:00 and 10:00`"),
        ("daily at 9am", "`9am` is no time of day; write 09:00, or several as `at 09:00 and 14:00` (a zone goes into `timezone`)"),
        ("daily at 24:00", "`24:00` is no time of day; write 09:00, or several as `at 09:00 and 14:00` (a zone goes into `timezone`)"),
        ("daily at 09:00 UTC", "`09:00 utc` is no time of day; write 09:00, or several as `at 09:00 and 14:00` (a zone goes into `timezone`)"),
        ("hourly at 15", "`15` is no minute of the hour; write `hourly at :15`"),
        ("hourly at 09:15", "`09:15` is no minute of the hour; write `hourly at :15`"),
        ("every 3 months", "`every 3 months` is no schedule; write `monthly`, `quarterly`, `yearly` or `every 90d`"),
        ("every 30s", "`every 30s` is finer than a minute; write whole minutes, as `every 5m`"),
        ("every 0d", "`every 0d` is too short; write 1m to 3660d"),
        ("every 3661d", "`every 3661d` is too long; write 1m to 3660d"),
        ("every 2 fridays", f"`every 2 fridays` is no schedule; write {EVERY}"),
        ("every 5 days on monday", "`every 5 days on monday` is not in weeks; write it as `every 2 weeks on monday`"),
        ("every", f"`every` is no schedule; write {EVERY}"),
        ("every 6h at 10:00", "`every 6h at 10:00` counts hours from the day it `starts` and has no time of day; leave `at` out"),
        ("fifth monday of the month", "not every month has a fifth one; write `last`, as `last friday of the month`"),
        ("first monday of month", "`first monday of month` is no schedule; write `first monday of the month at 10:00`, `first working day of the quarter` or `first week of the month on tuesday`"),
        ("first week of the quarter", "`first week of the quarter` is no schedule; write `first monday of the month at 10:00`, `first working day of the quarter` or `first week of the month on tuesday`"),
        ("monthly on monday", "`monthly on monday` is no schedule; write `monthly on day 15 at 10:00`, `monthly on the last day` or `first monday of the month`"),
        ("monthly on day 32", "`day 32` is no day of a month; write 1 to 31, or `on the last day`"),
        ("monthly on day 0", "`day 0` is no day of a month; write 1 to 31, or `on the last day`"),
        ("yearly on 02-30", "`02-30` is no day of a year; write month and day, as `yearly on 11-15`"),
        ("yearly on 13-01", "`13-01` is no day of a year; write month and day, as `yearly on 11-15`"),
        ("24h after deploy", "`24h after deploy` follows nothing; write `24h after gate NAME` or `7d after runbook NAME`"),
        ("5x after gate y", "`x` is not a unit of a duration; the units are `us`, `ms`, `s`, `m`, `h`, `d`, `w`"),
        ("-1h after gate y", "`-1h` is no time to wait; write 0s to 3660d, as `24h after ...`"),
        ("@dayly", "`@dayly` is no cron line of five fields; did you mean `daily`?"),
        ("@reboot", "`@reboot` is no cron line of five fields; write `daily at 00:00` or five fields"),
        ("cron: 0 9 * *", "`0 9 * *` has 4 fields; write five (minute, hour, day, month, weekday), as `0 9 * * 1-5`"),
        ("0 0 9 * * *", "`0 0 9 * * *` has 6 fields; write five (minute, hour, day, month, weekday), as `0 9 * * 1-5`"),
        ("61 * * * *", f"the minute of `61 * * * *` does not fit; {FIVE}"),
        ("0 0 30 2 *", f"the day-of-month of `0 0 30 2 *` does not fit; {FIVE}"),
        ("0 9 * * fryday", f"the day-of-week of `0 9 * * FRYDAY` does not fit; {FIVE}"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_with_what_to_write(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(text)


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["every", "daily", "first", "last", "monday", "friday", "week", "of", "the", "month", "on", "at", "09:00", "5m", "2", "weeks", "and", ",", "other", "day", "hourly", ":15", "after", "gate", "x", "yearly", "in", "may", "cron:", "*", "*/5", "1-5", "@", "L", "#", "31", "24h", "99999999999w", "12-24", "quarterly"]
), max_size=8).map(" ".join))  # fmt: skip
@settings(max_examples=EXAMPLES * 3)
def test_any_text_is_a_schedule_that_can_be_said_or_an_error_in_one_line(text):
    try:
        found = parse(text)
    except ValueError as refused:
        words = str(refused)
    else:
        words = describe(found)
        assert parse(words) == found
    assert words == line(words)


# Which days.


@pytest.mark.parametrize(
    ("text", "first", "last", "expected"),
    [
        ("monthly on day 31", "2027-12-01", "2028-04-30",
         ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        ("monthly on day 30", "2027-01-01", "2027-04-30", ["2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30"]),
        ("yearly on 02-29", "2027-01-01", "2032-12-31",
         ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("0 0 29 2 *", "2021-01-01", "2032-12-31", ["2024-02-29", "2028-02-29", "2032-02-29"]),
        ("0 0 29 2 *", "2097-01-01", "2107-12-31", ["2104-02-29"]),
        ("0 0 31 * *", "2027-01-01", "2027-06-30", ["2027-01-31", "2027-03-31", "2027-05-31"]),
        ("0 0 13 * 5", "2026-11-01", "2026-11-30",
         ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27"]),
        ("0 0 * * mon#5", "2026-08-01", "2026-12-31", ["2026-08-31", "2026-11-30"]),
        ("first week of the month", "2026-11-01", "2026-12-31", ["2026-11-01", "2026-12-01"]),
        ("second week of the month", "2026-11-01", "2026-12-31", ["2026-11-08", "2026-12-08"]),
        ("third week of the month", "2026-11-01", "2026-12-31", ["2026-11-15", "2026-12-15"]),
        ("fourth week of the month", "2026-11-01", "2026-12-31", ["2026-11-22", "2026-12-22"]),
        ("last week of the month", "2026-11-01", "2026-12-31", ["2026-11-22", "2026-12-22"]),
        # December 2026 has five Tuesdays: 1, 8, 15, 22 and 29.
        ("fourth week of the month on tuesday", "2026-12-01", "2027-01-31", ["2026-12-22", "2027-01-26"]),
        ("last week of the month on tuesday", "2026-12-01", "2027-01-31", ["2026-12-29", "2027-01-26"]),
        ("first week of the month on tuesday", "2026-12-01", "2027-01-31", ["2026-12-01", "2027-01-05"]),
        ("last friday of the month", "2026-10-01", "2026-12-31", ["2026-10-30", "2026-11-27", "2026-12-25"]),
        ("fourth friday of the month", "2026-10-01", "2026-12-31", ["2026-10-23", "2026-11-27", "2026-12-25"]),
        ("first monday of the month", "2026-10-01", "2026-12-31", ["2026-10-05", "2026-11-02", "2026-12-07"]),
        ("first working day of the month", "2026-10-01", "2026-12-31", ["2026-10-01", "2026-11-02", "2026-12-01"]),
        ("last working day of the month", "2026-10-01", "2026-12-31", ["2026-10-30", "2026-11-30", "2026-12-31"]),
        ("first working day of the quarter", "2026-10-01", "2027-06-30", ["2026-10-01", "2027-01-01", "2027-04-01"]),
        ("last day of the quarter", "2026-10-01", "2027-06-30", ["2026-12-31", "2027-03-31", "2027-06-30"]),
        ("quarterly on day 10", "2026-10-01", "2027-06-30", ["2026-10-10", "2027-01-10", "2027-04-10"]),
        ("quarterly on day 31", "2027-01-01", "2027-12-31", ["2027-01-31", "2027-04-30", "2027-07-31", "2027-10-31"]),
        ("first monday of the year", "2026-01-01", "2028-12-31", ["2026-01-05", "2027-01-04", "2028-01-03"]),
        ("yearly in november on day 3", "2026-01-01", "2027-12-31", ["2026-11-03", "2027-11-03"]),
        ("weekends", "2026-11-16", "2026-11-29", ["2026-11-21", "2026-11-22", "2026-11-28", "2026-11-29"]),
        ("every other monday", "2026-11-01", "2026-12-15", ["2026-11-09", "2026-11-23", "2026-12-07"]),
        ("every 2 weeks", "2026-11-01", "2026-12-15", ["2026-11-09", "2026-11-23", "2026-12-07"]),
        ("every 10d", "1970-01-01", "1970-02-01", ["1970-01-05", "1970-01-15", "1970-01-25"]),
    ],
)  # fmt: skip
def test_days_of_schedules(text, first, last, expected):
    assert days(text, first, last) == expected


def test_every_so_often_counts_from_the_day_it_starts():
    more = {"starts": date(2026, 1, 7)}  # a Wednesday
    assert days("every other monday", "2026-01-01", "2026-02-10", **more) == [
        "2026-01-12",
        "2026-01-26",
        "2026-02-09",
    ]
    assert days("every 2 weeks on monday and thursday", "2026-01-01", "2026-01-31", **more) == [
        "2026-01-08", "2026-01-12", "2026-01-22", "2026-01-26",
    ]  # fmt: skip
    assert days("every 10d", "2026-01-01", "2026-01-31", **more) == ["2026-01-07", "2026-01-17", "2026-01-27"]
    assert days("weekly", "2026-01-01", "2026-01-20", **more) == ["2026-01-12", "2026-01-19"]
    assert due("every 5h", "2026-01-06T00:00:00Z", "2026-01-07T12:00:00Z", "UTC", **more) == [
        "2026-01-07 00:00+0000", "2026-01-07 05:00+0000", "2026-01-07 10:00+0000",
    ]  # fmt: skip


CHRISTMAS = frozenset((date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)))


@pytest.mark.parametrize(
    ("text", "on_holiday", "expected"),
    [
        ("every friday", "run", ["2026-12-25", "2027-01-01"]),
        ("every friday", "skip", []),
        ("every friday", "next", ["2026-12-28", "2027-01-04"]),
        ("every saturday", "next", ["2026-12-28", "2027-01-02"]),
        ("every friday and saturday", "next", ["2026-12-28", "2027-01-02", "2027-01-04"]),
        ("every friday and monday", "next", ["2026-12-28", "2027-01-04"]),
        ("weekdays", "next", ["2026-12-24", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-04"]),
        ("working days", "run", ["2026-12-24", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-04"]),
        ("0 0 25 12 *", "next", ["2026-12-28"]),
        ("first day of the month", "next", ["2027-01-04"]),
        ("first working day of the month", "run", ["2027-01-04"]),
        ("first working day of the year", "run", ["2027-01-04"]),
        ("last working day of the month", "run", ["2026-12-31"]),
        ("every 24h", "next", ["2026-12-24", "2026-12-27", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31",
                               "2027-01-02", "2027-01-03", "2027-01-04"]),
    ],
)  # fmt: skip
def test_what_falls_on_a_holiday_runs_is_left_out_or_moved(text, on_holiday, expected):
    assert days(text, "2026-12-24", "2027-01-04", holidays=CHRISTMAS, on_holiday=on_holiday) == expected


def test_working_days_may_be_others():
    sunday_to_thursday = {
        "working_days": frozenset((6, 0, 1, 2, 3)),
        "holidays": frozenset((date(2026, 11, 22),)),
    }
    assert days("working days", "2026-11-19", "2026-11-26", **sunday_to_thursday) == [
        "2026-11-19", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26",
    ]  # fmt: skip
    assert days("every sunday", "2026-11-19", "2026-11-26", on_holiday="next", **sunday_to_thursday) == [
        "2026-11-23"
    ]
    assert days("working days", "2026-11-19", "2026-11-26", working_days=frozenset()) == []


def test_a_time_moved_across_the_year_keeps_its_time():
    found = due(
        "every friday at 09:00 and 16:30", "2026-12-31T00:00:00Z", "2027-01-05T00:00:00Z",
        holidays=CHRISTMAS, on_holiday="next",
    )  # fmt: skip
    assert found == ["2027-01-04 09:00+0100", "2027-01-04 16:30+0100"]


# Where the clocks change.


@pytest.mark.parametrize(
    ("zone", "text", "since", "until", "more", "expected"),
    [
        # Berlin puts its clocks forward from 02:00 to 03:00 on 2026-03-29, back from 03:00 to 02:00 on 2026-10-25.
        ("Europe/Berlin", "daily at 02:30", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", {},
         ["2026-03-28 02:30+0100", "2026-03-29 03:00+0200", "2026-03-30 02:30+0200"]),
        ("Europe/Berlin", "daily at 02:30", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z", {"gap": "skip"},
         ["2026-03-28 02:30+0100", "2026-03-30 02:30+0200"]),
        ("Europe/Berlin", "daily at 02:00, 02:30 and 03:00", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", {},
         ["2026-03-29 03:00+0200"]),
        ("Europe/Berlin", "daily at 02:30", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", {},
         ["2026-10-25 02:30+0200"]),
        ("Europe/Berlin", "daily at 02:30", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", {"overlap": "second"},
         ["2026-10-25 02:30+0100"]),
        ("Europe/Berlin", "daily at 02:00 and 02:30", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", {"overlap": "both"},
         ["2026-10-25 02:00+0200", "2026-10-25 02:30+0200", "2026-10-25 02:00+0100", "2026-10-25 02:30+0100"]),
        ("Europe/Berlin", "daily at 03:00", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", {"overlap": "both"},
         ["2026-10-25 03:00+0100"]),
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", {}, ["2026-03-29 03:00+0200"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", {}, ["2026-10-25 02:30+0200"]),
        # A list of hours is one of fixed times, however it is written.
        ("Europe/Berlin", "0 */2 * * *", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z", {},
         ["2026-03-29 03:00+0200", "2026-03-29 04:00+0200", "2026-03-29 06:00+0200"]),
        ("Europe/Berlin", "0 */2 * * *", "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z", {},
         ["2026-10-25 02:00+0200", "2026-10-25 04:00+0100"]),
        ("Europe/Berlin", "*/20 2 * * *", "2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z", {}, ["2026-03-29 03:00+0200"]),
        # What names every hour goes by the hours that pass, whatever the policies.
        ("Europe/Berlin", "hourly at :15", "2026-03-29T00:00:00Z", "2026-03-29T02:30:00Z", {},
         ["2026-03-29 01:15+0100", "2026-03-29 03:15+0200", "2026-03-29 04:15+0200"]),
        ("Europe/Berlin", "hourly at :15", "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z", {"overlap": "second"},
         ["2026-10-25 02:15+0200", "2026-10-25 02:15+0100", "2026-10-25 03:15+0100"]),
        ("Europe/Berlin", "*/20 * * * *", "2026-10-24T23:59:00Z", "2026-10-25T02:00:00Z", {"overlap": "first"},
         ["2026-10-25 02:00+0200", "2026-10-25 02:20+0200", "2026-10-25 02:40+0200",
          "2026-10-25 02:00+0100", "2026-10-25 02:20+0100", "2026-10-25 02:40+0100", "2026-10-25 03:00+0100"]),
        ("Europe/Berlin", "*/20 * * * *", "2026-03-29T00:39:00Z", "2026-03-29T01:20:00Z", {"gap": "after"},
         ["2026-03-29 01:40+0100", "2026-03-29 03:00+0200", "2026-03-29 03:20+0200"]),
        # Hours are counted in real time, days on the wall.
        ("Europe/Berlin", "every 6h", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", {"starts": date(2026, 3, 28)},
         ["2026-03-28 18:00+0100", "2026-03-29 00:00+0100", "2026-03-29 07:00+0200", "2026-03-29 13:00+0200"]),
        ("Europe/Berlin", "every 24h", "2026-10-24T12:00:00Z", "2026-10-27T12:00:00Z", {"starts": date(2026, 10, 24)},
         ["2026-10-25 00:00+0200", "2026-10-25 23:00+0100", "2026-10-26 23:00+0100"]),
        ("Europe/Berlin", "every 2d", "2026-10-23T12:00:00Z", "2026-10-27T12:00:00Z", {"starts": date(2026, 10, 24)},
         ["2026-10-24 00:00+0200", "2026-10-26 00:00+0100"]),
        ("America/New_York", "daily at 02:30", "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z", {},
         ["2026-03-08 03:00-0400", "2026-03-09 02:30-0400"]),
        ("America/New_York", "daily at 01:30", "2026-11-01T00:00:00Z", "2026-11-01T12:00:00Z", {"overlap": "both"},
         ["2026-11-01 01:30-0400", "2026-11-01 01:30-0500"]),
        # Lord Howe moves its clocks by half an hour: 02:00 to 01:30 on 2026-04-05, 02:00 to 02:30 on 2026-10-04.
        ("Australia/Lord_Howe", "daily at 01:45", "2026-04-04T00:00:00Z", "2026-04-05T12:00:00Z", {"overlap": "both"},
         ["2026-04-05 01:45+1100", "2026-04-05 01:45+1030"]),
        ("Australia/Lord_Howe", "daily at 01:15", "2026-04-04T00:00:00Z", "2026-04-05T12:00:00Z", {"overlap": "both"},
         ["2026-04-05 01:15+1100"]),
        ("Australia/Lord_Howe", "daily at 02:15", "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", {},
         ["2026-10-04 02:30+1100"]),
        ("Australia/Lord_Howe", "hourly at :45", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", {},
         ["2026-04-05 01:45+1100", "2026-04-05 01:45+1030", "2026-04-05 02:45+1030"]),
        ("Australia/Lord_Howe", "hourly at :15", "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z", {},
         ["2026-10-04 01:15+1030", "2026-10-04 03:15+1100"]),
        # Morocco puts its clocks back for Ramadan and forward after it.
        ("Africa/Casablanca", "daily at 02:30", "2025-02-22T12:00:00Z", "2025-02-23T12:00:00Z", {"overlap": "both"},
         ["2025-02-23 02:30+0100", "2025-02-23 02:30+0000"]),
        ("Africa/Casablanca", "daily at 02:30", "2025-04-05T12:00:00Z", "2025-04-06T12:00:00Z", {},
         ["2025-04-06 03:00+0100"]),
        # Samoa left out 2011-12-30.
        ("Pacific/Apia", "daily at 09:00", "2011-12-28T21:00:00Z", "2011-12-31T21:00:00Z", {},
         ["2011-12-29 09:00-1000", "2011-12-31 00:00+1400", "2011-12-31 09:00+1400", "2012-01-01 09:00+1400"]),
        ("Pacific/Apia", "daily at 09:00", "2011-12-28T21:00:00Z", "2011-12-31T21:00:00Z", {"gap": "skip"},
         ["2011-12-29 09:00-1000", "2011-12-31 09:00+1400", "2012-01-01 09:00+1400"]),
        ("Pacific/Apia", "every friday at 09:00", "2011-12-28T21:00:00Z", "2012-01-05T21:00:00Z", {},
         ["2011-12-31 00:00+1400", "2012-01-06 09:00+1400"]),
        ("Pacific/Apia", "hourly", "2011-12-30T08:30:00Z", "2011-12-30T11:00:00Z", {},
         ["2011-12-29 23:00-1000", "2011-12-31 00:00+1400", "2011-12-31 01:00+1400"]),
        # St. John's put its clocks back from 00:01 to 23:01 of the day before.
        ("America/St_Johns", "daily at 00:00 and 23:30", "2010-11-07T00:00:00Z", "2010-11-07T12:00:00Z", {"overlap": "both"},
         ["2010-11-06 23:30-0230", "2010-11-07 00:00-0230", "2010-11-06 23:30-0330", "2010-11-07 00:00-0330"]),
        ("America/St_Johns", "daily at 00:00 and 23:30", "2010-11-07T00:00:00Z", "2010-11-07T12:00:00Z", {"overlap": "second"},
         ["2010-11-06 23:30-0330", "2010-11-07 00:00-0330"]),
        # There was no midnight in São Paulo on 2018-11-04.
        ("America/Sao_Paulo", "daily", "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z", {},
         ["2018-11-04 01:00-0200", "2018-11-05 00:00-0200"]),
        ("America/Sao_Paulo", "every 12h", "2018-11-03T12:00:00Z", "2018-11-05T00:00:00Z", {"starts": date(2018, 11, 4)},
         ["2018-11-04 01:00-0200", "2018-11-04 13:00-0200"]),
        ("UTC", "daily at 02:30", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", {}, ["2026-03-29 02:30+0000"]),
    ],
)  # fmt: skip
def test_times_where_the_clocks_change(zone, text, since, until, more, expected):
    assert due(text, since, until, zone, **more) == expected


def test_a_range_excludes_its_beginning_and_includes_its_end():
    assert due("daily at 09:00", "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z") == ["2026-11-21 09:00+0100"]
    assert due("daily at 09:00", "2026-11-20T07:59:59Z", "2026-11-21T07:59:59Z") == ["2026-11-20 09:00+0100"]
    assert due("every 6h", "2026-11-20T23:00:00Z", "2026-11-21T05:00:00Z") == ["2026-11-21 06:00+0100"]
    assert due("daily", "2026-11-21T00:00:00Z", "2026-11-20T00:00:00Z") == []
    assert due("daily", "2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z") == []


def test_a_range_may_begin_where_a_day_is_shown_again():
    late = due(
        "daily at 23:30", "2010-11-07T02:30:30Z", "2010-11-07T12:00:00Z", "America/St_Johns", overlap="both"
    )
    assert late == ["2010-11-06 23:30-0330"]


def test_what_was_before_the_start_is_not_moved_past_it():
    more = {"holidays": CHRISTMAS, "on_holiday": "next"}
    assert days("every friday", "2026-12-20", "2026-12-31", starts=date(2026, 12, 25), **more) == [
        "2026-12-28"
    ]
    assert days("every friday", "2026-12-20", "2026-12-31", starts=date(2026, 12, 26), **more) == []


def test_occurrences_are_lazy_and_have_bounds():
    endless = occurrences(parse("yearly on 11-21"), Calendar(UTC), float("-inf"), float("inf"))
    assert [next(endless), next(endless)] == [at("1970-11-21T00:00:00Z"), at("1971-11-21T00:00:00Z")]
    minutes = occurrences(parse("every 1m"), Calendar(UTC), 0, float("inf"))
    assert next(minutes) == at("1970-01-05T00:00:00Z")
    never = Calendar(UTC, starts=date(9999, 12, 31))
    assert list(occurrences(parse("daily"), never, 0, float("inf"))) == []
    assert list(occurrences(parse("every 1h"), never, 0, float("inf"))) == []
