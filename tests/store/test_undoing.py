"""An undo takes back a whole command: what it restores, and what it refuses."""

from __future__ import annotations

import pytest
from decisions import command, documents, one, opened

from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.events import UNDONE, Actor
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.undoing import last_command, plan, undo
from opsctl.store.verifying import verify

pytestmark = pytest.mark.usefixtures("no_power_cut")


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened_store:
        yield opened_store
    assert verify(path) == []


def undone(store, number, **more):
    with command(store, **more) as ledger:
        return undo(ledger, number)[0].command


def refused(store, number, words):
    before = documents(store)
    with pytest.raises(RefusedError) as caught:
        plan(store.db, number)
    assert str(caught.value) == words
    with pytest.raises(RefusedError):
        undone(store, number)
    assert documents(store) == before


def test_an_undo_takes_back_a_whole_command_and_restores_exactly_what_was(store):
    opened(store)
    opened(store)
    before = documents(store)
    with command(store) as ledger:
        ledger.append("incident.merged", "INC-2", {"into": "INC-1"})
        ledger.append("incident.absorbed", "INC-1", {"other": "INC-2", "services": ["db"]})
        ledger.append("item.added", ledger.name("OPS"), {"title": "Alert", "source": "INC-1"})
    after = documents(store)
    planned = plan(store.db, 3)
    assert documents(store) == after
    assert undone(store, 3) == 6
    assert documents(store) == before
    assert [event.id for event in planned.events] == [3, 4, 5]
    assert planned.restored == ()
    assert [(one.subject, one.before and one.before.number, one.after and one.after.number) for one in planned.changes] == [
        ("INC-2", 2, 2), ("INC-1", 1, 1), ("OPS-1", 1, None),
    ]  # fmt: skip
    assert [event.command for event in events(store.db)] == [1, 2, 6]
    assert len(events(store.db, undone=True)) == 6


def test_an_undo_may_be_undone_and_so_may_that(store):
    opened(store)
    before = documents(store)
    one(store, "incident.acknowledged", "INC-1")
    after = documents(store)
    expected = [before, after]
    for number in range(2, 9):
        assert undone(store, number) == number + 1
        assert documents(store) == expected[number % 2]


def test_what_an_undo_of_an_undo_does_is_planned_in_full(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    undone(store, 2)
    again = plan(store.db, 3)
    assert [event.id for event in again.events] == [3]
    assert [event.id for event in again.restored] == [2]
    undone(store, 3)
    third = plan(store.db, 4)
    assert [event.id for event in third.events] == [2, 4]
    assert [event.id for event in third.restored] == [3]


def test_two_undos_of_one_command_both_have_to_go_before_it_is_back(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    assert [undone(store, number) for number in (2, 3, 2)] == [3, 4, 5]
    # 4 undid 3; without 4, both 3 and 5 undo 2.
    assert undone(store, 4) == 6
    assert undone(store, 5) == 7
    assert records(store.db, "INC")[0].state == "open"
    assert undone(store, 3) == 8
    assert records(store.db, "INC")[0].state == "acknowledged"


def test_what_does_not_exist_or_was_undone_cannot_be_undone(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    undone(store, 2)
    with pytest.raises(UsageError, match=r"^there is no command 9; `opsctl log` lists them$"):
        plan(store.db, 9)
    with pytest.raises(UsageError, match=r"^command 2 was undone already; `opsctl undo 3` brings it back$"):
        plan(store.db, 2)


def test_the_number_of_an_event_within_a_command_is_no_command(store):
    with command(store) as ledger:
        ledger.append("item.added", ledger.name("OPS"), {"title": "a"})
        ledger.append("item.noted", "OPS-1", {"text": "b"})
    with pytest.raises(UsageError, match="there is no command 2"):
        plan(store.db, 2)


def test_what_was_changed_since_is_refused_with_what_to_undo_first(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    one(store, "incident.mitigated", "INC-1")
    for number in (1, 2):
        refused(
            store,
            number,
            "INC-1 was changed since, by command 3 (incident.mitigated); undo that first: opsctl undo 3",
        )
    assert [undone(store, number) for number in (3, 2, 1)] == [4, 5, 6]
    assert documents(store) == {}


def test_a_later_remark_keeps_nothing_from_being_undone_but_the_beginning(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    one(store, "incident.noted", "INC-1", {"text": "hm"})
    refused(
        store, 1, "INC-1 was changed since, by command 3 (incident.noted); undo that first: opsctl undo 3"
    )
    undone(store, 2)
    refused(
        store, 1, "INC-1 was changed since, by command 3 (incident.noted); undo that first: opsctl undo 3"
    )
    assert records(store.db, "INC")[0].state == "open"


def test_a_remark_can_always_be_undone(store):
    opened(store)
    one(store, "incident.updated", "INC-1", {"text": "on it"}, at=2000)
    one(store, "incident.acknowledged", "INC-1")
    undone(store, 2)
    assert (records(store.db, "INC")[0].updated, records(store.db, "INC")[0].state) == (1000, "acknowledged")


def test_a_remark_does_not_come_back_without_what_it_is_about(store):
    opened(store)
    one(store, "incident.noted", "INC-1", {"text": "hm"})
    assert [undone(store, number) for number in (2, 1)] == [3, 4]
    refused(
        store,
        3,
        "INC-1 is no longer as it was before command 2: command 1 (incident.opened) was undone since, "
        "by command 4; undo that first: opsctl undo 4",
    )
    assert [undone(store, number) for number in (4, 3)] == [5, 6]
    assert len(events(store.db, ["INC-1"])) == 2


def test_a_remark_comes_back_to_an_incident_that_went_on(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    one(store, "incident.noted", "INC-1", {"text": "hm"})
    assert [undone(store, number) for number in (3, 2, 4)] == [4, 5, 6]
    assert [event.kind for event in events(store.db, ["INC-1"])] == ["incident.opened", "incident.noted"]


def test_what_comes_back_is_refused_where_what_it_was_decided_on_is_gone(store):
    opened(store)
    one(store, "incident.resolved", "INC-1")
    one(store, "incident.reopened", "INC-1")
    assert [undone(store, number) for number in (3, 2)] == [4, 5]
    refused(
        store,
        4,
        "INC-1 is no longer as it was before command 3: command 2 (incident.resolved) was undone since, "
        "by command 5; undo that first: opsctl undo 5",
    )


def test_what_comes_back_is_refused_where_something_else_is_there_now(store):
    opened(store)
    one(store, "incident.mitigated", "INC-1")
    undone(store, 2)
    one(store, "incident.acknowledged", "INC-1")
    undone(store, 4)
    undone(store, 3)
    refused(
        store,
        5,
        "INC-1 is no longer as it was before command 4: command 2 (incident.mitigated) was brought back since, "
        "by command 6; undo that first: opsctl undo 6",
    )


def test_what_comes_back_is_refused_where_somebody_went_another_way(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    undone(store, 2)
    one(store, "incident.resolved", "INC-1")
    refused(
        store, 3, "INC-1 was changed since, by command 4 (incident.resolved); undo that first: opsctl undo 4"
    )


def test_a_command_on_two_subjects_is_undone_on_both_or_on_none(store):
    opened(store)
    opened(store)
    with command(store) as ledger:
        ledger.append("incident.merged", "INC-2", {"into": "INC-1"})
        ledger.append("incident.absorbed", "INC-1", {"other": "INC-2", "services": []})
    one(store, "incident.acknowledged", "INC-1")
    refused(
        store,
        3,
        "INC-1 was changed since, by command 5 (incident.acknowledged); undo that first: opsctl undo 5",
    )


def test_what_others_name_cannot_be_taken_away(store):
    one(store, "iteration.added", None, {"title": "S", "starts": 0, "ends": 9, "capacity": 8, "share": 0.2})
    one(store, "item.added", None, {"title": "Alert"})
    one(store, "item.planned", "OPS-1", {"iteration": "ITR-1"})
    refused(store, 1, "OPS-1 names ITR-1, which would be gone; undo that first: opsctl undo 3")
    assert [undone(store, number) for number in (3, 1)] == [4, 5]
    refused(
        store,
        4,
        "OPS-1 would name ITR-1, which is not there any more; bring that back first: "
        "`opsctl log ITR-1 --undone` shows how it went",
    )


def test_a_text_that_says_a_name_is_no_use_of_it(store):
    opened(store)
    one(store, "item.added", None, {"title": "as INC-1 showed", "text": 'the "INC-1" of today'})
    undone(store, 1)
    assert list(documents(store)) == ["OPS-1"]


def test_an_incident_with_a_review_cannot_be_taken_away(store):
    opened(store)
    one(store, "review.started", "PIR-1", {"owner": None, "file": None})
    refused(store, 1, "PIR-1 names INC-1, which would be gone; undo that first: opsctl undo 2")


def test_a_review_may_begin_again_after_it_was_undone(store):
    opened(store)
    one(store, "review.started", "PIR-1", {"owner": "alice", "file": None})
    undone(store, 2)
    one(store, "review.started", "PIR-1", {"owner": "bob", "file": None})
    assert records(store.db, "PIR")[0].owner == "bob"
    refused(
        store, 3, "PIR-1 was changed since, by command 4 (review.started); undo that first: opsctl undo 4"
    )


def test_two_active_incidents_never_have_one_key(store):
    opened(store, key="api/health")
    undone(store, 1)
    assert opened(store, key="api/health") == (3, "INC-2")
    words = (
        "INC-2 was opened for `api/health` since, and INC-1 would be active beside it; "
        "resolve or merge INC-2 first"
    )
    refused(store, 2, words)
    one(store, "incident.resolved", "INC-2")
    undone(store, 2)
    refused(store, 4, words.replace("INC-2", "INC-3").replace("INC-1", "INC-2").replace("INC-3", "INC-1"))


def test_a_number_is_not_given_again_after_an_undo(store):
    assert opened(store) == (1, "INC-1")
    undone(store, 1)
    assert opened(store) == (3, "INC-2")
    undone(store, 2)
    assert opened(store) == (5, "INC-3")
    assert sorted(documents(store)) == ["INC-1", "INC-2", "INC-3"]


def test_the_last_command_of_an_actor_is_one_that_counts_and_no_undo(store):
    bob = Actor("bob", "host", "words")
    assert last_command(store.db, "alice") is None
    opened(store)
    one(store, "incident.acknowledged", "INC-1")
    one(store, "incident.noted", "INC-1", {"text": "x"}, actor=bob)
    found = []
    while (number := last_command(store.db, "alice")) is not None and number != 1:
        found.append(number)
        undone(store, number)
    assert found == [2]
    assert last_command(store.db, "bob") == 3
    assert last_command(store.db, "eve") is None


def test_what_is_undone_by_somebody_else_says_who(store):
    opened(store)
    undone(store, 1, actor=Actor("bob", "elsewhere", "opsctl undo 1"), now=2000)
    last = events(store.db)[-1]
    assert (last.kind, last.subject, last.actor, last.host, last.recorded) == (
        UNDONE,
        "CMD-1",
        "bob",
        "elsewhere",
        2000,
    )
    assert last.body == {"command": 1, "subjects": ["INC-1"]}
