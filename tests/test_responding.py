"""Random commands on incidents, allowed or not: what is refused changes nothing, what is kept makes sense."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from decisions import ALICE, command, documents
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from opsctl import incident_updates, responding
from opsctl.caseload import Wanted, cases
from opsctl.clocks import due
from opsctl.durations import STRETCHES, durations
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.incident import ALLOWED, SEVERITIES, TIMES
from opsctl.policies import policies
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.undoing import plan, undo
from opsctl.store.verifying import verify
from opsctl.timelines import timeline
from opsctl.workspace import load_workspace

pytestmark = pytest.mark.usefixtures("no_power_cut")

WORKSPACE = """
version: 1
name: Shop
services:
  api: {tier: critical, checks: {disk: {disk: /}}}
  web: {checks: {disk: {disk: /}}}
"""
NUMBERS = st.integers(1, 4)
AGO = st.one_of(st.none(), st.integers(-10, 2000).map(float))
SEVERITY = st.sampled_from(SEVERITIES)
EITHER_WAY = {("impact_started", "detected"), ("impact_started", "opened"), ("detected", "impact_ended")}
TEXT = st.one_of(st.none(), st.text(min_size=1, max_size=20))


class Decisions(RuleBasedStateMachine):
    """What people do to incidents, in any order, at any time."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name, "opsctl.yaml")
        file.write_text(WORKSPACE)
        self.workspace = load_workspace(file.parent, {})
        self.store_context = open_store(self.workspace.store, write=True)
        self.store = self.store_context.__enter__()
        self.now = 1_000_000.0
        self.restores = {}

    def teardown(self):
        self.store_context.__exit__(None, None, None)
        assert verify(self.workspace.store) == []
        self.folder.cleanup()

    def decide(self, decision, number=None, states=()):
        """Try a decision: nothing stands otherwise where it is refused, and it is refused by what is allowed."""
        self.now += 60
        before = documents(self.store)
        count = len(events(self.store.db, undone=True))
        was = next((one for one in records(self.store.db, "INC") if one.number == number), None)
        try:
            with command(self.store, self.now, ALICE) as ledger:
                incident = was if number is None else ledger.get(f"INC-{number}")
                if number is not None and incident is None:
                    return
                decision(ledger, incident)
        except (RefusedError, UsageError):
            assert documents(self.store) == before
            assert len(events(self.store.db, undone=True)) == count
            return
        if states:
            assert was.state in states
        self.restores[count + 1] = before

    def at(self, ago):
        return None if ago is None else self.now + 60 - ago

    @rule(severity=st.one_of(st.none(), SEVERITY), ago=AGO, began=AGO, seen=AGO,
          services=st.lists(st.sampled_from(["api", "web", "db"]), max_size=2), title=TEXT)  # fmt: skip
    def open(self, severity, ago, began, seen, services, title):
        report = responding.Declaration(
            title or " ", tuple(services), severity, self.at(ago), self.at(began), self.at(seen)
        )
        self.decide(lambda ledger, _: responding.open_incident(ledger, self.workspace, report))

    @rule(number=NUMBERS, ago=AGO, text=TEXT, role=st.sampled_from([None, "scribe", "king"]))
    def ack(self, number, ago, text, role):
        self.decide(
            lambda ledger, one: responding.acknowledge(ledger, self.workspace, one, self.at(ago), text, role),
            number,
            ["open"],
        )

    @rule(number=NUMBERS, ago=AGO, text=TEXT)
    def mitigate(self, number, ago, text):
        self.decide(
            lambda ledger, one: responding.mitigate(ledger, one, self.at(ago), text),
            number,
            ["open", "acknowledged"],
        )

    @rule(number=NUMBERS, ago=AGO, ended=AGO, forced=TEXT)
    def resolve(self, number, ago, ended, forced):
        self.decide(
            lambda ledger, one: responding.resolve(
                ledger, self.workspace, one, self.at(ago), None, self.at(ended), forced
            ),
            number,
            ["open", "acknowledged", "mitigated"],
        )

    @rule(number=NUMBERS, ago=AGO, reason=TEXT, alarm=st.booleans())
    def close(self, number, ago, reason, alarm):
        self.decide(
            lambda ledger, one: responding.close(
                ledger, self.workspace, one, self.at(ago), reason, false_alarm=alarm
            ),
            number,
            ["open", "acknowledged", "resolved"],
        )

    @rule(number=NUMBERS, ago=AGO, reason=TEXT)
    def reopen(self, number, ago, reason):
        self.decide(
            lambda ledger, one: responding.reopen(ledger, one, self.at(ago), reason or ""),
            number,
            ["mitigated", "resolved"],
        )

    @rule(number=NUMBERS, severity=st.one_of(st.none(), SEVERITY), to=TEXT)
    def escalate(self, number, severity, to):
        self.decide(
            lambda ledger, one: responding.escalate(ledger, one, severity, to, "worse"),
            number,
            ["open", "acknowledged", "mitigated"],
        )

    @rule(number=NUMBERS, into=NUMBERS)
    def merge(self, number, into):
        def merged(ledger, one):
            other = ledger.get(f"INC-{into}")
            return one if other is None else responding.merge(ledger, one, other)

        self.decide(merged, number)

    @rule(
        number=NUMBERS,
        text=TEXT,
        ago=AGO,
        name=st.sampled_from(TIMES),
        severity=st.one_of(st.none(), SEVERITY),
    )
    def update(self, number, text, ago, name, severity):
        times = {} if ago is None else {name: self.at(ago)}
        changes = incident_updates.Changes(text=text, severity=severity, times=times)
        self.decide(
            lambda ledger, one: incident_updates.update(ledger, self.workspace, one, changes, None), number
        )

    @rule(data=st.data())
    def undo_the_last(self, data):
        """An undo that is not refused restores what stood before that command, where nothing came after."""
        if not self.restores:
            return
        number = data.draw(st.sampled_from(sorted(self.restores)))
        before = documents(self.store)
        latest = max(event.command for event in events(self.store.db))
        try:
            plan(self.store.db, number)
        except (RefusedError, UsageError):
            assert documents(self.store) == before
            return
        self.now += 60
        with command(self.store, self.now, ALICE) as ledger:
            undo(ledger, number)
        if number == latest:
            assert documents(self.store) == self.restores[number]

    @invariant()
    def no_stretch_is_negative_and_nothing_is_in_the_future(self):
        for one in records(self.store.db, "INC"):
            for first, last in STRETCHES.values():
                start, end = getattr(one, first), getattr(one, last)
                # What is over may be noticed afterwards, and what begins be seen before users feel it.
                early = (first, last) in EITHER_WAY
                assert start is None or end is None or start <= end or early, (first, last)
            assert all(length is None or length >= 0 for length in durations(one).values())
            assert all(at is None or at <= self.now for at in (getattr(one, name) for name in TIMES))

    @invariant()
    def an_incident_has_the_times_of_its_state(self):
        for one in records(self.store.db, "INC"):
            assert one.state in ALLOWED
            assert (one.resolved is not None) <= (one.state in {"resolved", "closed"})
            assert one.state != "resolved" or (one.resolved is not None and one.impact_ended is not None)
            assert (one.closed is not None) == (one.state == "closed")
            assert (one.merged_into is not None) == (one.state == "merged")
            assert one.peak <= one.severity
            assert one.stays[-1][0] == one.state

    @invariant()
    def what_is_due_and_what_happened_can_be_told(self):
        for one in records(self.store.db, "INC"):
            assert timeline(self.store.db, one, "UTC")
            assert all(each.due > 0 for each in due(one, policies(self.workspace), "UTC"))
        cases(self.store.db, self.workspace, Wanted(everything=True), self.now)


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(
    max_examples=1500 if os.environ.get("OPSCTL_LONG") else 25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
