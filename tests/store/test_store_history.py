"""History: exact figures on small days, and the spans against a slow obvious oracle."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.outages import Rules, settle
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store import tallies
from opsctl.store.history import Bucket, Outage, availability, outages
from opsctl.store.latencies import EXACT, ROUNDED
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify

UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN
pytestmark = pytest.mark.usefixtures("no_power_cut")
EXAMPLES = 500 if os.environ.get("OPSCTL_LONG") else 40
WHY = (Cause.STATUS, "status == 200 (found 502)")


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened:
        yield opened


def spent(store, since, until, name="a"):
    (found,) = availability(store, [name], since, until)
    return found.up, found.degraded, found.down, found.unknown, found.no_data


def test_each_state_lasts_until_the_next_result(store, keep):
    keep(store, "a", (0, "u"), (60, "g"), (90, "d"), (120, "?"), (130, "u"), (190, "u"))
    (found,) = availability(store, None, 0, 200)
    # up 0..60 and 130..190, degraded 60..90, down 90..120, unknown 120..130, nothing after 190
    assert found[:6] == ("a", 120, 30, 30, 10, 10)
    assert found.ratio == pytest.approx(150 / 180)
    assert found.results == {UP: 3, DEGRADED: 1, UNKNOWN: 1, DOWN: 1}


def test_a_window_cuts_what_reaches_over_its_edges(store, keep):
    keep(store, "a", (0, "u"), (60, "d"), (120, "u"))
    assert spent(store, 30, 100) == (30, 0, 40, 0, 0)
    assert spent(store, -50, 20) == (20, 0, 0, 0, 50)
    assert spent(store, 500, 600) == (0, 0, 0, 0, 100)


def test_results_too_far_apart_leave_no_data_between_them(store, keep):
    keep(store, "a", (0, "u"), (60, "u"), (120.001, "u"), (150, "d"), (300, "d"))
    # lapse is 60: nothing is known of 60..120.001 and of 150..300
    assert spent(store, 0, 300) == (60 + 29.999, 0, 0, 0, 60.001 + 150)


def test_a_failure_that_did_not_count_is_degraded_time(store, keep):
    keep(store, "a", (0, "u"), (10, "d"), (20, "u"), (30, "u"), rules=Rules(2, 1, 60))
    assert spent(store, 0, 30) == (20, 10, 0, 0, 0)
    assert outages(store, None, 0, 30) == []


def test_an_outage_counts_from_its_first_failure_once_it_is_one(store, keep):
    rules = Rules(3, 1, 60)
    keep(store, "a", (0, "u"), (10, "d"), (20, "?"), rules=rules)
    assert spent(store, 0, 20) == (10, 10, 0, 0, 0)
    keep(store, "a", (30, "d"), (40, "d"), (50, "u"), (60, "u"), rules=rules)
    assert spent(store, 0, 60) == (20, 0, 30, 10, 0)
    assert outages(store, None, 0, 60) == [Outage("a", 10, 50, DOWN, *WHY, 4)]


def test_an_outage_lasts_until_enough_good_results(store, keep):
    keep(store, "a", (0, "d"), (10, "u"), (20, "u"), (30, "u"), rules=Rules(1, 2, 60))
    assert spent(store, 0, 30) == (10, 0, 20, 0, 0)
    assert outages(store, None, 0, 30) == [Outage("a", 0, 20, DOWN, *WHY, 2)]


def test_an_outage_goes_on_over_no_data_and_is_known_only_in_part(store, keep):
    keep(store, "a", (0, "d"), (10, "d"), (1000, "d"), (1010, "u"))
    assert outages(store, ["a"], 0, 2000) == [Outage("a", 0, 1010, DOWN, *WHY, 3)]
    assert spent(store, 0, 1010) == (0, 0, 20, 0, 990)


def test_an_outage_has_its_true_start_and_end_beyond_the_window(store, keep):
    keep(store, "a", (0, "u"), (10, "d"), (50, "?"), (90, "d"), (130, "u"), (140, "d"))
    assert outages(store, None, 60, 70) == [Outage("a", 10, 130, DOWN, *WHY, 3)]
    assert outages(store, None, 130, 140) == []
    assert outages(store, None, 135, 150) == [Outage("a", 140, None, DOWN, *WHY, 1)]
    assert outages(store, ["b"], 0, 150) == []


def test_outages_come_by_check_and_time(store, keep):
    keep(store, "b", (0, "d"), (10, "u"), (20, "?"), (30, "u"))
    keep(store, "a", (5, "d"))
    found = [(each.check, each.started, each.state) for each in outages(store, None, 0, 60)]
    assert found == [("a", 5, DOWN), ("b", 0, DOWN), ("b", 20, UNKNOWN)]
    assert [each.check for each in outages(store, ["b"], 0, 60)] == ["b", "b"]


def test_nothing_known_is_no_availability_at_all(store, keep):
    keep(store, "a", (0, "?"), (50, "?"))
    unknown, never = availability(store, ["a", "never/seen"], 0, 100, buckets=2)
    assert (unknown.unknown, unknown.no_data, unknown.ratio) == (50, 50, None)
    assert never == ("never/seen", 0, 0, 0, 0, 100, dict.fromkeys(State, 0), None, (Bucket(None, None),) * 2)
    assert never.ratio is None


def test_checks_come_in_the_order_they_were_asked_for(store, keep):
    for name in "cab":
        keep(store, name, (0, "u"))
    assert [each.check for each in availability(store, ["b", "x", "a"], 0, 1)] == ["b", "x", "a"]
    assert [each.check for each in availability(store, None, 0, 1)] == ["a", "b", "c"]


def test_a_window_that_does_not_end_after_it_begins_is_refused(store):
    with pytest.raises(ValueError, match="ends after it begins"):
        availability(store, None, 5, 5)


def test_the_course_shows_the_worst_that_was_seen_and_the_mean_latency(store, keep):
    keep(store, "a", (0, "u"), (9, "d"), latency=0.1)
    keep(store, "a", (5, "u"), (19.999, "g"), latency=0.3)
    keep(store, "a", (30, "?"), latency=None)
    keep(store, "a", (39.999, "u"), (40, "d"), latency=0.2)
    (found,) = availability(store, ["a"], 0, 40, buckets=4)
    assert found.buckets == (
        Bucket(DOWN, pytest.approx((0.1 + 0.1 + 0.3) / 3)),
        Bucket(DEGRADED, pytest.approx(0.3)),
        Bucket(None, None),
        Bucket(UNKNOWN, pytest.approx(0.2)),
    )
    assert found.latencies.method == EXACT
    assert found.latencies.answers == 5


HOUR = 3600
DAY = [
    # hour, state, latency
    (0.5, "u", 0.1),
    (1.5, "d", 0.2),
    (1.6, "u", 0.4),
    (3.5, "g", None),
    (4.9, "?", 0.3),
]


@pytest.fixture
def rolled_up(store, keep, monkeypatch):
    for hour, state, latency in DAY:
        keep(store, "a", (hour * HOUR, state), latency=latency)
    monkeypatch.setattr(tallies, "_FEW", len(DAY) - 1)
    return store


def test_many_results_are_answered_from_the_hours(rolled_up):
    (found,) = availability(rolled_up, ["a"], 0, 5 * HOUR, buckets=5)
    assert found.results == {UP: 2, DEGRADED: 1, UNKNOWN: 1, DOWN: 1}
    assert found.latencies.method == ROUNDED
    assert found.latencies.answers == 4
    assert found.latencies.mean == pytest.approx(0.25)
    assert found.latencies[2:7] == pytest.approx([0.1, 0.4, 0.2, 0.4, 0.4], rel=0.004)
    assert found.buckets == (
        Bucket(UP, pytest.approx(0.1)),
        Bucket(DOWN, pytest.approx(0.3)),
        Bucket(None, None),
        Bucket(DEGRADED, None),
        Bucket(UNKNOWN, pytest.approx(0.3)),
    )


def test_no_more_buckets_than_hours_are_shown(rolled_up):
    known, never = availability(rolled_up, ["a", "never/seen"], 0.5 * HOUR, 4.95 * HOUR, buckets=40)
    assert [bucket.state for bucket in known.buckets] == [UP, DOWN, None, DEGRADED, UNKNOWN]
    assert never.buckets == (Bucket(None, None),) * 5


def test_buckets_longer_than_hours_show_the_worst_hour(rolled_up):
    (found,) = availability(rolled_up, ["a"], 0.25 * HOUR, 5 * HOUR, buckets=2)
    # hours 0 to 2, and 3 and 4
    assert found.buckets == (Bucket(DOWN, pytest.approx(0.7 / 3)), Bucket(UNKNOWN, pytest.approx(0.3)))


def test_few_results_of_a_window_are_read_though_the_store_has_many(rolled_up):
    (found,) = availability(rolled_up, ["a"], 1 * HOUR, 5 * HOUR)
    assert (found.latencies.method, found.latencies.answers) == (EXACT, 3)


NAMES = ("a", "b")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(-90, 150),
        st.sampled_from(list(State)),
        st.sampled_from([Rules(1, 1, 60), Rules(2, 2, 60), Rules(3, 1, 100)]),
    ),
    min_size=1,
    max_size=25,
)


def labels(steps):
    """For each result of a check its time and the state that counted from it on, known afterwards.

    A bad result that did not count at the time is degraded, unless the streak that it belongs to
    made an outage later.
    """
    found, standing = [], None
    for at, state, rules in steps:
        seen = Result("", at, state, None, "", None, 1, (), {}, {})
        before, standing = standing, settle(standing, seen, **rules._asdict())
        if before and before.state.good and not standing.state.good:
            streak = standing.streak
            for place in range(len(found) - streak + 1, len(found)):
                found[place] = (found[place][0], steps[place][1])
        found.append((at, standing.state))
    return found


def stretches(steps):
    """The times that are known, as (begin, end, state), where no clock is ever put back."""
    known = labels(steps)
    for (here, there), step in zip(pairwise(known), steps[1:], strict=True):
        if there[0] - here[0] <= step[2].lapse:
            yield here[0], there[0], here[1]


def overlap(stretch, since, until):
    return max(0, min(stretch[1], until) - max(stretch[0], since))


def recorded(path, steps):
    with open_store(path, write=True) as store:
        for name, at, state, rules in steps:
            found = Result(name, at, state, None, "", None, 1, (), {}, {})
            record(store, Run(at, at, "", ""), [found], {name: rules}, lambda _: 0)


@settings(max_examples=EXAMPLES, deadline=None)
@given(gaps=STEPS, window=st.tuples(st.integers(0, 2000), st.integers(1, 2000)))
def test_the_spans_give_what_the_raw_results_give(tmp_path_factory, gaps, window):
    now, steps = 0, []
    for name, gap, state, rules in gaps:
        now += abs(gap)
        steps.append((name, now, state, rules))
    path = tmp_path_factory.mktemp("history") / "opsctl.db"
    recorded(path, steps)
    since, until = window[0], sum(window)
    with open_store(path, write=False) as store:
        for found in availability(store, NAMES, since, until):
            known = list(stretches([step[1:] for step in steps if step[0] == found.check]))
            by_state = {
                state: sum(overlap(each, since, until) for each in known if each[2] is state)
                for state in State
            }
            assert {
                UP: found.up,
                DEGRADED: found.degraded,
                DOWN: found.down,
                UNKNOWN: found.unknown,
            } == by_state
            assert found.no_data == until - since - sum(by_state.values())
            seen = [s[2] for s in steps if s[0] == found.check and since <= s[1] < until]
            assert found.results == {state: seen.count(state) for state in State}
        for name in NAMES:
            known = labels([step[1:] for step in steps if step[0] == name])
            assert [each[1:3] for each in outages(store, [name], -1, 10**6)] == bad_stretches(known)
    assert verify(path) == []


def bad_stretches(known):
    """Where the state that counted was bad, as (begin, end)."""
    found, begin = [], None
    for at, state in known:
        if begin is None and not state.good:
            begin = at
        elif begin is not None and state.good:
            found.append((begin, at))
            begin = None
    return found if begin is None else [*found, (begin, None)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(gaps=STEPS)
def test_a_clock_that_jumps_back_and_forth_never_spoils_the_figures(tmp_path_factory, gaps):
    now, steps = 1000, []
    for name, gap, state, rules in gaps:
        now += gap
        steps.append((name, now, state, rules))
    path = tmp_path_factory.mktemp("clock") / "opsctl.db"
    recorded(path, steps)
    with open_store(path, write=False) as store:
        for found in availability(store, NAMES, -5000, 10_000):
            times = [step[1] for step in steps if step[0] == found.check]
            assert sum(found[1:6]) == 15_000
            assert min(found[1:6]) >= 0
            assert 15_000 - found.no_data <= max(times, default=0) - min(times, default=0)
            assert sum(found.results.values()) == len(times)
        for outage in outages(store, None, -5000, 10_000):
            assert outage.ended is None or outage.ended >= outage.started
        (bad,) = store.db.execute("SELECT count(*) FROM spans WHERE ended < started").fetchone()
        assert bad == 0
    assert verify(path) == []


def test_a_result_that_comes_late_from_another_run_moves_no_span(store, keep):
    keep(store, "a", (0, "u"), (30, "u"), (20, "d"), (40, "d"), (50, "u"), (60, "u"))
    assert spent(store, 0, 60) == (40, 0, 20, 0, 0)
    assert outages(store, None, 0, 60) == [Outage("a", 30, 50, DOWN, *WHY, 2)]


def test_a_time_that_a_clock_went_through_twice_counts_once(store, keep):
    keep(store, "a", (0, "u"), (60, "u"), (120, "u"), (50, "u"), (90, "u"), (130, "u"))
    assert spent(store, 0, 130) == (130, 0, 0, 0, 0)


def test_a_clock_that_was_in_the_future_once_does_not_stop_the_count(store, keep):
    keep(store, "a", (0, "u"), (30, "u"), (10_000, "u"), (10_020, "d"), (60, "d"), (90, "u"), (120, "u"))
    assert spent(store, 0, 200) == (60, 0, 30, 0, 110)
