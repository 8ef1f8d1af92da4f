"""What was known at a time: records by their events, checks by their results, against slow obvious oracles."""

import pytest
from decisions import command, one
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsctl.outcome import State
from opsctl.store.as_of import Seen, records_at, seen_at
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store

pytestmark = pytest.mark.usefixtures("no_power_cut")
FOREVER = float("inf")
SHORT = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN, "?": State.UNKNOWN}


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened:
        yield opened


def reviewed(store, subject, path, now, at=None):
    with command(store, now) as ledger:
        ledger.append(
            "document.reviewed", subject, {"path": path, "sha256": "0" * 64, "by": "a", "note": ""}, at
        )


def known(store, *times):
    return [
        {one.path: one.at for one in found["DOC"].values()} for found in records_at(store.db, ("DOC",), times)
    ]


def test_a_record_is_known_from_when_it_was_recorded_on(store):
    reviewed(store, "DOC-1", "a.md", 100)
    reviewed(store, "DOC-2", "b.md", 200, at=50)
    reviewed(store, "DOC-1", "a.md", 300)
    assert known(store, 99.9, 100, 199, 200, 300, FOREVER) == [
        {},
        {"a.md": 100},
        {"a.md": 100},
        {"a.md": 100, "b.md": 50},
        {"a.md": 300, "b.md": 50},
        {"a.md": 300, "b.md": 50},
    ]
    assert known(store) == []


def test_a_clock_that_was_put_back_makes_nothing_known_earlier(store):
    reviewed(store, "DOC-1", "a.md", 200)
    reviewed(store, "DOC-1", "a.md", 100)
    assert known(store, 150, 200) == [{}, {"a.md": 100}]


def test_only_the_kinds_that_are_asked_for_are_read(store):
    one(store, "item.added", None, {"title": "a"})
    reviewed(store, "DOC-1", "a.md", 100)
    (found,) = records_at(store.db, ("OPS",), [FOREVER])
    assert (list(found), list(found["OPS"])) == (["OPS"], ["OPS-1"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50)), max_size=10),
    st.lists(st.integers(-1, 60), max_size=6).map(sorted),
)
def test_records_are_those_of_the_events_up_to_then(tmp_path_factory, reviews, times):
    with open_store(tmp_path_factory.mktemp("store") / "s" / "o.db", write=True) as store:
        for path, now in sorted(reviews, key=lambda one: one[1]):
            reviewed(store, f"DOC-{ord(path)}", path, now)
        expected = [
            {event.body["path"]: event.occurred for event in events(store.db) if event.recorded <= at}
            for at in times
        ]
        assert known(store, *times) == expected
        (found,) = records_at(store.db, ("DOC",), [FOREVER])
        assert sorted(found["DOC"].values(), key=lambda one: one.number) == records(store.db, "DOC")


def test_the_newest_result_of_a_check_is_known_with_its_number(store, keep):
    keep(store, "a", (0, "u"), (60, "d"))
    assert seen_at(store.db, FOREVER)["a"] == Seen(State.DOWN, 60.0, "status == 200 (found 502)", 2)
    assert seen_at(store.db, 60) == seen_at(store.db, FOREVER)
    assert seen_at(store.db, 59.9)["a"].state is State.UP
    assert seen_at(store.db, -1) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from("ugd?")), min_size=1, max_size=12),
    st.integers(-10, 2000),
)
def test_before_the_newest_result_what_counted_then_is_known(tmp_path_factory, keep, steps, at):
    with open_store(tmp_path_factory.mktemp("store") / "s" / "o.db", write=True) as store:
        now, seen = 0, []
        for pause, state in steps:
            now += pause
            seen.append((now, state))
        keep(store, "a", *seen)
        before = [one for one in seen if one[0] <= at]
        found = seen_at(store.db, at)
        if not before:
            assert found == {}
            return
        assert found["a"].state is SHORT[before[-1][1]]
        if found["a"].at is None:
            # Results of one state came so close to each other that one was at most a lapse ago.
            assert at - before[-1][0] <= 60
        else:
            assert found["a"].at == before[-1][0]
