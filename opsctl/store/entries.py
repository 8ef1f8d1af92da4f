"""Look up events in the log: the newest that fit, with their seals and what undid them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from opsctl.ledger.events import UNDONE, Event, undone_commands
from opsctl.store.ledger import event_of, undos
from opsctl.store.rows import millis

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence

_COLUMNS = "id, command, recorded, occurred, actor, host, words, kind, subject, body, digest"
# What is told of a subject: its own events, and the undos that changed it.
_OF_SUBJECTS = """(subject IN (SELECT value FROM json_each(?1)) OR id IN (
    SELECT undo.id FROM undos CROSS JOIN events AS undo ON undo.command = undos.command,
        json_each(undo.body, '$.subjects') AS changed
    WHERE changed.value IN (SELECT value FROM json_each(?1))))"""

# What the event that opens a subject says is said by its record.
_SAID = """kind NOT IN ('incident.opened', 'item.added', 'review.submitted')
    AND coalesce(
        json_extract(body, '$.text'), json_extract(body, '$.reason'), json_extract(body, '$.forced')
    ) IS NOT NULL"""


class Entry(NamedTuple):
    """An event with its seal in hex; `undone_by` is the command that undid its command, where that counts."""

    event: Event
    digest: str
    undone_by: int | None


class Wanted(NamedTuple):
    """Which events are looked for; None or empty is any. Times are of recording, in UTC epoch seconds.

    `kind` may hold `*` for anything. `limit` is how many of the newest, 0 for all.
    """

    subjects: Sequence[str] = ()
    actor: str | None = None
    kind: str | None = None
    since: float | None = None
    until: float | None = None
    command: int | None = None
    undone: bool = False
    limit: int = 50


class Entries(NamedTuple):
    """What was found, in the order of recording; `total` is how many fit before the limit."""

    entries: tuple[Entry, ...]
    total: int


def look_for(db: sqlite3.Connection, wanted: Wanted) -> Entries:
    """The events that are wanted; those of undone commands only where they are asked for."""
    known = undos(db)
    gone = undone_commands(known)
    by = {undone: command for command, undone in known.items() if command not in gone}
    where, given = _conditions(wanted, gone)
    (total,) = db.execute(f"SELECT count(*) FROM events WHERE {where}", given).fetchone()  # noqa: S608 - constants
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM events WHERE {where} ORDER BY id DESC LIMIT {wanted.limit or -1:d}",  # noqa: S608 - constants
        given,
    )
    found = [Entry(event_of(row), row[10].hex(), by.get(row[1])) for row in rows]
    return Entries(tuple(reversed(found)), total)


def kinds(db: sqlite3.Connection) -> list[str]:
    """The kinds of events that were ever recorded."""
    return [kind for (kind,) in db.execute("SELECT DISTINCT kind FROM events ORDER BY kind")]


def said(db: sqlite3.Connection, subjects: Collection[str] | None) -> Iterator[Event]:
    """The events that count in which somebody said something, of some subjects or of all."""
    gone = undone_commands(undos(db))
    of = "1" if subjects is None else "subject IN (SELECT value FROM json_each(?))"
    given = () if subjects is None else (json.dumps(sorted(subjects)),)
    rows = db.execute(f"SELECT {_COLUMNS} FROM events WHERE {of} AND {_SAID} ORDER BY id", given)  # noqa: S608 - constants
    return (event for row in rows if (event := event_of(row)).command not in gone)


def since(db: sqlite3.Connection, identity: int) -> tuple[set[str], bool]:
    """The subjects of the events after the one with this number, and whether one of them undid something."""
    rows = db.execute("SELECT DISTINCT subject, kind = ? FROM events WHERE id > ?", (UNDONE, identity))
    found = list(rows)
    return {subject for subject, _ in found}, any(undid for _, undid in found)


def _conditions(wanted: Wanted, gone: set[int]) -> tuple[str, list[object]]:
    """The condition, and what stands for its `?`, numbered as they are given."""
    given: list[object] = [json.dumps(list(wanted.subjects)), json.dumps(sorted(gone))]
    where = ["?1 = ?1", "?2 = ?2"]
    if wanted.subjects:
        where.append(_OF_SUBJECTS)
    if not wanted.undone and wanted.command is None:
        where.append("command NOT IN (SELECT value FROM json_each(?2))")
    for condition, value in (
        ("actor =", wanted.actor),
        ("kind GLOB", wanted.kind),
        ("recorded >=", None if wanted.since is None else millis(wanted.since)),
        ("recorded <=", None if wanted.until is None else millis(wanted.until)),
        ("command =", wanted.command),
    ):
        if value is not None:
            given.append(value)
            where.append(f"{condition} ?{len(given)}")
    return " AND ".join(where), given
