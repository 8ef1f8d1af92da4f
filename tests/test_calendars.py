"""Freezes are on exactly when they say, also where the clocks change."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.calendars import occurrences, refusals
from opsctl.freezes import Freeze

BERLIN = "Europe/Berlin"
ZONES = [BERLIN, "UTC", "America/St_Johns", "Australia/Lord_Howe", "America/New_York"]


def at(text):
    return datetime.fromisoformat(text).timestamp()


class Shop:
    """As much of a workspace as freezes look at."""

    timezone = BERLIN

    def __init__(self, **freezes):
        self.freezes = freezes


def on(shop, when, environment="prod", services=()):
    return [one.id for one in refusals(shop, environment, services, at(when))]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-25T23:59:59+01:00", []),
        ("2026-11-26T00:00:00+01:00", ["sale"]),
        ("2026-11-30T23:59:59+01:00", ["sale"]),
        ("2026-12-01T00:00:00+01:00", []),
    ],
)
def test_a_dated_freeze_is_on_from_its_first_to_the_end_of_its_last_day(when, expected):
    assert on(Shop(sale=Freeze(reason="sale", starts="2026-11-26", ends="2026-11-30")), when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-20T21:59:59+01:00", []),
        ("2026-11-20T22:00:00+01:00", ["night"]),
        ("2026-11-21T05:59:59+01:00", ["night"]),
        ("2026-11-21T06:00:00+01:00", []),
        ("2026-11-21T23:00:00+01:00", []),
    ],
)
def test_a_friday_night_goes_on_past_midnight(when, expected):
    night = Freeze(reason="night", days=("friday",), between="22:00-06:00")
    assert on(Shop(night=night), when) == expected


def test_days_that_follow_each_other_end_together():
    weekend = Freeze(reason="weekend", days=("saturday", "sunday"))
    (found,) = refusals(Shop(weekend=weekend), "prod", (), at("2026-11-21T12:00:00+01:00"))
    assert found.until == at("2026-11-23T00:00:00+01:00")


def test_outside_of_every_window_changes_are_refused_until_the_next():
    shop = Shop(
        tuesdays=Freeze(reason="release days", allow=True, days=("tuesday",), between="09:00-16:00"),
        thursdays=Freeze(reason="release days", allow=True, days=("thursday",), between="09:00-16:00"),
    )
    assert on(shop, "2026-11-24T10:00:00+01:00") == []
    (found,) = refusals(shop, "prod", (), at("2026-11-24T16:00:00+01:00"))
    assert found.until == at("2026-11-26T09:00:00+01:00")


def test_a_freeze_is_about_its_environments_and_services_and_about_what_is_not_known():
    shop = Shop(sale=Freeze(reason="x", starts="2026-01-01", environments=("prod",), services=("api",)))
    when = "2026-06-01T00:00:00+00:00"
    assert on(shop, when, "staging") == on(shop, when, "prod", ("web",)) == []
    assert on(shop, when, None) == on(shop, when, "prod", ("api",)) == on(shop, when) == ["sale"]
    assert refusals(shop, None, (), at(when))[0].until is None


def spans(freeze, first, last, zone=BERLIN):
    return [(one.since, one.until) for one in occurrences("x", freeze, zone, at(first), at(last))]


def test_a_day_on_which_the_clocks_change_is_whole():
    sundays = Freeze(reason="x", days=("sunday",))
    spring = spans(sundays, "2026-03-29T10:00:00+02:00", "2026-03-29T10:00:00+02:00")
    autumn = spans(sundays, "2026-10-25T10:00:00+01:00", "2026-10-25T10:00:00+01:00")
    assert [(end - begin) / 3600 for begin, end in (*spring, *autumn)] == [23, 25]


def test_a_time_that_comes_twice_or_never_makes_no_freeze_too_short():
    autumn = Freeze(reason="x", days=("sunday",), between="02:30-02:45")
    assert spans(autumn, "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00") == [
        (at("2026-10-25T02:30:00+02:00"), at("2026-10-25T02:45:00+01:00"))
    ]
    ((begin, end),) = spans(autumn, "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00")
    assert begin <= at("2026-03-29T02:00:00+01:00") <= end


@given(
    st.integers(int(at("2026-01-01T00:00:00+00:00")), int(at("2027-01-01T00:00:00+00:00"))),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(["monday", "wednesday", "saturday", "sunday"]), max_size=3),
    st.one_of(
        st.none(), st.tuples(st.integers(0, 23), st.integers(0, 23)).filter(lambda two: two[0] != two[1])
    ),
)
def test_what_is_on_by_the_list_is_on_by_the_question(when, zone, days, hours):
    between = None if hours is None else f"{hours[0]:02}:00-{hours[1]:02}:00"
    if not days and between is None:
        return
    freeze = Freeze(reason="x", days=tuple(sorted(days)), between=between, timezone=zone)
    listed = [
        (one.since, one.until)
        for one in occurrences("x", freeze, "UTC", when - 14 * 86400, when + 14 * 86400)
    ]
    asked = refusals(Shop(x=freeze), None, (), float(when))
    assert bool(asked) == any(begin <= when < end for begin, end in listed)
    assert all(begin < end <= begin + 25.6 * 3600 for begin, end in listed)
