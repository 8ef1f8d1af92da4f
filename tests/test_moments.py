"""Times as people say them: read in their zone, never guessed at."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import UsageError
from opsctl.moments import deadline, moment

NOW = "2026-11-21T12:00:00Z"  # a Saturday, 13:00 in Berlin


def at(text):
    return datetime.fromisoformat(text).timestamp()


def said(text, now=NOW, zone="Europe/Berlin", **more):
    return moment(text, at(now), zone, "--at", **more)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("  NOW ", NOW),
        ("10m", "2026-11-21T11:50:00Z"),
        ("-10m", "2026-11-21T11:50:00Z"),
        ("1h30m", "2026-11-21T10:30:00Z"),
        ("10 minutes ago", "2026-11-21T11:50:00Z"),
        ("10 minutes", "2026-11-21T11:50:00Z"),
        ("an hour ago", "2026-11-21T11:00:00Z"),
        ("a day ago", "2026-11-20T12:00:00Z"),
        ("1.5h ago", "2026-11-21T10:30:00Z"),
        ("in 2 days", "2026-11-23T12:00:00Z"),
        ("12:59", "2026-11-21T11:59:00Z"),
        ("13:00", NOW),
        ("13:01", "2026-11-20T12:01:00Z"),
        ("9:05:07", "2026-11-21T08:05:07Z"),
        ("today", "2026-11-20T23:00:00Z"),
        ("yesterday 9:00", "2026-11-20T08:00:00Z"),
        ("tomorrow", "2026-11-21T23:00:00Z"),
        ("Friday", "2026-11-19T23:00:00Z"),
        ("saturday", "2026-11-20T23:00:00Z"),
        ("saturday 14:00", "2026-11-14T13:00:00Z"),
        ("sunday", "2026-11-14T23:00:00Z"),
        ("2026-11-20", "2026-11-19T23:00:00Z"),
        ("2026-11-20 14:54", "2026-11-20T13:54:00Z"),
        ("2026-11-20T14:54:00Z", "2026-11-20T14:54:00Z"),
        ("2026-11-20T14:54+05:30", "2026-11-20T09:24:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_means_the_last_such_moment(text, meant):
    assert said(text) == at(meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3d", "2026-11-24T12:00:00Z"),
        ("in 3d", "2026-11-24T12:00:00Z"),
        ("13:00", "2026-11-22T12:00:00Z"),
        ("13:01", "2026-11-21T12:01:00Z"),
        ("saturday", "2026-11-27T23:00:00Z"),
        ("saturday 14:00", "2026-11-21T13:00:00Z"),
        ("friday", "2026-11-26T23:00:00Z"),
        ("tomorrow 9:00", "2026-11-22T08:00:00Z"),
    ],
)
def test_ahead_it_means_the_next(text, meant):
    assert said(text, ahead=True) == at(meant)


@pytest.mark.parametrize(
    ("now", "text", "ahead", "meant"),
    [
        # The clocks go from 3:00 back to 2:00 at 1:00 UTC.
        ("2026-10-25T01:45:00Z", "02:30", False, "2026-10-25T01:30:00Z"),
        ("2026-10-25T01:45:00Z", "02:50", False, "2026-10-25T00:50:00Z"),
        ("2026-10-25T00:45:00Z", "02:30", False, "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:45:00Z", "02:30", True, "2026-10-25T01:30:00Z"),
        ("2026-10-25T10:00:00Z", "2026-10-25 02:30", False, "2026-10-25T00:30:00Z"),
        ("2026-10-25T22:00:00Z", "24h", False, "2026-10-24T22:00:00Z"),
        ("2026-10-25T22:00:00Z", "yesterday 23:00", False, "2026-10-24T21:00:00Z"),
    ],
)
def test_a_time_that_comes_twice_is_the_nearer_one(now, text, ahead, meant):
    assert said(text, now=now, ahead=ahead) == at(meant)


@pytest.mark.parametrize("text", ["02:30", "2026-03-29 02:30", "sunday 2:30", "today 2:30"])
def test_a_time_that_the_clocks_skip_is_refused(text):
    with pytest.raises(UsageError, match=r"is not a time; .* \(the clocks skip it\)"):
        said(text, now="2026-03-29T10:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "soon", "25:00", "12:60", "9.30", "20261121", "1477", "--5m", "-5m ago", "in -5m", "ago",
        "in", "friday the 13th", "friday 25:00", "yesterday at 9", "2026-13-01", "2026-02-30", "١٢:٠٠", "\x1b[31m",
        "5 parsecs ago", "1h 30m", "NaN", "1e9", "10\x00m",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_way_out(text):
    with pytest.raises(UsageError) as refused:
        said(text)
    assert str(refused.value).startswith("--at `")
    assert "2026-11-21T14:54:00Z" in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "100000d ago", "9999-12-31", "0001-01-01"])
def test_a_time_that_no_clock_here_shows_is_refused(text):
    with pytest.raises(
        UsageError, match=r"^--at `.*` (is too far away; write a time from 1970|is not a time)"
    ):
        said(text)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_usage_error(text):
    try:
        found = said(text)
    except UsageError:
        return
    assert 0 <= found < at("9001-01-01T00:00:00Z")


@given(
    st.integers(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")),
    st.sampled_from(["Europe/Berlin", "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(["", "monday ", "sunday "]),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_a_clock_time_is_never_on_the_wrong_side_of_now(now, zone, day, hour, minute):
    text = f"{day}{hour:02}:{minute:02}"
    try:
        before = moment(text, now, zone, "--at")
        after = moment(text, now, zone, "--due", ahead=True)
    except UsageError:
        return  # one of the two is skipped when the clocks change
    assert before <= now < after
    assert after - before <= (8 if day else 1.1) * 86_400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-04", "2026-12-04T22:59:59Z"),
        ("tomorrow", "2026-11-21T22:59:59Z"),
        ("Friday", "2026-11-27T22:59:59Z"),
        ("2026-12-04 14:00", "2026-12-04T13:00:00Z"),
        ("2w", "2026-12-04T12:00:00Z"),
    ],
)
def test_a_bare_day_is_due_at_its_end(text, expected):
    assert deadline(text, at("2026-11-20T12:00:00Z"), "Europe/Berlin", "--due") == at(expected)
