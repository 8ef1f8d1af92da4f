"""Holidays: the all-day events of an iCalendar file, and every other thing in one."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.holidays import read_holidays

EXAMPLES = 2_000 if os.environ.get("OPSCTL_LONG") else 60
REPETITION = "is no repetition that is read; write FREQ=YEARLY, or an event for each day"


def calendar(*events, end="\n"):
    """A calendar of events, each given as its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//holidays//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event.split("\n"), "END:VEVENT"]
    return end.join([*lines, "END:VCALENDAR", ""])


def read(*events, first=2026, last=2027):
    return [day.isoformat() for day in sorted(read_holidays(calendar(*events), first, last))]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20261225", ["2026-12-25"]),
        ("SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227", ["2026-12-25", "2026-12-26"]),
        ("dtstart;value=date:20261225\ndtend;value=date:20261226", ["2026-12-25"]),
        ('DTSTART;TZID="Europe/Berlin";VALUE=DATE:20261225', ["2026-12-25"]),
        ("DTSTART:20261225", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20261225\nDURATION:P2D", ["2026-12-25", "2026-12-26"]),
        ("DTSTART;VALUE=DATE:20261228\nDURATION:P1W", [f"2026-12-{day}" for day in range(28, 32)]
         + [f"2027-01-0{day}" for day in range(1, 4)]),
        ("DTSTART;VALUE=DATE:20251231\nDTEND;VALUE=DATE:20260102", ["2026-01-01"]),
        ("DTSTART;VALUE=DATE:20271231\nDTEND;VALUE=DATE:20280102", ["2027-12-31"]),
        ("DTSTART;VALUE=DATE:20200101", []),
        ("DTSTART;VALUE=DATE:99991231\nDURATION:P2D", []),
        ("DTSTART:20261225T090000Z\nDTEND:20261225T100000Z", []),
        ("DTSTART;TZID=Europe/Berlin:20261225T090000", []),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CONFIRMED", ["2026-12-25"]),
        ("SUMMARY:no day at all", []),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY", ["2026-12-25", "2027-12-25"]),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:freq=yearly;bymonth=12;bymonthday=25;", ["2026-12-25", "2027-12-25"]),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY;INTERVAL=2", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;COUNT=2", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;UNTIL=20261225", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;UNTIL=20261224T230000Z", []),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225", ["2027-12-25"]),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225,20271225", []),
        ("DTSTART;VALUE=DATE:20001225\nRRULE:FREQ=YEARLY\nEXDATE:20261225\nEXDATE:20271225", []),
        ("DTSTART;VALUE=DATE:20251231\nDTEND;VALUE=DATE:20260102\nRRULE:FREQ=YEARLY",
         ["2026-01-01", "2026-12-31", "2027-01-01", "2027-12-31"]),
        ("DTSTART;VALUE=DATE:20281225\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:20261225\nBEGIN:VALARM\nDURATION:PT15M\nDTSTART;VALUE=DATE:20260101\nEND:VALARM", ["2026-12-25"]),
        ("DTSTART;VALUE=DA\n TE:2026122\n\t5", ["2026-12-25"]),
        ('SUMMARY:a name: with; signs\\, "all" over\nDTSTART;VALUE=DATE:20261225', ["2026-12-25"]),
    ],
)  # fmt: skip
def test_all_day_events_are_holidays(event, expected):
    assert read(event) == expected


def test_a_leap_day_comes_every_year_that_has_one():
    event = "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=3"
    assert read(event, first=2020, last=2050) == ["2024-02-29", "2028-02-29", "2032-02-29"]


def test_a_calendar_may_have_a_byte_order_mark_other_line_ends_and_other_things():
    text = calendar("DTSTART;VALUE=DATE:20261225", "DTSTART;VALUE=DATE:20260101", end="\r\n")
    text = text.replace(
        "END:VCALENDAR", "BEGIN:VTODO\r\nDTSTART;VALUE=DATE:20260202\r\nEND:VTODO\r\n\r\nEND:VCALENDAR"
    )
    assert read_holidays("\ufeff" + text, 2026, 2026) == {date(2026, 1, 1), date(2026, 12, 25)}
    assert read_holidays(text + text, 2026, 2026) == {date(2026, 1, 1), date(2026, 12, 25)}
    assert read_holidays(calendar(), 2026, 2026) == frozenset()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("DTSTART;VALUE=DATE:2026-12-25", "line 5: `2026-12-25` in DTSTART is no day; write it as 20261225"),
        ("DTSTART;VALUE=DATE:20261332", "line 5: `20261332` in DTSTART is no day; write it as 20261225"),
        ("SUMMARY:x\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225",
         "line 7: an event ends after it begins (DTEND is the day after) and within a year"),
        ("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20281225",
         "line 6: an event ends after it begins (DTEND is the day after) and within a year"),
        ("DTSTART;VALUE=DATE:20261225\nDTEND:20261226T000000Z", "line 6: `20261226T000000Z` in DTEND is no day; write it as 20261225"),
        ("DTSTART;VALUE=DATE:20261225\nDURATION:PT24H", "line 6: `PT24H` is no number of days; write P1D or P2W"),
        ("DTSTART;VALUE=DATE:20261225\nDURATION:P0D",
         "line 6: an event ends after it begins (DTEND is the day after) and within a year"),
        ("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=WEEKLY", f"line 6: `FREQ=WEEKLY` {REPETITION}"),
        ("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY;BYDAY=4TH", f"line 6: `FREQ=YEARLY;BYDAY=4TH` {REPETITION}"),
        ("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY;BYMONTH=11", f"line 6: `FREQ=YEARLY;BYMONTH=11` {REPETITION}"),
        ("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY;INTERVAL=0", f"line 6: `FREQ=YEARLY;INTERVAL=0` {REPETITION}"),
        ("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY;UNTIL=never", "line 6: `NEVER` in RRULE is no day; write it as 20261225"),
        ("DTSTART;VALUE=DATE:20261225\nRDATE;VALUE=DATE:20261226", "line 6: RDATE is not read; write the day as an event of its own"),
        ("RECURRENCE-ID;VALUE=DATE:20261225\nDTSTART;VALUE=DATE:20261226",
         "line 5: RECURRENCE-ID is not read; write the day as an event of its own"),
        ("DTSTART;VALUE=DATE:20261225\nDTSTART;VALUE=DATE:20261226", "line 6: DTSTART is there twice in one event; keep one"),
        ("DTSTART;VALUE=DATE:20261225\nnonsense\x1b[31m", "line 6: `nonsense\\x1b[31m` is no line of a calendar; write NAME:VALUE"),
        ("END:VTODO", "line 5: END:VTODO ends what did not begin"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(event, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(event)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the calendar is cut off; END:VCALENDAR is missing"),
        ("date,name\n", "line 1: `date,name` is no line of a calendar; write NAME:VALUE"),
        ("\n\nnote: none\n", "line 3: a calendar begins with BEGIN:VCALENDAR; is this an iCalendar file?"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\n", "line 3: the calendar is cut off; END:VCALENDAR is missing"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nDTSTART:20261225", "line 3: a calendar begins with BEGIN:VCALENDAR; is this an iCalendar file?"),
        ("END:VCALENDAR", "line 1: a calendar begins with BEGIN:VCALENDAR; is this an iCalendar file?"),
    ],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_holidays(text, 2026, 2026)


events = st.tuples(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(1, 9), st.booleans())


@given(st.lists(events, max_size=6), st.integers(2000, 2031), st.integers(0, 5), st.integers(10, 80))
@settings(max_examples=EXAMPLES)
def test_days_are_those_of_every_event_however_it_is_folded(found, first, years, width):
    last, expected, written = first + years, set(), []
    for start, length, yearly in found:
        end = start + timedelta(days=length)
        rule = "\nRRULE:FREQ=YEARLY" if yearly else ""
        written.append(f"DTSTART;VALUE=DATE:{start:%Y%m%d}\nDTEND;VALUE=DATE:{end:%Y%m%d}{rule}")
        for year in range(start.year, last + 1) if yearly else [start.year]:
            if (start.month, start.day) != (2, 29) or year % 4 == 0:
                expected |= {start.replace(year=year) + timedelta(days=one) for one in range(length)}
    lines = calendar(*written).split("\n")
    folded = "\n".join(
        "\n ".join(one[at : at + width] for at in range(0, len(one), width) or [0]) for one in lines
    )
    assert read_holidays(folded, first, last) == {day for day in expected if first <= day.year <= last}


@given(st.lists(st.sampled_from([
    "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "DTSTART;VALUE=DATE:20261225", "DTSTART:x", " fold",
    "RRULE:FREQ=YEARLY", "RRULE:;;", "DTEND;VALUE=DATE:20261226", "EXDATE:", "DURATION:P", "a", ":", ";:", "BEGIN:", "END:", "",
]) | st.text(max_size=8)).map("\n".join))  # fmt: skip
@settings(max_examples=EXAMPLES * 3)
def test_any_text_is_read_or_refused(text):
    try:
        assert all(day.year == 2026 for day in read_holidays(text, 2026, 2026))
    except ValueError as refused:
        words = str(refused)
        assert re.match("line [0-9]+: ", words)
