"""What holds of any figure, whatever was recorded."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import comb, exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl import metrics, ranks
from opsctl.intervals import clip, common, length, union, without
from opsctl.metrics import Spent, spent

times = st.integers(-50, 150)
some = st.lists(st.tuples(times, times), max_size=8)
windows = st.tuples(st.integers(0, 40), st.integers(60, 100))


def instants(intervals):
    """The same times, one by one: what interval arithmetic is checked against."""
    return {at for start, end in intervals for at in range(start, end)}


@given(some, some, windows)
def test_arithmetic_on_intervals_is_arithmetic_on_sets(one, other, window):
    assert instants(union(one)) == instants(one)
    assert instants(without(one, other)) == instants(one) - instants(other)
    assert instants(common([one, other])) == instants(one) & instants(other)
    assert instants(clip(one, window)) == instants(one) & instants([window])
    for found in (union(one), without(one, other), common([one, other]), clip(one, window)):
        assert all(start < end for start, end in found)
        assert all(before[1] < after[0] for before, after in pairwise(found))


@given(some, windows)
def test_a_union_is_no_longer_than_the_sum_nor_the_window(intervals, window):
    assert length(intervals) <= sum(max(0, end - start) for start, end in intervals)
    assert length(clip(intervals, window)) <= window[1] - window[0]


@given(some, some, some, windows)
def test_time_is_spent_once(down, known, maintenance, window):
    time = spent(window, down, known, maintenance)
    planned = instants([window]) & instants(maintenance)
    failed = instants([window]) & instants(down) - planned
    seen = (instants([window]) & instants(known) - planned) | failed
    assert time.whole == window[1] - window[0]
    assert (time.maintenance, time.down, time.known) == (len(planned), len(failed), len(seen))
    assert time.up + time.down + time.unknown + time.maintenance == time.whole


@given(some, some, some, windows, st.sampled_from([50, 90, 99.9, 99.99]))
def test_a_figure_lies_between_its_bounds(down, known, maintenance, window, objective):
    time = spent(window, down, known, maintenance)
    for found in (metrics.availability(time, 1), metrics.budget(time, objective, 1)):
        assert found.coverage is None or 0 <= found.coverage <= 1
        if found.value is None:
            assert found[1:4] == (None, None, None)
            assert found.reason
        else:
            assert 0 <= found.low <= found.value <= found.high
            assert found.reason == ""


@given(st.integers(0, 60), st.integers(1, 10_000))
def test_failures_leave_a_time_between_them_within_its_bounds(failures, up):
    found = metrics.between_failures(Spent(up), failures)
    assert found.low > 0
    assert (found.value is None) is (failures == 0)
    assert found.value is None or found.low <= found.value <= found.high


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_actionability_lies_between_its_bounds(actionable, idle, unreviewed):
    found = metrics.actionability(actionable, unreviewed, actionable + idle + unreviewed)
    assert (found.value is None) is (actionable + idle == 0)
    assert found.value is None or 0 <= found.low <= found.value <= found.high <= 1


seconds = st.floats(0, 1e6, allow_nan=False)


@given(st.lists(seconds, min_size=1, max_size=60), st.floats(0, 1))
def test_percentiles_are_latencies_that_were_seen(values, q):
    found = metrics.latency(Counter(values), q)
    assert {found.value, found.low or found.value, found.high or found.value} <= {*values}
    assert min(values) <= found.value <= max(values)
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.value <= found.high
    assert sum(value <= found.value for value in values) >= q * len(values) - 1e-9


@given(st.lists(seconds, min_size=1, max_size=60))
def test_a_median_lies_in_the_middle(values):
    found = metrics.typical("time-to-detect", values)
    assert sum(value <= found.value for value in values) * 2 >= len(values)
    assert sum(value >= found.value for value in values) * 2 >= len(values)
    assert found.low is None or found.low <= found.value <= found.high
    assert dict(found.more)["p90"] in values


@given(st.integers(1, 150), st.sampled_from([0.1, 0.5, 0.9, 0.95, 0.99]))
def test_the_interval_of_a_rank_is_exact(n, q):
    chance = [comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]
    lows = [place for place in range(1, n + 1) if sum(chance[:place]) <= 0.025]
    highs = [place for place in range(1, n + 1) if sum(chance[place:]) <= 0.025]
    assert ranks.rank_interval(n, q) == (max(lows, default=None), min(highs, default=None))


def test_a_99th_percentile_has_both_bounds_from_368_answers_on():
    assert ranks.rank_interval(367, 0.99)[1] is None
    assert ranks.rank_interval(368, 0.99) == (360, 368)


@given(st.integers(0, 40))
def test_the_interval_of_a_count_is_exact(n):
    def at_most(k, rate):
        return sum(rate**i * exp(-rate) / factorial(i) for i in range(k + 1))

    low, high = ranks.count_interval(n)
    assert at_most(n, high) == pytest.approx(0.025, rel=1e-6)
    assert low == 0 if n == 0 else 1 - at_most(n - 1, low) == pytest.approx(0.025, rel=1e-6)
