"""A workspace and its store, in which checks are seen in few words."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from opsctl.ledger.events import Actor
from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store.ledger import deciding, events, records
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.watching import healthy, watch
from opsctl.workspace import load_workspace
from opsctl.world import World

if TYPE_CHECKING:
    from pathlib import Path

START = 1_795_176_000  # 2026-11-20 12:00 UTC
SHORT = {
    "u": (State.UP, None),
    "g": (State.DEGRADED, Cause.SLOW),
    "d": (State.DOWN, Cause.REFUSED),
    "?": (State.UNKNOWN, Cause.VALUE),
    "o": (State.UNKNOWN, Cause.SECRET),
    "m": (State.UNKNOWN, Cause.MEMBERS),
}
SHOP = """
version: 1
name: Shop
timezone: UTC
incidents: {healthy_for: 5m}
services:
  database:
    tier: critical
    incidents: {open_after: 2}
    checks: {port: {file: /x, every: 1m, fail_after: 2}, disk: {file: /x, every: 1m}}
  api:
    tier: high
    depends_on: [database]
    incidents: {open_after: 2, severity: sev3, resolve: true}
    checks: {health: {file: /x, every: 1m, fail_after: 1, ok_after: 2}}
  web:
    tier: critical
    depends_on: [api]
    checks: {page: {file: /x, every: 1m}}
  mail:
    tier: low
    incidents: {open_after: 3, resolve: true}
    checks: {queue: {file: /x, every: 1m, fail_after: 1, ok_after: 1}}
"""
ALL = ("database/port", "database/disk", "api/health", "web/page", "mail/queue")
WELL = dict.fromkeys(ALL, "u")


class Shop:
    """A workspace with a store, in which runs find what a test says."""

    def __init__(self, folder: Path, yaml: str = SHOP) -> None:
        (folder / "opsctl.yaml").write_text(yaml, encoding="utf-8")
        self.workspace = load_workspace(folder, {})
        self.path = self.workspace.store
        self.rules = {
            name: Rules(check.fail_after, check.ok_after, check.lapse)
            for name, (_, check) in self.workspace.checks().items()
        }
        self.minute = 0

    @property
    def now(self):
        return float(START + 60 * self.minute)

    @property
    def world(self):
        return World({}, self.now, io.StringIO(), io.StringIO(), io.StringIO(), ("check",))

    def run(self, later=1, /, **found):
        """What comes of a run, `later` minutes after the last, that found this (`api_health="d"`)."""
        return self.saw({name.replace("_", "/"): letter for name, letter in found.items()}, later)

    def saw(self, found, later=1):
        self.minute += later
        results = [
            Result(name, self.now, *SHORT[letter], f"{name}:{letter}", 0.1, 1, (), {}, {})
            for name, letter in found.items()
        ]
        told = []
        with open_store(self.path, write=True) as store:
            record(
                store,
                Run(self.now, self.now, "host", "all"),
                results,
                self.rules,
                lambda _: 0,
                lambda *seen: told.extend(watch(seen[0], self.workspace, self.world, *seen[1:])),
            )
        return [f"{one.action} {one.incident} {one.severity}: {one.text}" for one in told]

    def act(self, kind, subject, **body):
        with (
            open_store(self.path, write=True) as store,
            deciding(store, Actor("ada", "desk", "opsctl incident"), self.now) as ledger,
        ):
            name = subject or ledger.name("INC")
            ledger.append(kind, name, body)
        return name

    def open(self, *services, severity="sev2"):
        return self.act("incident.opened", None, title="slow", severity=severity, services=services)

    def incidents(self, *states):
        with open_store(self.path, write=False) as store:
            return records(store.db, "INC", states)

    def incident(self, subject):
        (found,) = (one for one in self.incidents() if one.subject == subject)
        return found

    def told(self, subject):
        """The events of an incident, as kind and words."""
        with open_store(self.path, write=False) as store:
            return [
                (one.kind.removeprefix("incident."), one.body.get("text", one.body.get("reason", "")))
                for one in events(store.db, [subject])
            ]

    def ails(self, subject):
        with open_store(self.path, write=False) as store, store.reading() as db:
            return healthy(db, self.workspace, self.incident(subject), self.now)
