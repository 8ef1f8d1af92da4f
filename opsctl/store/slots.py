"""Routines in the store: what was due when, since when a schedule counts, and who works on it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.ledger import subject_kind
from opsctl.store.ledger import record_of
from opsctl.store.rows import millis, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from opsctl.ledger.gate import Gate
    from opsctl.ledger.run import Run
    from opsctl.ledger.slot import Slot


class Lease(NamedTuple):
    """Who works on a routine: which slot, at which step, until when it counts at most (UTC epoch seconds)."""

    routine: str
    due: float
    step: str | None
    host: str
    process: str
    expires: float


# A clock may be put back by so much. A slot further ahead was made by a clock that was wrong, and what is due
# before it is yet to come.
_AHEAD = 3 * 86_400.0
_SEEN = "FROM slots WHERE routine = ? AND scheduled AND (due <= ? OR state = 'skipped')"
# What was skipped in advance stands for itself alone: what is due before it is not yet seen to.
_REACHED = """
    SELECT due FROM slots WHERE routine = ? AND scheduled AND due <= ? AND NOT (
        state = 'skipped' AND json_extract(document, '$.ended') < due
        AND NOT json_extract(document, '$.missed')
    ) ORDER BY due DESC LIMIT 1
"""


def last_slots(db: sqlite3.Connection, routines: Iterable[str], now: float) -> dict[str, Slot]:
    """The last scheduled slot of every routine that has one."""
    found = {routine: last_slot(db, routine, now) for routine in routines}
    return {routine: slot for routine, slot in found.items() if slot is not None}


def last_slot(db: sqlite3.Connection, routine: str, now: float) -> Slot | None:
    """The newest scheduled slot of a routine, one that is open before any that is not."""
    given = (routine, now + _AHEAD)
    row = (
        db.execute(f"SELECT document {_SEEN} AND state = 'open' ORDER BY due DESC LIMIT 1", given).fetchone()
        or db.execute(f"SELECT document {_SEEN} ORDER BY due DESC LIMIT 1", given).fetchone()
    )
    return None if row is None else _slot(row[0])


def reached(db: sqlite3.Connection, routine: str, now: float) -> float | None:
    """Up to when a routine was seen to."""
    row = db.execute(_REACHED, (routine, now + _AHEAD)).fetchone()
    return None if row is None else float(row[0])


def due_before(db: sqlite3.Connection, routine: str, due: float) -> float | None:
    """When a routine was due the last time before; None where it never was."""
    query = "SELECT max(due) FROM slots WHERE routine = ? AND scheduled AND due < ?"
    (found,) = db.execute(query, (routine, due)).fetchone()
    return None if found is None else float(found)


def taken(db: sqlite3.Connection, routine: str, since: float) -> set[float]:
    """The times of a routine after `since` that have a slot already."""
    rows = db.execute("SELECT due FROM slots WHERE routine = ? AND scheduled AND due > ?", (routine, since))
    return {float(due) for (due,) in rows}


def slots_of(db: sqlite3.Connection, routine: str | None, limit: int = -1) -> list[Slot]:
    """The slots of a routine, or of all, the newest first."""
    rows = db.execute(
        "SELECT document FROM slots WHERE ?1 IS NULL OR routine = ?1 ORDER BY due DESC, number DESC LIMIT ?2",
        (routine, limit),
    )
    return [_slot(document) for (document,) in rows]


def open_slots(db: sqlite3.Connection) -> list[Slot]:
    """The slots that wait for something, the oldest first."""
    rows = db.execute("SELECT document FROM slots WHERE state = 'open' ORDER BY due, number")
    return [_slot(document) for (document,) in rows]


def since(db: sqlite3.Connection) -> dict[str, tuple[str, float]]:
    """The digest of each routine's schedule, and from when it counts (UTC epoch seconds)."""
    rows = db.execute("SELECT routine, digest, since FROM routines")
    return {routine: (digest, seconds(at)) for routine, digest, at in rows}


def begin_counting(db: sqlite3.Connection, routine: str, digest: str, schedule: str, now: float) -> None:
    """A routine's schedule counts from now on."""
    row = (routine, digest, schedule, millis(now))
    db.execute("INSERT OR REPLACE INTO routines (routine, digest, schedule, since) VALUES (?, ?, ?, ?)", row)


def counted_by(db: sqlite3.Connection, routine: str) -> str | None:
    """The schedule by which a routine is counted, where that is known."""
    row = db.execute("SELECT schedule FROM routines WHERE routine = ?", (routine,)).fetchone()
    return None if row is None else row[0]


def lease_of(db: sqlite3.Connection, routine: str) -> Lease | None:
    """Who works on a routine, or did when it died."""
    row = db.execute(
        "SELECT routine, due, step, host, process, expires FROM leases WHERE routine = ?", (routine,)
    ).fetchone()
    return None if row is None else Lease(row[0], seconds(row[1]), row[2], row[3], row[4], seconds(row[5]))


def take(db: sqlite3.Connection, lease: Lease) -> None:
    """Take or renew a lease."""
    db.execute(
        "INSERT OR REPLACE INTO leases (routine, due, step, host, process, expires)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (lease.routine, millis(lease.due), *lease[2:5], millis(lease.expires)),
    )


def give_back(db: sqlite3.Connection, lease: Lease) -> None:
    """End a lease, where it is still its holder's."""
    db.execute(
        "DELETE FROM leases WHERE routine = ? AND host = ? AND process = ?",
        (lease.routine, lease.host, lease.process),
    )


def passed(db: sqlite3.Connection, noun: str, name: str) -> list[float]:
    """When a gate first let each subject pass, or a runbook was done, in UTC epoch seconds."""
    return sorted(_PASSED[noun](db, name))


def _gates(db: sqlite3.Connection, name: str) -> list[float]:
    rows = db.execute("SELECT document FROM gates WHERE checklist = ? ORDER BY number", (name,))
    first: dict[str, float] = {}
    for (document,) in rows:
        gate: Gate = record_of(subject_kind("GATE"), document)
        if gate.passed:
            first.setdefault(gate.subject_ref, gate.decided)
    return list(first.values())


def _runs(db: sqlite3.Connection, name: str) -> list[float]:
    rows = db.execute("SELECT document FROM procedures WHERE runbook = ? AND state = 'done'", (name,))
    found: list[Run] = [record_of(subject_kind("RUN"), document) for (document,) in rows]
    return [one.ended for one in found if not one.drill and one.ended is not None]


_PASSED: Mapping[str, Callable[[sqlite3.Connection, str], list[float]]] = {"gate": _gates, "runbook": _runs}


def _slot(document: str) -> Slot:
    slot: Slot = record_of(subject_kind("RTN"), document)
    return slot
