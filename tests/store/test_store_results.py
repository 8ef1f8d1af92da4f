"""Recording: what a run found comes back, and what stands follows from it."""

from __future__ import annotations

import pytest

from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Judged, Standing
from opsctl.store.latest import standings
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify

RUN = Run(100, 101.5, "web-1", "tier:critical")


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened:
        yield opened


def test_a_failure_comes_back_as_it_was_recorded(store, result, last_results):
    found = result("api/health", 1_760_000_000.123, "d")
    record(store, RUN, [found], {"api/health": Rules(1, 1, 60)}, lambda _: 1)
    assert last_results(store, ["api/health", "never/seen"]) == {"api/health": found}
    assert standings(store) == {
        "api/health": Standing(
            State.DOWN,
            1_760_000_000.123,
            State.DOWN,
            1_760_000_000.123,
            1,
            Cause.STATUS,
            "status == 200 (found 502)",
        )
    }


def test_the_answer_is_what_is_read_back(store, result):
    rules = {"a/b": Rules(2, 1, 60), "c/d": Rules(1, 1, 60), "e/f": Rules(1, 1, 60)}
    for at, states in ((100.0004, "uud"), (130.0006, "d?u")):
        found = [
            result(name, at, state, message="ends in half a pair \ud800")
            for name, state in zip(rules, states, strict=True)
        ]
        answer = record(store, RUN, found, rules, lambda _: 0)
    assert answer == standings(store)
    assert {name: (each.state, each.since, each.message) for name, each in answer.items()} == {
        "a/b": (State.DEGRADED, 130.001, "ends in half a pair \\ud800"),
        "c/d": (State.UNKNOWN, 130.001, "ends in half a pair \\ud800"),
        "e/f": (State.UP, 130.001, "ends in half a pair \\ud800"),
    }


def test_evidence_is_kept_for_what_is_not_up_and_for_the_first_good_result_after(store, keep, last_results):
    kept = []
    for at, state in enumerate("uugg?duuu"):
        keep(store, "a", (at, state))
        kept.append(last_results(store, ["a"])["a"].judged != ())
    assert kept == [False, False, True, True, True, True, True, False, False]


def test_evidence_of_any_kind_comes_back(store, result, last_results):
    found = result("a", 1, "d")._replace(
        judged=(Judged('json.x == "é"', None, "\ud800\x00", True),),
        evidence={"body": "\x00\x1b[31m", "n": 1.5, "list": [1, None, {"a": True}]},
        phases={},
        latency=None,
        attempts=3,
    )
    record(store, RUN, [found], {"a": Rules(1, 1, 60)}, lambda _: 1)
    assert last_results(store, ["a"]) == {"a": found}


def test_a_run_is_kept_with_the_exit_code_that_follows_from_what_stands(store, result):
    asked = []

    def exit_code(known):
        asked.append({name: each.state for name, each in known.items()})
        return 3

    rules = {"a": Rules(1, 1, 60), "b": Rules(1, 1, 60)}
    record(store, RUN, [result("a", 100, "u"), result("b", 101, "?")], rules, exit_code)
    assert asked == [{"a": State.UP, "b": State.UNKNOWN}]
    assert store.db.execute(
        "SELECT started, finished, host, selector, exit_code, earliest, latest FROM runs"
    ).fetchall() == [(100_000, 101_500, "web-1", "tier:critical", 3, 100_000, 101_000)]


def test_a_run_that_fails_while_it_is_recorded_leaves_nothing(store, result):
    with pytest.raises(ZeroDivisionError):
        record(store, RUN, [result("a", 100, "u")], {"a": Rules(1, 1, 60)}, lambda _: 1 // 0)
    assert standings(store) == {}
    assert store.db.execute("SELECT count(*) FROM checks").fetchone() == (0,)


def test_two_results_of_one_check_in_a_run_are_refused(store, result):
    with pytest.raises(ValueError, match="one result per check"):
        record(store, RUN, [result("a", 1, "u"), result("a", 2, "d")], {"a": Rules(1, 1, 60)}, lambda _: 0)


def test_what_was_not_up_last_is_listed_even_where_it_does_not_count_yet(store, keep):
    keep(store, "fine", (0, "u"))
    keep(store, "warned", (0, "g"))
    keep(store, "broken", (0, "d"))
    keep(store, "blinking", (0, "u"), (1, "d"), rules=Rules(2, 1, 60))
    keep(store, "recovering", (0, "d"), (1, "u"), rules=Rules(1, 2, 60))
    assert standings(store)["recovering"].state is State.DOWN
    assert [name for name, one in standings(store).items() if one.seen is not State.UP] == [
        "blinking",
        "broken",
        "warned",
    ]


def test_rules_that_change_between_runs_count_from_then_on(path, keep):
    with open_store(path, write=True) as store:
        assert keep(store, "a", (0, "u"), (10, "d"), (20, "d"), rules=Rules(5, 1, 60)).state is State.DEGRADED
        assert keep(store, "a", (30, "d"), rules=Rules(2, 1, 60))[:2] == (State.DOWN, 10)
    assert verify(path) == []


def test_a_thousand_checks_share_a_run(path, result, last_results):
    names = [f"service-{number}/check" for number in range(1000)]
    rules = dict.fromkeys(names, Rules(1, 1, 60))
    with open_store(path, write=True) as store:
        for at in (0, 30):
            found = [result(name, at, "dug?"[(number + at) % 4]) for number, name in enumerate(names)]
            answer = record(store, RUN, found, rules, lambda _: 0)
        assert standings(store) == dict(sorted(answer.items()))
        assert last_results(store, names) == {each.check: each for each in found}
    assert verify(path) == []
