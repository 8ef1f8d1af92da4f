"""Routines in the store: what was due when, since when a schedule counts, and who works on it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.ledger import subject_kind
from opsctl.store.ledger import record_of
from opsctl.store.rows import millis, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

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


_LAST = """
    SELECT document FROM slots JOIN (
        SELECT routine AS name, max(due) AS latest FROM slots WHERE scheduled GROUP BY routine
    ) ON routine = name AND due = latest
"""


def last_slots(db: sqlite3.Connection) -> dict[str, Slot]:
    """The newest scheduled slot of every routine."""
    found = (_slot(document) for (document,) in db.execute(_LAST))
    return {one.routine: one for one in found}


def last_slot(db: sqlite3.Connection, routine: str) -> Slot | None:
    """The newest scheduled slot of a routine."""
    row = db.execute(
        "SELECT document FROM slots WHERE routine = ? AND scheduled ORDER BY due DESC LIMIT 1", (routine,)
    ).fetchone()
    return None if row is None else _slot(row[0])


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


def begin_counting(db: sqlite3.Connection, routine: str, digest: str, now: float) -> None:
    """A routine's schedule counts from now on."""
    row = (routine, digest, millis(now))
    db.execute("INSERT OR REPLACE INTO routines (routine, digest, since) VALUES (?, ?, ?)", row)


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
