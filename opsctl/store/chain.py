"""Verify the event log: nothing was changed or taken out, and every record follows from it."""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from typing import TYPE_CHECKING, Any

from opsctl.ledger import SUBJECTS, subject_kind
from opsctl.ledger.events import GENESIS, UNDONE, prefix_of, seal, undone_commands
from opsctl.store.ledger import document, event_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from opsctl.ledger.events import Event


def head(db: sqlite3.Connection) -> tuple[int, str]:
    """The number of events and the digest of the last: whoever notes both can tell that none went missing."""
    row = db.execute("SELECT id, digest FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return (row[0], row[1].hex()) if row else (0, GENESIS.hex())


def broken(db: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with the log and what follows from it, one line each."""
    log: list[Event] = []
    previous, expected = GENESIS, 1
    rows = db.execute(
        "SELECT id, command, recorded, occurred, actor, host, words, kind, subject, body, digest"
        " FROM events ORDER BY id"
    )
    for row in rows:
        try:
            event = event_of(row)
        except ValueError:
            yield f"event {row[0]}: its body is no JSON"
            return
        if event.id != expected:
            yield f"event {expected} is missing"
            return
        if seal(previous, event) != row[10]:
            yield f"event {event.id}: it was changed after it was recorded, or one before it was taken out"
            return
        previous, expected = row[10], event.id + 1
        log.append(event)
    (last,) = db.execute(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"
    ).fetchone()
    if last >= expected:
        yield f"events {expected} to {last} are missing"
    yield from _derived(db, log)


def _derived(db: sqlite3.Connection, log: list[Event]) -> Iterator[str]:
    undos = {event.command: int(event.body["command"]) for event in log if event.kind == UNDONE}
    if undos != dict(db.execute("SELECT command, undone FROM undos")):
        yield "the undone commands do not follow from the events"
    gone = undone_commands(undos)
    told: dict[str, list[Event]] = defaultdict(list)
    for event in log:
        if event.kind != UNDONE and event.command not in gone:
            told[event.subject].append(event)
    for prefix in SUBJECTS:
        yield from _records(db, prefix, told)
    yield from _numbers(db, log)


def _records(db: sqlite3.Connection, prefix: str, told: dict[str, list[Event]]) -> Iterator[str]:
    kind = subject_kind(prefix)
    kept = dict(db.execute(f"SELECT subject, document FROM {kind.TABLE}"))  # noqa: S608 - constant
    for subject in sorted({*kept, *(name for name in told if prefix_of(name) == prefix)}):
        try:
            record: Any = reduce(kind.apply, told[subject], None)
        except (KeyError, TypeError, ValueError) as error:
            yield f"{subject}: its events make no record ({type(error).__name__}: {error})"
            continue
        if (None if record is None else document(record)) != kept.get(subject):
            yield f"{subject}: its record does not follow from its events"


def _numbers(db: sqlite3.Connection, log: list[Event]) -> Iterator[str]:
    kept = dict(db.execute("SELECT prefix, last FROM numbers"))
    for event in log:
        prefix, _, number = event.subject.partition("-")
        # The number of a review is its incident's.
        if prefix in SUBJECTS and prefix != "PIR" and int(number) > kept.get(prefix, 0):
            yield f"{event.subject}: its number may be given again"
            return
