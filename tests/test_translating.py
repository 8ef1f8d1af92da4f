"""Schedules as cron and systemd say them: exactly, or refused in words, and then wider."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.schedules import Calendar, occurrences, parse
from opsctl.translating import Terms, cron_lines, offsets, on_calendar, wider

EXAMPLES = 500 if os.environ.get("OPSCTL_LONG") else 15
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


def terms(zone=UTC, holidays=False, **more):
    return Terms(Calendar(zone, **more), NOW, holidays)


@pytest.mark.parametrize(
    ("text", "cron", "systemd"),
    [
        ("daily at 09:00", ["0 9 * * *"], ["*-*-* 09:00:00"]),
        ("daily at 09:00, 14:00 and 16:30", ["0 9,14 * * *", "30 16 * * *"], ["*-*-* 09,14:00:00", "*-*-* 16:30:00"]),
        ("daily at 09:00, 09:30, 10:00 and 10:30", ["0,30 9,10 * * *"], ["*-*-* 09,10:00,30:00"]),
        ("weekdays at 14:00", ["0 14 * * 1-5"], ["Mon,Tue,Wed,Thu,Fri *-*-* 14:00:00"]),
        ("weekends at 12:00", ["0 12 * * 0,6"], ["Sat,Sun *-*-* 12:00:00"]),
        ("working days at 08:30", ["30 8 * * 1-5"], ["Mon,Tue,Wed,Thu,Fri *-*-* 08:30:00"]),
        ("every sunday", ["0 0 * * 0"], ["Sun *-*-* 00:00:00"]),
        ("every week at 10:00", ["0 10 * * 1"], ["Mon *-*-* 10:00:00"]),
        ("hourly", ["0 * * * *"], ["*-*-* *:00:00"]),
        ("hourly at :15", ["15 * * * *"], ["*-*-* *:15:00"]),
        ("every 5m", ["*/5 * * * *"], ["*-*-* *:00/5:00"]),
        ("every 1m", ["* * * * *"], ["*-*-* *:*:00"]),
        ("every 6h", ["0 0-23/6 * * *"], ["*-*-* 00/6:00:00"]),
        ("every 12h", ["0 0,12 * * *"], ["*-*-* 00,12:00:00"]),
        ("every 90m", ["0 0-23/3 * * *", "30 1,4,7,10,13,16,19,22 * * *"],
         ["*-*-* 00/3:00:00", "*-*-* 01,04,07,10,13,16,19,22:30:00"]),
        ("every 24h", ["0 0 * * *"], ["*-*-* 00:00:00"]),
        ("monthly on day 15 at 10:00", ["0 10 15 * *"], ["*-*-15 10:00:00"]),
        ("monthly on the last day at 18:00", None, ["*-*~01 18:00:00"]),
        ("monthly on day 30", None, ["*-01,03..12-30 00:00:00", "*-02~01 00:00:00"]),
        ("quarterly on day 31", ["0 0 31 1,7,10 *", "0 0 30 4 *"], ["*-01,07,10-31 00:00:00", "*-04-30 00:00:00"]),
        ("quarterly", ["0 0 1 1,4,7,10 *"], ["*-01,04,07,10-01 00:00:00"]),
        ("last day of the quarter", ["0 0 31 3,12 *", "0 0 30 6,9 *"], ["*-03,12-31 00:00:00", "*-06,09-30 00:00:00"]),
        ("last day of the year", ["0 0 31 12 *"], ["*-12-31 00:00:00"]),
        ("second day of the quarter", ["0 0 2 1,4,7,10 *"], ["*-01,04,07,10-02 00:00:00"]),
        ("yearly in november on day 3", ["0 0 3 11 *"], ["*-11-03 00:00:00"]),
        ("yearly on 02-29", None, ["*-02~01 00:00:00"]),
        ("first monday of the month at 10:00", None, ["Mon *-*-01..07 10:00:00"]),
        ("last friday of the month", None, ["Fri *-*~07/1 00:00:00"]),
        ("third tuesday of the quarter", None, ["Tue *-01,04,07,10-15..21 00:00:00"]),
        ("last monday of the year", None, ["Mon *-12~07/1 00:00:00"]),
        ("first working day of the month at 08:00", None, ["Mon *-*-01..03 08:00:00", "Tue,Wed,Thu,Fri *-*-01 08:00:00"]),
        ("last working day of the quarter", None,
         ["Mon,Tue,Wed,Thu *-03,06,09,12~01 00:00:00", "Fri *-03,06,09,12~01,02,03 00:00:00"]),
        ("second week of the month", ["0 0 8 * *"], ["*-*-08 00:00:00"]),
        ("last week of the month", ["0 0 22 * *"], ["*-*-22 00:00:00"]),
        ("second week of the month on tuesday", None, ["Tue *-*-08..14 00:00:00"]),
        ("cron: */20 9-17 * * mon-fri", ["0-59/20 9-17 * * 1-5"], ["Mon,Tue,Wed,Thu,Fri *-*-* 09..17:00/20:00"]),
        ("cron: */5 * * * *", ["*/5 * * * *"], ["*-*-* *:00/5:00"]),
        ("cron: * 2 * * *", ["0-59 2 * * *"], ["*-*-* 02:*:00"]),
        ("cron: 0 0 13 * 5", ["0 0 13 * *", "0 0 * * 5"], ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]),
        ("cron: 0 0 1-31 * 5", ["0 0 * * *"], ["*-*-* 00:00:00"]),
        ("cron: 0 0 1-31 * 1#2", ["0 0 * * *"], ["*-*-* 00:00:00"]),
        ("cron: 0 0 */10 * *", ["0 0 1,11,21,31 * *"], ["*-*-01,11,21,31 00:00:00"]),
        ("cron: 0 0 L * *", None, ["*-*~01 00:00:00"]),
        ("cron: 0 0 1,L * *", None, ["*-*-01 00:00:00", "*-*~01 00:00:00"]),
        ("cron: 0 0 * * 1#2", None, ["Mon *-*-08..14 00:00:00"]),
        ("cron: 0 0 * 2 0#5", None, ["Sun *-02-29..31 00:00:00"]),
        ("cron: 0 0 * * 5L", None, ["Fri *-*~07/1 00:00:00"]),
    ],
)  # fmt: skip
def test_what_a_schedule_is_elsewhere(text, cron, systemd):
    assert on_calendar(parse(text), terms()) == tuple(f"{one} UTC" for one in systemd)
    if cron is None:
        with pytest.raises(ValueError, match=r"^cron "):
            cron_lines(parse(text), terms())
    else:
        assert cron_lines(parse(text), terms()) == tuple(cron)


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("last friday of the month", {}, "cron does not count from the end of a month"),
        ("first friday of the month", {}, "cron takes dates or weekdays, and not both"),
        ("every 2 weeks", {}, "it counts days from the one on which it starts"),
        ("every other monday", {}, "it counts days from the one on which it starts"),
        ("every 90d", {}, "it counts days from the one on which it starts"),
        ("every 7h", {}, "it is not at the same times every day"),
        ("every 36h", {}, "it is not at the same times every day"),
        ("every 6h", {"zone": BERLIN}, "it counts real hours, and the clocks of its zone change"),
        ("every 1h", {"zone": ZoneInfo("Australia/Lord_Howe")}, "it counts real hours, and the clocks of its zone change"),
        ("working days", {"holidays": True}, "other schedulers know no holidays"),
        ("first working day of the month", {"holidays": True}, "other schedulers know no holidays"),
        ("every friday", {"holidays": True, "on_holiday": "next"}, "its times on holidays are moved"),
        ("monthly", {"holidays": True, "on_holiday": "next"}, "its times on holidays are moved"),
        ("cron: 0 0 LW * *", {}, "its line has words that other crons do not know"),
        ("cron: 0 0 * * 1,2#1", {}, "its line has words that other crons do not know"),
        ("cron: 0 0 */2 * 1", {}, "crons differ in what a star with a step means beside a date or a weekday"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_in_words(text, more, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        cron_lines(parse(text), terms(**more))


@pytest.mark.parametrize(
    ("text", "more", "lines"),
    [
        ("first friday of the month at 09:00", {}, ["0 9 * * 5"]),
        ("last week of the month on friday at 09:00", {}, ["0 9 * * 5"]),
        ("every other monday at 09:00", {}, ["0 9 * * 1"]),
        ("every 90d at 09:00", {}, ["0 9 * * *"]),
        ("last day of the month at 09:00 and 10:00", {}, ["0 9,10 * * *"]),
        ("first working day of the month", {}, ["0 0 * * *"]),
        ("cron: 0 5 LW * *", {}, ["0 5 * * *"]),
        ("every friday at 09:00", {"holidays": True, "on_holiday": "next"}, ["0 9 * * *"]),
        ("every 7h", {"zone": BERLIN}, ["0 * * * *"]),
        ("every 1h", {"zone": ZoneInfo("Australia/Lord_Howe")}, ["0,30 * * * *"]),
        ("every 25m", {}, ["*/5 * * * *"]),
        ("every 7m", {}, ["* * * * *"]),
    ],
)  # fmt: skip
def test_what_cannot_be_said_has_something_wider(text, more, lines):
    found = terms(**more)
    assert cron_lines(wider(parse(text), found), found) == tuple(lines)
    assert on_calendar(wider(parse(text), found), found)


@pytest.mark.parametrize(
    ("text", "zone", "lines"),
    [
        ("daily at 09:00", "UTC", ["0 9 * * *"]),
        ("daily at 09:00", "Europe/Berlin", ["0 7,8 * * *"]),
        ("daily at 09:00", "Asia/Kolkata", ["30 3 * * *"]),
        ("weekdays at 00:30", "Europe/Berlin", ["30 22,23 * * 0-4"]),
        ("weekdays at 23:30", "America/New_York", ["30 3,4 * * 2-6"]),
        ("every monday at 01:30", "Europe/Berlin", ["30 0 * * 1", "30 23 * * 0"]),
        ("monthly on day 15 at 10:00", "Europe/Berlin", ["0 8,9 15 * *"]),
        ("hourly at :15", "Europe/Berlin", ["15 * * * *"]),
        ("hourly at :15", "Asia/Kathmandu", ["30 * * * *"]),
        ("every 6h", "Europe/Berlin", ["0 5,11,17,23 * * *"]),
    ],
)
def test_in_utc_every_offset_of_a_zone_has_its_times(text, zone, lines):
    assert cron_lines(parse(text), terms(ZoneInfo(zone)), utc=True) == tuple(lines)


def test_what_is_on_another_date_in_utc_is_refused():
    with pytest.raises(ValueError, match=r"^in UTC it is on another date$"):
        cron_lines(parse("monthly on day 1 at 01:00"), terms(BERLIN), utc=True)
    assert cron_lines(wider(parse("monthly on day 1 at 01:00"), terms(BERLIN)), terms(BERLIN), utc=True) == (
        "0 0,23 * * *",
    )


def test_the_offsets_of_a_zone_are_those_of_the_year_to_come():
    assert offsets(terms(BERLIN)) == {60, 120}
    assert offsets(terms(ZoneInfo("Australia/Lord_Howe"))) == {630, 660}
    assert offsets(terms()) == {0}


# What is said comes to the same.

clocks = st.frozensets(
    st.sampled_from([0, 1, 30, 540, 570, 840, 1439]) | st.integers(0, 1439), min_size=1, max_size=5
)
PHRASES = [
    "daily", "weekdays", "weekends", "working days", "every tuesday", "every monday and thursday", "every sunday",
    "every week", "monthly on day 1", "monthly on day 28", "monthly on day 29", "monthly on day 30",
    "monthly on the last day", "quarterly on day 31", "quarterly on the last day", "yearly on 02-29", "yearly in june on day 31",
    "first sunday of the month", "fourth friday of the month", "last saturday of the month", "second monday of the quarter",
    "last wednesday of the quarter", "third thursday of the year", "first working day of the month",
    "third working day of the quarter", "last working day of the year", "last working day of the month",
    "first week of the month", "last week of the month on sunday", "third week of the month on monday",
    "every 3 days", "every other monday", "every 2 weeks",
]  # fmt: skip
fields = [
    st.sampled_from(["*", "*/5", "*/7", "0", "5-59/9", "1,2,3,30-40", "59"]),
    st.sampled_from(["*", "*/2", "*/5", "9", "9-17", "0,23", "1-23/3"]),
    st.sampled_from(["*", "*", "1", "13", "1-31", "28-31", "*/10", "1,15,30", "L", "1,L"]),
    st.sampled_from(["*", "*", "2", "*/3", "JAN,JUN", "3-11"]),
    st.sampled_from(["*", "*", "1-5", "0", "7", "SUN,WED", "0-7", "1#2", "5L", "MON#5,2L"]),
]
schedules = st.one_of(
    st.builds(
        lambda phrase, times: f"{phrase} at {' and '.join(f'{one // 60:02}:{one % 60:02}' for one in sorted(times))}",
        st.sampled_from(PHRASES), clocks,
    ),
    st.tuples(*fields).map(lambda found: f"cron: {' '.join(found)}"),
    st.sampled_from(["hourly", "hourly at :15 and :45", "every 5m", "every 45m", "every 25m", "every 6h", "every 7h", "every 36h"]),
)  # fmt: skip
weeks = st.sampled_from(
    [frozenset(range(5)), frozenset((6, 0, 1, 2, 3)), frozenset((2, 5)), frozenset(range(7))]
)
moments = st.integers(28_400_000, 32_600_000).map(lambda minute: datetime.fromtimestamp(60 * minute, UTC))
STEADY = [UTC, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/Phoenix")]


def by_cron(lines, zone, since, until):
    """When cron is due, by the clock on the wall of a zone."""
    found = set()
    for line in lines:
        assert re.fullmatch(r"(\S+ ){4}\S+", line)
        for one in CronSim(line, datetime.fromtimestamp(since, zone)):
            if one.timestamp() > until:
                break
            found.add(one.timestamp())
    return sorted(found)


def long_enough(schedule, calendar, since):
    """A stretch that holds some occurrences, and not very many."""
    for days in (1, 40, 400, 1_500):
        until = since + days * 86_400
        if len(found := list(occurrences(schedule, calendar, since, until))) > 8:
            break
    return until, found


def readable(text):
    try:
        return parse(text)
    except ValueError:
        return None


@given(schedules, weeks, st.sampled_from(STEADY), moments)
@settings(max_examples=EXAMPLES * 4)
def test_lines_of_cron_are_due_when_the_schedule_is(text, working, zone, moment):
    if (schedule := readable(text)) is None:
        return
    found = terms(zone, working_days=working)
    until, expected = long_enough(schedule, found.calendar, moment.timestamp())
    try:
        assert by_cron(cron_lines(schedule, found), zone, moment.timestamp(), until) == expected
    except ValueError:
        lines = cron_lines(wider(schedule, found), found)
        assert set(expected) <= set(by_cron(lines, zone, moment.timestamp(), until))


@given(
    schedules,
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    st.dates(date(2026, 11, 20), date(2027, 10, 1)),
)
@settings(max_examples=EXAMPLES * 2)
def test_lines_in_utc_are_due_whenever_the_schedule_is_and_its_clocks_do_not_change(text, name, day):
    zone = ZoneInfo(name)
    since = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    until = since + 20 * 86_400
    steady = {datetime.fromtimestamp(since + one * 86_400, zone).utcoffset() for one in range(-2, 23)}
    if (schedule := readable(text)) is None or len(steady) > 1:
        return
    found = terms(zone)
    expected = set(occurrences(schedule, found.calendar, since, until))
    try:
        lines = cron_lines(schedule, found, utc=True)
    except ValueError:
        lines = cron_lines(wider(schedule, found), found, utc=True)
    assert expected <= set(by_cron(lines, UTC, since, until))


free = st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=20)


@given(schedules, weeks, free, st.sampled_from(["run", "skip", "next"]))
@settings(max_examples=EXAMPLES * 2)
def test_with_holidays_lines_are_due_whenever_the_schedule_is(text, working, holidays, on_holiday):
    if (schedule := readable(text)) is None:
        return
    calendar = Calendar(UTC, working, holidays, on_holiday)
    found = Terms(calendar, NOW, holidays=True)
    since = datetime(2026, 2, 20, tzinfo=UTC).timestamp()
    until = since + 40 * 86_400
    try:
        lines = cron_lines(schedule, found)
    except ValueError:
        lines = cron_lines(wider(schedule, found), found)
    assert set(occurrences(schedule, calendar, since, until)) <= set(by_cron(lines, UTC, since, until))


@pytest.fixture(scope="module")
def analyze():
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed")

    def elapses(events, moment, number):
        base = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
        done = subprocess.run(
            [program, "calendar", f"--base-time={base}", f"--iterations={number}", *events],
            capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        texts = re.findall(r"(?:Next elapse|Iter\. #[0-9]+): \w{3} (\S+ \S+) UTC", done.stdout)
        return sorted({datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() for one in texts})

    return elapses


@given(schedules, weeks, st.sampled_from([UTC, BERLIN]), moments)
@settings(max_examples=EXAMPLES)
def test_systemd_elapses_when_the_schedule_is_due(analyze, text, working, zone, moment):
    if (schedule := readable(text)) is None:
        return
    found = terms(zone, working_days=working)
    try:
        events = on_calendar(schedule, found)
    except ValueError:
        events = on_calendar(wider(schedule, found), found)
        assert analyze(events, moment, 3)
        return
    nearest = analyze(events, moment, 6)[:6]
    since, until = moment.timestamp(), max(nearest, default=0)
    expected = list(occurrences(schedule, found.calendar, since, until))
    changed = found.calendar._replace(gap="skip", overlap="both")
    offsets = {datetime.fromtimestamp(one, zone).utcoffset() for one in [since, *nearest]}
    if list(occurrences(schedule, changed, since, until)) == expected and (
        len(offsets) == 1 or not schedule.hourly
    ):
        assert nearest == expected[:6]
