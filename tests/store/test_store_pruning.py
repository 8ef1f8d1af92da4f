"""Pruning: passes go first, failures later, roll-ups last, and the store still verifies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.maintaining import Maintained
from opsctl.outages import Rules
from opsctl.outcome import State
from opsctl.place_lines import PlaceResult
from opsctl.records import Result
from opsctl.store.beats import beat, heartbeat
from opsctl.store.history import availability, outages
from opsctl.store.latest import standings
from opsctl.store.maintained import maintained, note
from opsctl.store.opening import open_store
from opsctl.store.place_results import add, latest
from opsctl.store.pruning import Pruned, prune
from opsctl.store.results import Run, record
from opsctl.store.upkeep import export
from opsctl.store.verifying import verify

pytestmark = pytest.mark.usefixtures("no_power_cut")
DAY = 86_400
RULES = Rules(1, 1, 2 * DAY)


@pytest.fixture
def store(path, keep):
    """A check with a result a day from day 0 to day 9; it was down on days 2 and 7."""
    with open_store(path, write=True) as opened:
        for day, state in enumerate("uuduuuuduu"):
            keep(opened, "a", (day * DAY, state), rules=RULES)
        yield opened


def days(store):
    return [(each["at"] / DAY, each["state"]) for each in export(store)]


def test_failures_and_recoveries_live_longer_than_passes(store):
    counts = prune(store, 10 * DAY, keep_passes=4 * DAY, keep_failures=9 * DAY, keep_rollups=100 * DAY)
    assert days(store) == [(2, "down"), (3, "up"), (6, "up"), (7, "down"), (8, "up"), (9, "up")]
    assert counts == Pruned(
        passes=4, failures=0, runs=4, hours=0, spans=0, beats=0, checks=0, maintained=0, place_results=0
    )
    counts = prune(store, 12.5 * DAY, keep_passes=1 * DAY, keep_failures=9 * DAY, keep_rollups=100 * DAY)
    assert days(store) == [(7, "down"), (8, "up"), (9, "up")]
    assert counts == Pruned(
        passes=1, failures=2, runs=3, hours=0, spans=0, beats=0, checks=0, maintained=0, place_results=0
    )
    assert verify(store.path) == []


def test_availability_and_outages_outlive_the_results(store):
    before = availability(store, None, 0, 9 * DAY)[0][:6], outages(store, None, 0, 9 * DAY)
    prune(store, 10 * DAY, keep_passes=0, keep_failures=0, keep_rollups=100 * DAY)
    assert days(store) == [(9, "up")]
    assert (availability(store, None, 0, 9 * DAY)[0][:6], outages(store, None, 0, 9 * DAY)) == before


def test_counts_come_from_the_roll_up_where_results_were_pruned(store):
    def counted(since):
        (found,) = availability(store, None, since, 10 * DAY)
        return found.results[State.UP], found.results[State.DOWN], found.latencies.method

    assert counted(0) == (8, 2, "exact")
    prune(store, 10 * DAY, keep_passes=4 * DAY, keep_failures=4 * DAY, keep_rollups=100 * DAY)
    assert counted(0) == (8, 2, "within 0.4 %")
    assert counted(6 * DAY) == (3, 1, "exact")
    prune(store, 10 * DAY, keep_passes=9 * DAY, keep_failures=9 * DAY, keep_rollups=100 * DAY)
    assert counted(2 * DAY) == (6, 2, "within 0.4 %")


def test_roll_ups_live_longest_and_go_too(store):
    counts = prune(store, 10 * DAY, keep_passes=4 * DAY, keep_failures=4 * DAY, keep_rollups=5 * DAY)
    # hours of days 0 to 4; the spans of days 0 to 2 and of 2 to 3 ended before day 5
    assert (counts.hours, counts.spans) == (5, 2)
    (found,) = availability(store, None, 0, 10 * DAY)
    assert (found.up, found.down, found.no_data) == (5 * DAY, DAY, 4 * DAY)
    assert verify(store.path) == []


def test_the_shortest_time_of_failures_and_roll_ups_is_that_of_passes(store):
    prune(store, 10 * DAY, keep_passes=5 * DAY, keep_failures=DAY, keep_rollups=0)
    assert days(store) == [(day, "down" if day == 7 else "up") for day in (5, 6, 7, 8, 9)]
    assert verify(store.path) == []


def test_the_latest_result_stays_however_old_it_is(store, last_results):
    prune(store, 99 * DAY, keep_passes=0, keep_failures=0, keep_rollups=100 * DAY)
    assert list(last_results(store, ["a"])) == ["a"]
    assert standings(store)["a"].streak == 2
    assert verify(store.path) == []


def test_a_check_older_than_the_roll_ups_is_forgotten_and_numbers_are_not_used_again(store, keep):
    beat(store, "job", "ok", 0, "")
    counts = prune(store, 200 * DAY, keep_passes=DAY, keep_failures=DAY, keep_rollups=100 * DAY)
    assert (counts.checks, counts.beats) == (1, 1)
    assert (days(store), standings(store), list(outages(store, None, 0, 300 * DAY))) == ([], {}, [])
    assert heartbeat(store, "job").succeeded == 0
    keep(store, "a", (200 * DAY, "u"))
    assert [each["id"] for each in export(store)] == [11]
    assert verify(store.path) == []


def test_maintenance_is_forgotten_with_the_roll_ups_and_keeps_no_check(store):
    for window, until in (("night", 3 * DAY), ("move", 12 * DAY)):
        note(store.db, [Maintained("a", window, "", DAY, until)])
    assert prune(store, 10 * DAY, keep_passes=0, keep_failures=0, keep_rollups=7 * DAY).maintained == 0
    assert prune(store, 10.1 * DAY, keep_passes=0, keep_failures=0, keep_rollups=7 * DAY).maintained == 1
    assert maintained(store.db, ["a"], 0, 99 * DAY * 1000) == {"a": [(DAY * 1000, 12 * DAY * 1000)]}
    counts = prune(store, 200 * DAY, keep_passes=DAY, keep_failures=DAY, keep_rollups=100 * DAY)
    assert counts.checks == 1
    assert verify(store.path) == []


def test_results_of_other_places_live_as_long_as_passes(store):
    seen = [PlaceResult("rome", "a", day * DAY, State.DOWN, None, None, "") for day in (5, 6, 7)]
    add(store.db, seen)
    counts = prune(store, 10 * DAY, keep_passes=4 * DAY, keep_failures=90 * DAY, keep_rollups=100 * DAY)
    assert counts.place_results == 1
    assert [one.at for one in latest(store.db, ["a"], 6 * DAY)] == [6 * DAY]
    assert prune(store, 11 * DAY, keep_passes=4 * DAY, keep_failures=0, keep_rollups=0).place_results == 1


def test_the_shape_of_what_was_seen_goes_with_the_last_result_that_has_it(path, result):
    rules = {"a": RULES}
    with open_store(path, write=True) as store:
        for day, seen in enumerate(({"size": 1}, {"size": 2}, {"age": 3.0})):
            found = [result("a", day * DAY, "u")._replace(seen=seen)]
            record(store, Run(day, day, "", ""), found, rules, lambda _: 0)
        found = "SELECT subjects FROM shapes ORDER BY id"
        for kept, left in ((1.5, ['["size"]', '["age"]']), (0.5, ['["age"]'])):
            prune(store, 2.4 * DAY, keep_passes=kept * DAY, keep_failures=kept * DAY, keep_rollups=99 * DAY)
            assert [one for (one,) in store.db.execute(found)] == left
    assert verify(path) == []


def test_pruning_that_fails_deletes_nothing(store):
    before = days(store)
    store.db.execute("CREATE TEMP TRIGGER t BEFORE DELETE ON runs BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        prune(store, 10 * DAY, keep_passes=0, keep_failures=0, keep_rollups=0)
    assert days(store) == before


def test_compacting_gives_the_room_back(path, result):
    with open_store(path, write=True) as store:
        for at in range(100):
            found = [result(f"c{number}", at, "d", message="x" * 500) for number in range(50)]
            rules = {each.check: RULES for each in found}
            record(store, Run(at, at, "", ""), found, rules, lambda _: 1)
        before = path.stat().st_size
        prune(store, 1000, keep_passes=0, keep_failures=0, keep_rollups=5000, compact=True)
    assert path.stat().st_size < before / 8
    assert verify(path) == []


STEP = st.tuples(
    st.sampled_from("ab"),
    st.integers(-40, 100),
    st.sampled_from(list(State)),
    st.sampled_from([Rules(1, 1, 60), Rules(3, 2, 60)]),
)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.tuples(st.lists(STEP, max_size=8), st.integers(0, 300)), min_size=1, max_size=5))
def test_a_store_that_is_pruned_now_and_then_goes_on_as_one_that_is_not(tmp_path_factory, parts):
    folder, now = tmp_path_factory.mktemp("pruned"), 100_000
    with (
        open_store(folder / "pruned.db", write=True) as pruned,
        open_store(folder / "whole.db", write=True) as whole,
    ):
        for steps, keep_passes in parts:
            for name, gap, state, rules in steps:
                now += gap
                found = Result(name, now, state, None, "", None, 1, (), {}, {})
                for store in (pruned, whole):
                    record(store, Run(now, now, "", ""), [found], {name: rules}, lambda _: 0)
            prune(pruned, now, keep_passes=keep_passes, keep_failures=400, keep_rollups=10**6)
            assert verify(pruned.path) == []
        assert standings(pruned) == standings(whole)
        assert outages(pruned, None, 0, 10**6) == outages(whole, None, 0, 10**6)
        spans = "SELECT check_id, state, pending, started, ended, results FROM spans ORDER BY id"
        assert pruned.db.execute(spans).fetchall() == whole.db.execute(spans).fetchall()
