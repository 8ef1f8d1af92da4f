"""Verify the event log: nothing was changed or taken out, and every record follows from it."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.ledger import SUBJECTS, subject_kind
from opsctl.ledger.events import GENESIS, UNDONE, canonical, prefix_of, seal, undone_commands
from opsctl.ledger.names import number_of
from opsctl.store import migrations
from opsctl.store.ledger import document, event_of, given, undos

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.ledger import Subject
    from opsctl.ledger.events import Event

_ROWS = (
    "SELECT id, command, recorded, occurred, actor, host, words, kind, subject, body, digest"
    " FROM events ORDER BY id"
)
_GUARDS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_MOST = 20
# Whatever a body that somebody has tampered with may lead to.
_UNFIT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def head(db: sqlite3.Connection) -> tuple[int, str]:
    """The number of events and the digest of the last: whoever notes both can tell that none went missing."""
    row = db.execute("SELECT (SELECT count(*) FROM events), digest FROM events ORDER BY id DESC LIMIT 1")
    return next(((count, digest.hex()) for count, digest in row), (0, GENESIS.hex()))


def digest_of(db: sqlite3.Connection, identity: int) -> str | None:
    """The digest of an event, which covers all before it; None where there is no such event."""
    row = db.execute("SELECT digest FROM events WHERE id = ?", (identity,)).fetchone()
    return None if row is None else bytes(row[0]).hex()


def broken(db: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with the log and what follows from it, one line each."""
    yield from _guards(db)
    log: list[Event] = []
    found = list(_links(db, log))
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more events"
    if not found:
        yield from _derived(db, log)


def _guards(db: sqlite3.Connection) -> Iterator[str]:
    """Where the triggers that keep events from being changed are not as opsctl makes them."""
    made, kept = _made(), dict(db.execute(_GUARDS))
    for name in sorted({*made, *kept}):
        if made.get(name) != kept.get(name):
            was = "is missing" if name not in kept else "was changed" if name in made else "is not opsctl's"
            yield f"the trigger {name} {was}: somebody has worked on the store without opsctl"


@cache
def _made() -> Mapping[str, str]:
    """The triggers of a new store, by their names."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrations.migrate(fresh, Path(), lambda _: None)
        return dict(fresh.execute(_GUARDS))


def _links(db: sqlite3.Connection, log: list[Event]) -> Iterator[str]:
    """Where the chain is broken; its events are put in `log`."""
    previous, expected, sound = GENESIS, 1, True
    for row in _readable(db):
        number, digest = row[0], row[10]
        event = _sealed(row, previous)
        if number != expected:
            yield _missing(expected, number - 1)
        elif event is None:
            yield (
                f"event {number} was changed after it was recorded"
                if sound
                else f"event {number} does not follow from the one before it"
            )
        sound = event is not None
        log += [event] if event else []
        previous, expected = digest, number + 1
    if (last := given(db)) != expected - 1:
        yield _missing(expected, last) if last >= expected else "the count of events was changed"


def _readable(db: sqlite3.Connection) -> Iterator[Sequence[Any]]:
    """Every row, with what is no UTF-8 made readable, so that its seal is seen to be broken."""
    factory = db.text_factory
    db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    try:
        yield from db.execute(_ROWS)
    finally:
        db.text_factory = factory


def _sealed(row: Sequence[Any], previous: bytes) -> Event | None:
    """The event of a row that is as it was recorded, or None."""
    try:
        event = event_of(row)
        whole = canonical(event.body) == row[9] and seal(previous, event) == row[10]
    except _UNFIT:
        return None
    return event if whole else None


def _missing(first: int, last: int) -> str:
    return f"event {first} is missing" if first == last else f"events {first} to {last} are missing"


def _derived(db: sqlite3.Connection, log: list[Event]) -> Iterator[str]:
    try:
        told = {event.command: int(event.body["command"]) for event in log if event.kind == UNDONE}
    except _UNFIT:
        yield "an undo names no command"
        return
    if told != undos(db):
        yield "the undone commands do not follow from the events"
    gone = undone_commands(told)
    by_subject: dict[str, list[Event]] = defaultdict(list)
    for event in log:
        if event.kind != UNDONE and event.command not in gone:
            by_subject[event.subject].append(event)
    for prefix in SUBJECTS:
        yield from _records(db, prefix, by_subject)
    yield from _numbers(db, log)


def _records(db: sqlite3.Connection, prefix: str, told: Mapping[str, list[Event]]) -> Iterator[str]:
    kind = subject_kind(prefix)
    kept = dict(db.execute(f"SELECT subject, document FROM {kind.TABLE}"))  # noqa: S608 - constant
    for subject in sorted({*kept, *(name for name in told if prefix_of(name) == prefix)}):
        try:
            record: Any = reduce(kind.apply, told.get(subject, ()), None)
        except _UNFIT as error:
            yield f"{subject}: its events make no record ({type(error).__name__}: {error})"
            continue
        if not _follows(kind, record, kept.get(subject)):
            yield f"{subject}: its record does not follow from its events"


def _follows(kind: Subject, record: Any, kept: str | None) -> bool:
    if record is None or kept is None or document(record) == kept:
        return (record is None) == (kept is None)
    try:
        # An older opsctl kept fewer fields; what they are by default is what they were.
        read = json.loads(kept)
        return canonical(read) == kept and document(kind.decode(read)) == document(record)
    except _UNFIT:
        return False


def _numbers(db: sqlite3.Connection, log: list[Event]) -> Iterator[str]:
    last: dict[str, int] = defaultdict(int)
    for event in log:
        prefix = prefix_of(event.subject)
        if prefix not in {*SUBJECTS, "CMD"}:
            yield f"{event.subject}: this opsctl knows no such subject"
        # The number of a review is its incident's.
        elif prefix not in {"PIR", "CMD"}:
            last[prefix] = max(last[prefix], number_of(event.subject))
    kept = dict(db.execute("SELECT prefix, last FROM numbers"))
    for prefix in sorted({*last, *kept}):
        if kept.get(prefix) != last.get(prefix):
            yield f"the last number of {prefix} does not follow from the events, and one may be given again"
