"""Append events and keep the records that follow from them, in one transaction."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.errors import StoreError
from opsctl.ledger import subject_kind
from opsctl.ledger.events import GENESIS, Actor, Event, canonical, prefix_of, seal, undone_commands
from opsctl.store.rows import millis, seconds, text
from opsctl.store.run_rows import put_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.ledger import Subject
    from opsctl.store.opening import Store

_EVENT = "id, command, recorded, occurred, actor, host, words, kind, subject, body"


class Ledger:
    """One command's hold on the store: it sees what stands, and what it appends stands at once.

    All of its events are kept when the command ends well, and none when it does not.
    """

    def __init__(self, db: sqlite3.Connection, actor: Actor, recorded: float) -> None:
        """`recorded` is now, in UTC epoch seconds."""
        self.db = db
        self.actor = Actor(*map(text, actor))
        self.recorded = seconds(millis(recorded))
        self._command: int | None = None
        # What was read or changed here stands until the command ends, as nobody else writes meanwhile.
        self._records: dict[str, Any] = {}

    def get(self, subject: str) -> Any:
        """The record of a subject, or None."""
        if subject not in self._records:
            self._records[subject] = get(self.db, subject)
        return self._records[subject]

    def assume(self, subject: str, record: Any) -> None:
        """Take this as the record of a subject, as the caller knows that it is (see `last_of`)."""
        self._records[subject] = record

    def name(self, prefix: str) -> str:
        """A new subject's name, `INC-8`; its number is never given again."""
        (number,) = self.db.execute(
            "INSERT INTO numbers (prefix, last) VALUES (?, 1)"
            " ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last",
            (prefix,),
        ).fetchone()
        return f"{prefix}-{number}"

    def append(
        self, kind: str, subject: str, body: Mapping[str, Any], occurred: float | None = None
    ) -> Event:
        """Keep one event that happened at `occurred` (by default now), and the record that follows.

        Raises ValueError where the body has a number that is not finite.
        """
        identity, previous = _last(self.db)
        self._command = self._command or identity + 1
        event = Event(
            identity + 1,
            self._command,
            self.recorded,
            self.recorded if occurred is None else seconds(millis(occurred)),
            *self.actor,
            kind,
            subject,
            json.loads(canonical(body)),
        )
        self.db.execute(
            f"INSERT INTO events ({_EVENT}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant
            (
                event.id,
                event.command,
                millis(event.recorded),
                millis(event.occurred),
                *event[4:9],
                canonical(event.body),
                seal(previous, event),
            ),
        )
        if prefix_of(subject) != "CMD":
            before = self.get(subject)
            record = subject_kind(prefix_of(subject)).apply(before, event)
            put(self.db, subject, record, before)
            self._records[subject] = record
        return event


@contextmanager
def deciding(store: Store, actor: Actor, now: float) -> Iterator[Ledger]:
    """A command that decides something: it sees the latest state, and nobody else writes meanwhile."""
    with store.writing() as db:
        yield Ledger(db, actor, now)


def get(db: sqlite3.Connection, subject: str) -> Any:
    """The record of a subject, or None."""
    kind = subject_kind(prefix_of(subject))
    row = db.execute(f"SELECT document FROM {kind.TABLE} WHERE subject = ?", (subject,)).fetchone()  # noqa: S608 - constant
    return None if row is None else record_of(kind, row[0])


def last_of(db: sqlite3.Connection, subject: str) -> int:
    """The number of a subject's last event; 0 where there is none."""
    return int(
        db.execute("SELECT coalesce(max(id), 0) FROM events WHERE subject = ?", (subject,)).fetchone()[0]
    )


def put(db: sqlite3.Connection, subject: str, record: Any, before: Any = None) -> None:
    """Keep a record as it follows from its events; None takes it away. `before` is what is kept, if known."""
    table = subject_kind(prefix_of(subject)).TABLE
    if table == "procedures":
        put_run(db, subject, record, before)
    elif record is None:
        db.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))  # noqa: S608 - constant
    else:
        db.execute(
            f"INSERT INTO {table} (subject, document) VALUES (?, ?)"  # noqa: S608 - constant
            " ON CONFLICT (subject) DO UPDATE SET document = excluded.document",
            (subject, document(record)),
        )


def record_of(kind: Subject, document: str) -> Any:
    """The record of a stored document; StoreError where it is none."""
    try:
        return kind.decode(json.loads(document))
    except (TypeError, ValueError) as error:
        raise StoreError(f"a record is damaged ({error}); run `opsctl db verify`") from error


def document(record: Any) -> str:
    """A record as it is stored."""
    return canonical(record._asdict())


def records(db: sqlite3.Connection, prefix: str, states: Sequence[str] = ()) -> list[Any]:
    """All records of one kind, in the order of their numbers; those in `states` where some are given."""
    kind = subject_kind(prefix)
    where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
    rows = db.execute(f"SELECT document FROM {kind.TABLE} {where}", tuple(states))  # noqa: S608 - constants
    return sorted((record_of(kind, row[0]) for row in rows), key=lambda one: one.number)


def titles(db: sqlite3.Connection, prefix: str, most: int) -> list[tuple[str, str]]:
    """The newest subjects of a kind, each with its title, its runbook or its checklist."""
    table = subject_kind(prefix).TABLE
    return db.execute(
        "SELECT subject, coalesce(json_extract(document, '$.title'), json_extract(document, '$.runbook'),"  # noqa: S608 - constant
        f" json_extract(document, '$.checklist'), '') FROM {table} ORDER BY number DESC LIMIT ?",
        (most,),
    ).fetchall()


def events(
    db: sqlite3.Connection,
    subjects: Sequence[str] | None = None,
    *,
    command: int | None = None,
    undone: bool = False,
) -> list[Event]:
    """Events in the order in which they were recorded: of some subjects, of one command, or all.

    Those of commands that were undone are left out unless `undone`.
    """
    where, given = ["1"], []
    if subjects is not None:
        where.append("subject IN (SELECT value FROM json_each(?))")
        given.append(json.dumps(list(subjects)))
    if command is not None:
        where.append("command = ?")
        given.append(str(command))
    rows = db.execute(f"SELECT {_EVENT} FROM events WHERE {' AND '.join(where)} ORDER BY id", given)  # noqa: S608 - constants
    gone = set() if undone else undone_by(db)
    return [event for row in rows if (event := event_of(row)).command not in gone]


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of the table."""
    identity, command, recorded, occurred, actor, host, words, kind, subject, body = row[:10]
    return Event(
        identity,
        command,
        seconds(recorded),
        seconds(occurred),
        actor,
        host,
        words,
        kind,
        subject,
        json.loads(body),
    )


def undone_by(db: sqlite3.Connection) -> set[int]:
    """The commands that do not count, as they were undone."""
    return undone_commands(undos(db))


def undos(db: sqlite3.Connection) -> dict[int, int]:
    """Which command each undoing command undid."""
    return dict(db.execute("SELECT command, undone FROM undos"))


def _last(db: sqlite3.Connection) -> tuple[int, bytes]:
    """The highest number that an event ever had, and the last digest.

    A number that was cut off the end is not given again, so that the gap stays to be seen.
    """
    last, digest = db.execute("SELECT id, digest FROM events ORDER BY id DESC LIMIT 1").fetchone() or (
        0,
        GENESIS,
    )
    return max(last, given(db)), digest


def given(db: sqlite3.Connection) -> int:
    """The highest number that SQLite knows an event to have had."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row[0]) if row else 0
