"""Decisions for tests of the event log: small commands that only do what is allowed, on a real store."""

from __future__ import annotations

from contextlib import contextmanager

from opsctl.ledger import SUBJECTS, subject_kind
from opsctl.ledger.events import Actor
from opsctl.store.ledger import deciding

ALICE = Actor("alice", "host", "opsctl incident ack 1")


@contextmanager
def command(store, now=1000.0, actor=ALICE):
    with deciding(store, actor, now) as ledger:
        yield ledger


def one(store, kind, subject=None, body=None, *, now=1000.0, at=None, actor=ALICE):
    """A command of one event; its number and its subject. Without a subject, a new one is named."""
    with command(store, now, actor) as ledger:
        prefix = {"incident": "INC", "item": "OPS", "iteration": "ITR"}.get(kind.partition(".")[0])
        event = ledger.append(kind, subject or ledger.name(prefix), body or {}, at)
    return event.command, event.subject


def opened(store, **more):
    return one(store, "incident.opened", None, {"title": "API down", "severity": "sev2", **more})


def documents(store):
    """Every record as it is stored, by subject."""
    return {
        subject: text
        for prefix in SUBJECTS
        for subject, text in store.db.execute(f"SELECT subject, document FROM {subject_kind(prefix).TABLE}")
    }
