from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsctl.outcome import Kind
from opsctl.units import brief, parse, show

D, S, P = Kind.DURATION, Kind.SIZE, Kind.PERCENT


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (D, "500ms", 0.5),
        (D, "10s", 10.0),
        (D, "1h30m", 5400.0),
        (D, "1.5h", 5400.0),
        (D, "14d", 1209600.0),
        (D, "2w", 1209600.0),
        (D, "250us", 0.00025),
        (D, "-3d", -259200.0),
        (D, "0s", 0.0),
        (S, "1MB", 10**6),
        (S, "10KiB", 10240),
        (S, "512B", 512),
        (S, "1kB", 1000),
        (S, "1KB", 1000),
        (S, "1.5GB", 1_500_000_000),
        (S, "2TiB", 2 * 2**40),
        (S, "9007199254740993B", 2**53 + 1),
        (P, "90%", 90.0),
        (P, "99.9%", 99.9),
    ],
)
def test_a_quantity_is_read_in_its_base_unit(kind, text, value):
    read = parse(kind, text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (D, "10", "`10` has no unit; write a duration as `10s`"),
        (S, "10", "`10` has no unit; write a size as `10MB`"),
        (P, "90", "`90` has no unit; write a percent as `90%`"),
        (D, "", "`` is not a duration; write it as `10s`"),
        (D, "-", "`-` is not a duration; write it as `10s`"),
        (D, "10 s", "`10 s` has no unit; write a duration as `10s`"),
        (D, "soon", "`soon` is not a duration; write it as `10s`"),
        (D, "1h1h", "`1h1h` mixes its units; write each once, the largest first"),
        (D, "5m1h", "`5m1h` mixes its units; write each once, the largest first"),
        (S, "1MB1kB", "`1MB1kB` mixes its units; write each once, the largest first"),
        (S, "1.5B", "`1.5B` is finer than a byte; write fewer decimals"),
        (D, "0.0001us", "`0.0001us` is finer than a nanosecond; write fewer decimals"),
        (D, "9999999999w", "`9999999999w` is too large for a duration; write less"),
        (P, "90%%", "`90%%` is not a percent; write it as `90%`"),
    ],
)
def test_what_is_no_quantity_is_refused_with_what_to_write(kind, text, message):
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
        parse(kind, text)


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        (D, "10sec", "s"),
        (D, "10seconds", "s"),
        (D, "10min", "m"),
        (D, "10MS", "ms"),
        (D, "3days", "d"),
        (S, "1mb", "MB"),
        (S, "1kib", "KiB"),
        (S, "1G", "GB"),
        (P, "90percent", "%"),
    ],
)
def test_an_unknown_unit_says_which_one_was_meant(kind, text, meant):
    with pytest.raises(ValueError, match=rf"; did you mean `{meant}`\? the units are `"):
        parse(kind, text)


@pytest.mark.parametrize(
    ("kind", "value", "exact", "rounded"),
    [
        (D, 0.0, "0s", "0s"),
        (D, 0.34, "340ms", "340ms"),
        (D, 0.2134, "213ms400us", "213ms"),
        (D, 1.234, "1s234ms", "1.23s"),
        (D, 0.00025, "250us", "250us"),
        (D, 1.5e-6, "1.5us", "1.5us"),
        (D, 0.9996, "999ms600us", "1s"),
        (D, 59.96, "59s960ms", "1m"),
        (D, 5400.0, "1h30m", "1h 30m"),
        (D, 1209600.0, "14d", "14d"),
        (D, 1137600.0, "13d4h", "13d 4h"),
        (D, -259200.0, "-3d", "-3d"),
        (S, 0, "0B", "0B"),
        (S, 512, "512B", "512B"),
        (S, 1500000, "1.5MB", "1.5MB"),
        (S, 10240, "10KiB", "10.2kB"),
        (S, 999_600, "999.6kB", "1MB"),
        (S, 1_234_567, "1234567B", "1.23MB"),
        (P, 90.0, "90%", "90%"),
        (P, 99.987, "99.987%", "99.99%"),
        (P, 12345.6, "12345.6%", "12346%"),
    ],
)
def test_a_quantity_is_shown_exactly_and_rounded(kind, value, exact, rounded):
    assert (show(kind, value), brief(kind, value)) == (exact, rounded)


UNITS = {D: ["us", "ms", "s", "m", "h", "d", "w"], S: ["B", "kB", "MB", "GiB", "TiB"], P: ["%"]}


@st.composite
def quantities(draw):
    kind = draw(st.sampled_from([D, S, P]))
    decimals = draw(st.sampled_from(["", ".5", ".25", ".123", ".000000001"]))
    sign = draw(st.sampled_from(["", "-"]))
    number = draw(st.integers(0, 10**6))
    return kind, f"{sign}{number}{decimals}{draw(st.sampled_from(UNITS[kind]))}"


@given(quantities())
@example((D, "36500.123456789d"))
@example((D, "0.5us"))
@example((S, "123456789.123456789GB"))
def test_parsing_what_is_shown_gives_the_same_quantity(quantity):
    kind, text = quantity
    try:
        value = parse(kind, text)
    except ValueError as refused:
        assert "is finer than" in str(refused) or "is too large" in str(refused)  # noqa: PT017
        return
    assert parse(kind, show(kind, value)) == value


@given(
    st.sampled_from([D, S, P]), st.text(max_size=30) | st.from_regex(r"-?[0-9.]+[a-zA-Z%µ]*", fullmatch=True)
)
def test_any_text_is_a_quantity_or_a_value_error(kind, text):
    try:
        value = parse(kind, text)
    except ValueError:
        return
    assert brief(kind, value)
    assert parse(kind, show(kind, value)) == value
