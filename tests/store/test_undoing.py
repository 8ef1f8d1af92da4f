"""Undo takes back one whole command, restores exactly what was before it, and refuses what would make no sense."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from decisions import ALICE, command, documents, one, opened
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opsctl.errors import RefusedError, UsageError
from opsctl.ledger import incident, item, subject_kind
from opsctl.ledger.events import UNDONE, Actor, prefix_of
from opsctl.store.chain import broken
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.relying import _named
from opsctl.store.undoing import last_command, plan, undo
from opsctl.store.verifying import verify


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


# What one may do to an incident: its word in ALLOWED, and the kind of its event.
STEPS = {
    "ack": "acknowledged", "mitigate": "mitigated", "resolve": "resolved", "close": "closed",
    "reopen": "reopened", "escalate": "escalated",
}  # fmt: skip
WORDS = {kind: word for word, kind in STEPS.items()} | {"merged": "merge"}
ITEM_STEPS = {
    "plan": "planned",
    "start": "started",
    "done": "done",
    "verify": "verified",
    "reject": "rejected",
}
ITEM_WORDS = {kind: word for word, kind in ITEM_STEPS.items()}


class Decisions(RuleBasedStateMachine):
    """Random commands and undos on a real store, beside a model that knows only what was typed.

    `log` is every command: its events, or the command that it undid. `before` and `after` are the documents
    around each command that was not an undo, `past` the commands that counted then.
    """

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.open = open_store(Path(self.folder.name) / "opsctl.db", write=True)
        self.store = self.open.__enter__()
        self.store.db.execute("PRAGMA synchronous = OFF")
        self.log = {}
        self.before = {}
        self.after = {}
        self.past = {}
        self.count = 0
        self.now = 0

    def teardown(self):
        path = self.store.path
        self.open.__exit__(None, None, None)
        assert verify(path) == []
        self.folder.cleanup()

    def do(self, *decisions, at=None):
        before = documents(self.store)
        self.now += 1
        with command(self.store, self.now, ALICE) as ledger:
            done = [
                ledger.append(kind, subject or ledger.name(new), body, at)
                for kind, subject, new, body in decisions
            ]
        self.count += len(done)
        number = done[0].command
        self.past[number] = self.counted()
        self.log[number] = [(event.kind, event.subject, dict(event.body), event.occurred) for event in done]
        self.before[number], self.after[number] = before, documents(self.store)

    def counts(self, number):
        return not any(self.counts(one) for one, what in self.log.items() if what == number)

    def some(self, draw, *prefixes):
        return draw.draw(
            st.sampled_from([name for name in sorted(documents(self.store)) if prefix_of(name) in prefixes])
        )

    def has(self, prefix):
        return any(prefix_of(name) == prefix for name in documents(self.store))

    @rule(
        key=st.none() | st.sampled_from(["api/health", "db/port"]),
        severity=st.sampled_from(incident.SEVERITIES),
    )
    def open_incident(self, key, severity):
        active = {record.key for record in records(self.store.db, "INC", incident.ACTIVE) if record.key}
        if key not in active:
            self.do(("incident.opened", None, "INC", {"title": "t", "severity": severity, "key": key}))

    @precondition(lambda self: self.has("INC"))
    @rule(draw=st.data(), at=st.none() | st.integers(-5, 50))
    def step(self, draw, at):
        record = subject_record(self.store, self.some(draw, "INC"))
        allowed = [word for word in incident.ALLOWED[record.state] if word in STEPS]
        others = {one.key for one in records(self.store.db, "INC", incident.ACTIVE) if one.key}
        if allowed and not (record.state == "resolved" and record.key in others):
            word = draw.draw(st.sampled_from(allowed))
            body = {"changes": {"severity": "sev1"}} if word == "escalate" else {}
            self.do((f"incident.{STEPS[word]}", record.subject, None, body), at=at)

    @precondition(lambda self: self.has("INC"))
    @rule(
        draw=st.data(),
        kind=st.sampled_from(["noted", "updated", "observed", "attached"]),
        at=st.none() | st.integers(-5, 50),
    )
    def remark(self, draw, kind, at):
        self.do((f"incident.{kind}", self.some(draw, "INC"), None, {"text": "x"}), at=at)

    @precondition(lambda self: self.has("INC"))
    @rule(draw=st.data(), what=st.sampled_from([
        ("changed", {"changes": {"title": "new", "tags": ["a"]}}),
        ("changed", {"changes": {"severity": "sev3", "impact_started": -5}}),
        ("assigned", {"role": "scribe", "person": "bob"}),
        ("assigned", {"role": "scribe", "person": None}),
    ]))  # fmt: skip
    def change(self, draw, what):
        self.do((f"incident.{what[0]}", self.some(draw, "INC"), None, what[1]))

    @precondition(lambda self: self.has("INC"))
    @rule(draw=st.data(), link=st.booleans())
    def two_incidents(self, draw, link):
        one_name, other = self.some(draw, "INC"), self.some(draw, "INC")
        if one_name == other:
            return
        if link:
            self.do(
                ("incident.linked", one_name, None, {"relation": "x", "other": other}),
                ("incident.linked", other, None, {"relation": "x", "other": one_name}),
            )
        elif "merge" in incident.ALLOWED[subject_record(self.store, one_name).state]:
            self.do(
                ("incident.merged", one_name, None, {"into": other}),
                ("incident.absorbed", other, None, {"other": one_name, "services": ["s"]}),
            )

    @precondition(lambda self: self.has("INC"))
    @rule(draw=st.data(), submit=st.booleans())
    def review(self, draw, submit):
        name = self.some(draw, "INC").replace("INC", "PIR")
        record = subject_record(self.store, name)
        if record is None:
            self.do(("review.started", name, None, {"owner": "alice", "file": "x"}))
        elif record.state == "draft" and submit:
            body = {"text": "t", "digest": "d", "actions": [f"OPS-{self.next('OPS')}"]}
            self.do(
                ("item.added", None, "OPS", {"title": "action", "source": name}),
                ("review.submitted", name, None, body),
            )

    def next(self, prefix):
        row = self.store.db.execute("SELECT last FROM numbers WHERE prefix = ?", (prefix,)).fetchone()
        return (row[0] if row else 0) + 1

    @rule(iteration=st.booleans())
    def add(self, iteration):
        if iteration:
            body = {"title": "i", "starts": 0, "ends": 9, "capacity": 8, "share": 0.2}
            self.do(("iteration.added", None, "ITR", body))
        else:
            self.do(
                ("item.added", None, "OPS", {"title": "i"}),
                ("item.noted", f"OPS-{self.next('OPS')}", None, {}),
            )

    @precondition(lambda self: self.has("OPS"))
    @rule(draw=st.data())
    def step_item(self, draw):
        record = subject_record(self.store, self.some(draw, "OPS"))
        allowed = [word for word in item.ALLOWED[record.state] if word in ITEM_STEPS]
        if not allowed:
            return
        word = draw.draw(st.sampled_from(allowed))
        body = {
            "start": {"baseline": {"n": 1}},
            "verify": {"verdict": {"outcome": "improved"}},
            "reject": {"reason": "r"},
        }.get(word, {})
        if word == "plan":
            if not self.has("ITR"):
                return
            body = {"iteration": self.some(draw, "ITR")}
        self.do((f"item.{ITEM_STEPS[word]}", record.subject, None, body))

    @precondition(lambda self: self.log)
    @rule(draw=st.data())
    def undo_any(self, draw):
        self.undo(draw.draw(st.sampled_from(sorted(self.log))))

    @precondition(lambda self: any(isinstance(what, int) for what in self.log.values()))
    @rule(draw=st.data())
    def undo_an_undo(self, draw):
        self.undo(
            draw.draw(st.sampled_from([one for one, what in self.log.items() if isinstance(what, int)]))
        )

    @precondition(lambda self: self.log)
    @rule(times=st.integers(1, 4))
    def undo_the_last(self, times):
        # What was done last relies on nothing that came after, so that it can always be undone.
        for _ in range(times):
            assert self.undo(max(self.log))

    @precondition(lambda self: self.log)
    @rule(steps=st.integers(1, 5))
    def undo_step_by_step(self, steps):
        # One after the other backwards, as far as nothing was brought back out of its turn.
        for _ in range(steps):
            number = last_command(self.store.db, "alice")
            if number is None or not self.undo(number):
                break

    def undo(self, number):
        before = documents(self.store)
        self.now += 1
        try:
            with command(self.store, self.now, ALICE) as ledger:
                event, done = undo(ledger, number)
        except RefusedError:
            assert documents(self.store) == before
            assert self.counts(number)
            return False
        except UsageError:
            assert not self.counts(number)
            return False
        assert self.counts(number)
        counted = self.counted()
        self.count += 1
        self.log[event.command] = number
        now = self.counted() - {event.command}
        assert {one.command for one in done.events} == counted - now
        assert {one.command for one in done.restored} == now - counted
        for moved in counted ^ now:
            if moved in self.before:
                self.check_restored(moved, documents(self.store), self.after if moved in now else self.before)
        return True

    def check_restored(self, moved, found, then):
        """Where a subject has the same past as then and nothing after it, its record is exactly what it was."""
        for _, subject, _, _ in self.log[moved]:
            now = {number for number in self.counted() if self.is_about(number, subject)}
            past = {number for number in self.past[moved] if self.is_about(number, subject)}
            if now - {moved} == past:
                assert found.get(subject) == then[moved].get(subject)

    def counted(self):
        return {number for number in self.log if self.counts(number)}

    def is_about(self, number, subject):
        what = self.log[number]
        return isinstance(what, list) and any(event[1] == subject for event in what)

    @invariant()
    def nothing_is_lost_and_all_follows(self):
        assert self.store.db.execute("SELECT count(*) FROM events").fetchone() == (self.count,)
        assert list(broken(self.store.db)) == []

    @invariant()
    def what_counts_is_what_the_model_says(self):
        expected = [one for number in sorted(self.log) for one in self.told(number)]
        found = [
            (event.kind, event.subject, dict(event.body), event.occurred)
            for event in events(self.store.db)
            if event.kind != UNDONE
        ]
        assert found == expected

    def told(self, number):
        what = self.log[number]
        return what if isinstance(what, list) and self.counts(number) else []

    @invariant()
    def no_state_is_invalid(self):
        known = documents(self.store)
        states = {}
        for kind, subject, _, _ in (event for number in sorted(self.log) for event in self.told(number)):
            deed = kind.partition(".")[2]
            if subject not in states:
                assert deed in {"opened", "added", "started"}
                states[subject] = "draft" if deed == "started" else "open"
            elif kind.startswith("incident.") and deed in WORDS:
                assert WORDS[deed] in incident.ALLOWED[states[subject]]
                if deed != "escalated":
                    states[subject] = "open" if deed == "reopened" else deed
            elif kind.startswith("item.") and deed in ITEM_WORDS:
                assert ITEM_WORDS[deed] in item.ALLOWED[states[subject]]
                if deed not in {"verified", "planned"} or states[subject] == "open":
                    states[subject] = deed
            elif kind.startswith("review."):
                assert states[subject] == "draft"
                states[subject] = deed
        assert {
            name: subject_record(self.store, name).state for name in known if prefix_of(name) != "ITR"
        } == {name: state for name, state in states.items() if prefix_of(name) != "ITR"}
        assert states.keys() == known.keys()

    @invariant()
    def no_name_leads_nowhere_and_no_key_is_active_twice(self):
        known = documents(self.store)
        for subject, text in known.items():
            assert _named(subject, text) <= known.keys()
        keys = [record.key for record in records(self.store.db, "INC", incident.ACTIVE) if record.key]
        assert len(keys) == len(set(keys))


def subject_record(store, name):
    text = documents(store).get(name)
    if text is None:
        return None
    import json

    return subject_kind(prefix_of(name)).decode(json.loads(text))


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(
    max_examples=1500 if os.environ.get("OPSCTL_LONG") else 12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
