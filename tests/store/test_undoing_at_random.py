"""Random commands and undos on a real store, beside a model that knows only what was typed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from decisions import ALICE, command, documents
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opsctl.errors import RefusedError, UsageError
from opsctl.ledger import incident, item, subject_kind
from opsctl.ledger.events import UNDONE, prefix_of
from opsctl.store.chain import broken
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.relying import _named
from opsctl.store.undoing import last_command, undo
from opsctl.store.verifying import verify

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
