"""When failures count: examples beside the rules, and the rules against a slow obvious oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.outages import settle, unproven
from opsctl.outcome import Cause, State
from opsctl.records import Result, Standing

UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN


def result(at: float, state: State, message: str = "") -> Result:
    cause = None if state.good else Cause.REFUSED
    return Result("api/health", at, state, cause, message, 0.1, 1, (), {}, {})


def settled(
    *seen: tuple[float, State], fail_after: int = 1, ok_after: int = 1, lapse: float = 60
) -> list[Standing]:
    standings: list[Standing] = []
    for at, state in seen:
        previous = standings[-1] if standings else None
        standings.append(
            settle(previous, result(at, state), fail_after=fail_after, ok_after=ok_after, lapse=lapse)
        )
    return standings


def brief(standing: Standing) -> tuple[State, float, int]:
    return standing.state, standing.since, standing.streak


def test_the_first_result_counts_whatever_it_is():
    assert settle(None, result(10, DOWN, "refused"), fail_after=3, ok_after=1, lapse=60) == Standing(
        DOWN, 10, DOWN, 10, 1, Cause.REFUSED, "refused"
    )
    assert settle(None, result(10, UP), fail_after=3, ok_after=3, lapse=60) == Standing(UP, 10, UP, 10, 1)


def test_a_failure_counts_when_enough_are_in_a_row_and_from_the_first_of_them():
    standings = settled((0, UP), (10, UP), (20, DOWN), (30, DOWN), (40, DOWN), (50, DOWN), fail_after=3)
    assert [brief(each) for each in standings] == [
        (UP, 0, 1),
        (UP, 0, 2),
        (DEGRADED, 20, 1),
        (DEGRADED, 20, 2),
        (DOWN, 20, 3),
        (DOWN, 20, 4),
    ]


def test_a_failure_that_does_not_count_yet_shows_its_cause_and_is_unproven():
    *_, pending = settled((0, UP), (10, DOWN), fail_after=2)
    assert (pending.cause, pending.seen) == (Cause.REFUSED, DOWN)
    assert unproven(pending)
    assert not unproven(settled((0, DEGRADED))[0])
    assert not unproven(settled((0, DOWN))[0])


def test_a_good_result_ends_a_streak_that_did_not_count():
    standings = settled((0, UP), (10, DOWN), (20, UP), (30, DOWN), fail_after=2)
    assert [brief(each) for each in standings] == [
        (UP, 0, 1),
        (DEGRADED, 10, 1),
        (UP, 20, 1),
        (DEGRADED, 30, 1),
    ]


def test_a_failure_after_a_stale_success_counts_at_once():
    assert brief(settled((0, UP), (60, DOWN), fail_after=3)[-1]) == (DEGRADED, 60, 1)
    assert brief(settled((0, UP), (60.001, DOWN), fail_after=3)[-1]) == (DOWN, 60.001, 1)


def test_an_age_of_exactly_the_lapse_is_fresh_in_spite_of_floats():
    begin = 1_760_000_000.003
    assert settled((begin, UP), (begin + 0.3, DOWN), fail_after=2, lapse=0.3)[-1].state is DEGRADED


def test_a_stale_success_does_not_say_since_when():
    assert brief(settled((0, UP), (10, UP), (100, UP))[-1]) == (UP, 100, 3)


def test_an_outage_ends_when_enough_good_results_are_in_a_row():
    standings = settled((0, DOWN), (10, UP), (20, DOWN), (30, UP), (40, DEGRADED), (50, UP), ok_after=2)
    assert [brief(each) for each in standings] == [
        (DOWN, 0, 1),
        (DOWN, 0, 1),
        (DOWN, 0, 1),
        (DOWN, 0, 1),
        (DEGRADED, 40, 2),
        (UP, 50, 3),
    ]


def test_an_outage_that_is_not_over_keeps_its_cause_while_results_are_good():
    standing = settle(
        Standing(DOWN, 5, DOWN, 10, 2, Cause.STATUS, "502"),
        result(20, UP),
        fail_after=1,
        ok_after=2,
        lapse=60,
    )
    assert standing == Standing(DOWN, 5, UP, 20, 1, Cause.STATUS, "502")


def test_a_check_that_is_rarer_than_its_lapse_still_recovers():
    assert settled((0, DOWN), (100, UP), (200, UP), ok_after=2, lapse=60)[-1].state is UP


def test_an_outage_goes_on_over_time_without_results():
    assert brief(settled((0, DOWN), (1000, DOWN))[-1]) == (DOWN, 0, 2)


def test_down_and_unknown_are_one_outage_whose_state_is_the_latest():
    standings = settled((0, UP), (10, DOWN), (20, UNKNOWN), (30, DOWN))
    assert [brief(each) for each in standings[1:]] == [(DOWN, 10, 1), (UNKNOWN, 10, 2), (DOWN, 10, 3)]


@pytest.mark.parametrize("state", list(State))
def test_a_clock_that_is_put_back_leaves_no_negative_age(state: State):
    for standing in settled((100, state), (90, state), (95, DOWN), (20, UP), (10, state), fail_after=2):
        assert standing.since <= standing.at


def test_a_failure_after_a_clock_was_put_back_beyond_the_lapse_counts_at_once():
    assert settled((10_000, UP), (9_950, DOWN), fail_after=2)[-1].state is DEGRADED
    assert brief(settled((10_000, UP), (100, DOWN), fail_after=2)[-1]) == (DOWN, 100, 1)


SEEN = st.lists(st.tuples(st.integers(0, 100), st.sampled_from(list(State))), min_size=1, max_size=30)
RULES = {
    "fail_after": st.integers(1, 4),
    "ok_after": st.integers(1, 4),
    "lapse": st.sampled_from([30, 60, 90]),
}


def streak(seen: list[tuple[float, State]], last: int) -> int:
    good = seen[last][1].good
    return next((last - at for at in range(last, -1, -1) if seen[at][1].good is not good), last + 1)


def oracle(
    seen: list[tuple[float, State]], last: int, fail_after: int, ok_after: int, lapse: float
) -> tuple[State, float, int]:
    """What counts after the result `last`, from the whole past: the last proof decides."""

    def stale(at: int) -> bool:
        return at == 0 or seen[at][0] - seen[at - 1][0] > lapse

    def proves_bad(at: int) -> bool:
        return not seen[at][1].good and (stale(at) or streak(seen, at) >= fail_after)

    def proves_good(at: int) -> bool:
        return seen[at][1].good and (at == 0 or streak(seen, at) >= ok_after)

    bad = [at for at in range(last + 1) if proves_bad(at)]
    recovered = [at for at in range(last + 1) if proves_good(at)]
    now = streak(seen, last)
    if bad and (not recovered or bad[-1] > recovered[-1]):
        proof = next(at for at in bad if not recovered or at > recovered[-1])
        state = next(seen[at][1] for at in range(last, -1, -1) if not seen[at][1].good)
        return state, seen[proof - streak(seen, proof) + 1][0], now
    if not seen[last][1].good:
        return DEGRADED, seen[last - now + 1][0], now
    first = last
    # A streak that did not count is where being degraded began anew.
    while not stale(first) and not (first_of_streak(seen, first) and not seen[first][1].good):
        if good_state(seen, first - 1, bad, recovered) is not seen[last][1]:
            break
        first -= 1
    return seen[last][1], seen[first][0], now


def first_of_streak(seen: list[tuple[float, State]], at: int) -> bool:
    return streak(seen, at) == 1


def good_state(
    seen: list[tuple[float, State]], at: int, bad: list[int], recovered: list[int]
) -> State | None:
    """The state that counted after the result `at` where that was a good one."""
    proofs = [each for each in bad if each <= at]
    ends = [each for each in recovered if each <= at]
    if proofs and (not ends or proofs[-1] > ends[-1]):
        return None
    return seen[at][1] if seen[at][1].good else DEGRADED


@given(gaps=SEEN, **RULES)
def test_what_stands_is_what_the_whole_past_says(
    gaps: list[tuple[int, State]], fail_after: int, ok_after: int, lapse: float
):
    seen, now = [], 0
    for gap, state in gaps:
        now += gap
        seen.append((float(now), state))
    for last, standing in enumerate(settled(*seen, fail_after=fail_after, ok_after=ok_after, lapse=lapse)):
        assert brief(standing) == oracle(seen, last, fail_after, ok_after, lapse)
        assert (standing.at, standing.seen) == seen[last]


@given(
    seen=st.lists(st.tuples(st.integers(-200, 200), st.sampled_from(list(State))), min_size=1, max_size=30),
    **RULES,
)
def test_nothing_is_green_after_a_bad_result_whatever_the_clock_does(
    seen: list[tuple[int, State]], fail_after: int, ok_after: int, lapse: float
):
    outage = False
    for (at, state), standing in zip(
        seen, settled(*seen, fail_after=fail_after, ok_after=ok_after, lapse=lapse), strict=True
    ):
        assert standing.since <= standing.at == at
        if not state.good:
            assert standing.state is not UP
        if outage and standing.state.good:
            assert state.good
            assert standing.streak >= ok_after
        outage = not standing.state.good
