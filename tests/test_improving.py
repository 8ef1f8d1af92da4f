"""Random commands on backlog items, allowed or not: what is refused changes nothing, what is kept makes sense."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import pytest
from decisions import ALICE, command, documents
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from opsctl import improving
from opsctl.backlog import Wanted, stock_in
from opsctl.errors import RefusedError, UsageError
from opsctl.improving import Fields
from opsctl.iterations import begin, chosen, loads
from opsctl.ledger.item import ALLOWED, PRIORITIES
from opsctl.store.ledger import records
from opsctl.store.opening import open_store
from opsctl.store.undoing import plan, undo
from opsctl.store.verifying import verify
from opsctl.workspace import load_workspace

pytestmark = pytest.mark.usefixtures("no_power_cut")

WORKSPACE = """
version: 1
name: Shop
services:
  api: {tier: critical, checks: {disk: {disk: /}}}
"""
NUMBERS = st.integers(1, 3)
AMOUNT = st.one_of(st.none(), st.floats(0, 100))
MEASURE = st.sampled_from([None, "incidents 28d", "manual less tickets", "availability api 1d", "nonsense"])
TEXT = st.one_of(st.none(), st.text(max_size=9))


class Decisions(RuleBasedStateMachine):
    """What people do to items, in any order."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        Path(self.folder.name, "opsctl.yaml").write_text(WORKSPACE)
        self.workspace = load_workspace(Path(self.folder.name), {})
        self.store_context = open_store(self.workspace.store, write=True)
        self.store = self.store_context.__enter__()
        self.now = 1_000_000.0
        self.last = None

    def teardown(self):
        self.store_context.__exit__(None, None, None)
        assert verify(self.workspace.store) == []
        self.folder.cleanup()

    def decide(self, decision, number=None, states=None):
        self.now += 3600
        before, count = documents(self.store), self.count()
        was = next((one for one in records(self.store.db, "OPS") if one.number == number), None)
        if number is not None and was is None:
            return
        try:
            with command(self.store, self.now, ALICE) as ledger:
                decision(ledger, was)
        except (RefusedError, UsageError):
            assert documents(self.store) == before
            return
        assert states is None or was.state in states
        if self.count() != count:
            self.last = before

    def count(self):
        return self.store.db.execute("SELECT count(*) FROM events").fetchone()[0]

    @rule(title=TEXT, priority=st.sampled_from([None, *PRIORITIES, "urgent"]), effort=AMOUNT, measure=MEASURE)
    def add(self, title, priority, effort, measure):
        fields = Fields(title=title, priority=priority, effort=effort, measure=measure)
        self.decide(lambda ledger, _: improving.add(ledger, self.workspace, fields))

    @rule(
        number=NUMBERS, title=TEXT, effort=AMOUNT, measure=MEASURE, clear=st.sampled_from([(), ("effort",)])
    )
    def edit(self, number, title, effort, measure, clear):
        fields = Fields(title=title, effort=effort, measure=measure, clear=clear)
        self.decide(
            lambda ledger, one: improving.edit(ledger, self.workspace, one, fields),
            number,
            {"open", "planned", "started", "done"},
        )

    @rule(number=NUMBERS, name=st.sampled_from(["current", "next", "none", "ITR-1"]))
    def plan(self, number, name):
        self.decide(
            lambda ledger, one: improving.plan(ledger, one, chosen(ledger.db, name, ledger.recorded)),
            number,
            {"open", "planned", "started"},
        )

    @rule(ahead=st.integers(-9, 9), length=st.integers(-1, 9), capacity=st.floats(-1, 100))
    def begin(self, ahead, length, capacity):
        start = self.now + ahead * 86400
        self.decide(
            lambda ledger, _: begin(
                ledger, self.workspace, "Sprint", start, start + length * 86400, capacity, None
            )
        )

    @rule(number=NUMBERS, counted=AMOUNT)
    def start(self, number, counted):
        self.decide(
            lambda ledger, one: improving.start(ledger, self.workspace, one, counted),
            number,
            {"open", "planned"},
        )

    @rule(number=NUMBERS, ago=st.one_of(st.none(), st.integers(-10, 10_000)), spent=AMOUNT)
    def finish(self, number, ago, spent):
        at = None if ago is None else self.now - ago
        self.decide(
            lambda ledger, one: improving.finish(ledger, one, at, spent, None),
            number,
            {"open", "planned", "started"},
        )

    @rule(number=NUMBERS, counted=AMOUNT)
    def prove(self, number, counted):
        self.decide(
            lambda ledger, one: improving.verify(ledger, self.workspace, one, counted), number, {"done"}
        )

    @rule(number=NUMBERS, reason=TEXT)
    def reject(self, number, reason):
        self.decide(
            lambda ledger, one: improving.reject(ledger, one, reason or ""),
            number,
            {"open", "planned", "started"},
        )

    @rule()
    def undo_the_last(self):
        latest = self.store.db.execute("SELECT max(command) FROM events").fetchone()[0]
        if self.last is None or latest is None:
            return
        plan(self.store.db, latest)
        self.now += 60
        with command(self.store, self.now, ALICE) as ledger:
            undo(ledger, latest)
        assert documents(self.store) == self.last
        self.last = None

    @invariant()
    def an_item_is_what_its_state_says(self):
        for one in records(self.store.db, "OPS"):
            assert one.state in ALLOWED
            assert (one.finished is not None) == (one.state in {"done", "rejected"})
            assert one.state != "started" or one.started is not None
            assert one.started is None or one.finished is None or one.started <= one.finished
            assert (one.verdict is not None) <= (one.state == "done")
            assert (one.state == "planned") <= (one.iteration is not None)
            assert one.reason is None or one.state == "rejected"

    @invariant()
    def no_two_iterations_overlap(self):
        known = sorted(records(self.store.db, "ITR"), key=lambda one: one.starts)
        assert all(one.ends <= after.starts for one, after in itertools.pairwise(known))
        assert len(loads(self.store.db)) == len(known)

    @invariant()
    def the_list_shows_every_item_once(self):
        rows = stock_in(self.store.db, self.workspace, Wanted(everything=True), self.now).rows
        assert sorted(row.item.number for row in rows) == [
            one.number for one in records(self.store.db, "OPS")
        ]


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(
    max_examples=1500 if os.environ.get("OPSCTL_LONG") else 25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
