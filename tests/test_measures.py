"""Measures of improvements: what texts mean one, and what before and after come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import UsageError
from opsctl.measures import FORMS, Measure, counted_by_hand, judge, parse

DAY = 86400.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("availability api", Measure("availability", "api", 28 * DAY, "more")),
        ("availability api 7d", Measure("availability", "api", 7 * DAY, "more")),
        ("p99.9 api/health 1d", Measure("p99.9", "api/health", DAY, "less")),
        ("incidents tag:db sev1 90d", Measure("incidents", "tag:db sev1", 90 * DAY, "less")),
        ("incidents", Measure("incidents", "", 28 * DAY, "less")),
        ("time-to-recover service:db 90d", Measure("time-to-recover", "service:db", 90 * DAY, "less")),
        ("manual more 'tests a week'", Measure("manual", "tests a week", 0.0, "more")),
    ],
)
def test_a_measure_is_read_from_words(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "availability", "p95", "incidents db", "time-to-win", "manual tickets", "p"]
)
def test_other_words_are_no_measure(text):
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize("text", FORMS)
def test_the_forms_that_are_named_are_measures(text):
    parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_measure_or_a_usage_error(text):
    try:
        parse(text)
    except UsageError:
        return


def taken(value, low, high, *, since=100.0, n=50, reason=""):
    return {
        "definition": "availability/1", "value": value, "low": low, "high": high, "unit": "ratio", "n": n,
        "coverage": 1.0, "reason": reason, "since": since, "until": since + DAY,
    }  # fmt: skip


UPTIME = parse("availability api 1d")


def test_apart_bounds_show_that_it_got_better_or_worse():
    lower, higher = taken(0.98, 0.979, 0.981), taken(0.999, 0.998, 1.0)
    assert judge(UPTIME, lower, higher, 50.0).outcome == "improved"
    assert judge(UPTIME, higher, lower, 50.0).outcome == "worse"


def test_bounds_that_overlap_show_nothing():
    verdict = judge(UPTIME, taken(0.98, 0.97, 0.999), taken(0.99, 0.98, 1.0), 50.0)
    assert verdict.outcome == "unchanged"


@pytest.mark.parametrize(
    ("before", "after", "finished"),
    [
        (None, taken(0.99, 0.98, 1.0), 50.0),
        (taken(None, None, None, reason="no results"), taken(0.99, 0.98, 1.0), 50.0),
        (taken(0.9, 0.9, 0.9), taken(None, None, None, reason="no results"), 50.0),
        (taken(0.9, 0.9, 0.9), taken(0.99, 0.98, 1.0), 101.0),
    ],
)
def test_what_was_not_measured_on_both_sides_claims_nothing(before, after, finished):
    assert judge(UPTIME, before, after, finished).outcome == "not enough data"


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["less", "more"]))
def test_what_people_count_is_better_in_the_direction_they_said(before, after, better):
    outcome = judge(
        Measure("manual", "x", 0.0, better), counted_by_hand(before, 0.0), counted_by_hand(after, 9.0), 5.0
    ).outcome
    if before == after:
        assert outcome == "unchanged"
    else:
        assert (outcome == "improved") == ((after < before) == (better == "less"))
