"""Percentiles: exact ones by nearest rank, rolled-up ones within their bound."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.store.latencies import EXACT, ROUNDED, Latencies, decode, encode, exact, rolled


def test_percentiles_are_by_nearest_rank():
    assert exact(number * 1000 for number in (98, *[10] * 10, 1000, 2000)) == Latencies(
        13, 3198 / 13 / 1000, 0.01, 2.0, 0.01, 2.0, 2.0, EXACT
    )
    assert exact(range(1_000_000, 101_000_000, 1_000_000)) == Latencies(
        100, 50.5, 1.0, 100.0, 50.0, 95.0, 99.0, EXACT
    )


def test_nothing_has_no_percentiles():
    assert exact([]) is None
    assert rolled(0, []) is None
    assert rolled(0, [b"", b""]) is None


@pytest.mark.parametrize("microseconds", [0, 1])
def test_no_time_at_all_counts_as_a_microsecond(microseconds):
    assert decode(int.from_bytes(encode(microseconds), "little")) == 1


@given(st.integers(1, 2**63 - 1))
def test_a_latency_in_two_bytes_is_right_to_four_thousandths(microseconds):
    packed = encode(microseconds)
    assert len(packed) == 2
    assert decode(int.from_bytes(packed, "little")) == pytest.approx(microseconds, rel=0.004)


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=400), st.integers(1, 400))
def test_rolled_up_latencies_are_the_exact_ones_to_four_thousandths(microseconds, size):
    packed = [
        b"".join(map(encode, microseconds[start : start + size]))
        for start in range(0, len(microseconds), size)
    ]
    found, ordered = rolled(sum(microseconds), packed), sorted(microseconds)
    assert (found.answers, found.method) == (len(ordered), ROUNDED)
    assert found.mean == pytest.approx(sum(ordered) / len(ordered) / 1e6)
    assert found[2:7] == pytest.approx(
        [ordered[max(ceil(len(ordered) * percent / 100), 1) - 1] / 1e6 for percent in (0, 100, 50, 95, 99)],
        rel=0.004,
    )
