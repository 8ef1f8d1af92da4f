"""Periods of reports, and their parts."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import UsageError
from opsctl.periods import Period, parts, period


def at(text):
    return datetime.fromisoformat(text).timestamp()


NOW = at("2026-11-18T11:00+00:00")
BERLIN = "Europe/Berlin"


def between(kind, **more):
    found = period(kind, more.get("length"), more.get("until"), NOW, BERLIN, last=more.get("last", False))
    return [datetime.fromtimestamp(one).astimezone().isoformat() for one in found]


@pytest.mark.parametrize(
    ("kind", "hours"),
    [("daily", 24), ("weekly", 168), ("monthly", 720), ("quarterly", 2184), ("handover", 12)],
)
def test_a_period_ends_now_by_default(kind, hours):
    assert period(kind, None, None, NOW, BERLIN, last=False) == (NOW - hours * 3600, NOW)


def test_a_length_and_an_end_may_be_named():
    assert period("weekly", "8h", "11:00", NOW, BERLIN, last=False) == (NOW - 9 * 3600, NOW - 3600)


@pytest.mark.parametrize(
    ("kind", "first", "end"),
    [
        ("daily", "2026-11-17T00:00+01:00", "2026-11-18T00:00+01:00"),
        ("weekly", "2026-11-09T00:00+01:00", "2026-11-16T00:00+01:00"),
        ("monthly", "2026-10-01T00:00+02:00", "2026-11-01T00:00+01:00"),
        ("quarterly", "2026-07-01T00:00+02:00", "2026-10-01T00:00+02:00"),
    ],
)
def test_the_last_one_is_whole_in_the_zone_of_the_workspace(kind, first, end):
    assert period(kind, None, None, NOW, BERLIN, last=True) == (at(first), at(end))


def test_the_last_quarter_may_be_of_the_year_before():
    found = period("quarterly", None, None, at("2026-02-10T00:00+00:00"), "UTC", last=True)
    assert found == (at("2025-10-01T00:00+00:00"), at("2026-01-01T00:00+00:00"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"length": "soon"}, "--period `soon`"),
        ({"length": "1m"}, "too short"),
        ({"length": "90000d"}, "begins before 1970"),
        ({"until": "never"}, "--until `never` is not a time"),
        ({"length": "1d", "last": True}, "`--last` says the period"),
    ],
)
def test_other_periods_are_refused(more, words):
    with pytest.raises(UsageError, match=words):
        between("weekly", **more)


@given(
    st.integers(int(at("2026-01-01T00:00+00:00")), int(at("2027-01-01T00:00+00:00"))),
    st.integers(1, 120 * 24),
    st.sampled_from([BERLIN, "UTC", "America/St_Johns", "Asia/Kathmandu"]),
)
def test_the_parts_are_the_whole_without_gap_or_overlap(end, hours, zone):
    whole = Period(end - hours * 3600.0, float(end))
    found = parts(whole, zone)
    assert (found[0].since, found[-1].until) == whole
    assert all(one.until == after.since for one, after in pairwise(found))
    assert all(one.since < one.until for one in found)
    assert len(found) <= 50


def test_days_begin_at_midnight_of_the_zone_also_when_the_clocks_change():
    found = parts(Period(at("2026-10-23T12:00+02:00"), at("2026-10-27T12:00+01:00")), BERLIN)
    assert [one.label for one in found] == [
        "2026-10-23",
        "2026-10-24",
        "2026-10-25",
        "2026-10-26",
        "2026-10-27",
    ]
    assert [round((one.until - one.since) / 3600) for one in found] == [12, 24, 25, 24, 12]
