"""The sign-offs and waivers of one checklist, and the decisions of its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.ledger import subject_kind
from opsctl.store.ledger import record_of

if TYPE_CHECKING:
    import sqlite3

    from opsctl.ledger.gate import Gate
    from opsctl.ledger.signoff import Signoff
    from opsctl.ledger.waiver import Waiver


def signoffs(db: sqlite3.Connection, checklist: str, item: str | None = None) -> list[Signoff]:
    """The sign-offs of a checklist, or of one of its items, in their order."""
    return _of(db, "SGN", checklist, item)


def waivers(db: sqlite3.Connection, checklist: str, item: str | None = None) -> list[Waiver]:
    """The waivers of a checklist, or of one of its items, in their order."""
    return _of(db, "WVR", checklist, item)


def decisions(db: sqlite3.Connection, checklist: str, limit: int = -1) -> list[Gate]:
    """The newest decisions of a checklist's gate, the latest first; all where `limit` is negative."""
    rows = db.execute(
        "SELECT document FROM gates WHERE checklist = ? ORDER BY number DESC LIMIT ?", (checklist, limit)
    )
    return [record_of(subject_kind("GATE"), document) for (document,) in rows]


def decided(db: sqlite3.Connection, since: float, until: float) -> list[Gate]:
    """The decisions of all gates in [since, until), UTC epoch seconds, in their order."""
    rows = db.execute(
        "SELECT document FROM gates WHERE json_extract(document, '$.decided') >= ?"
        " AND json_extract(document, '$.decided') < ? ORDER BY number",
        (since, until),
    )
    return [record_of(subject_kind("GATE"), document) for (document,) in rows]


def open_waivers(db: sqlite3.Connection) -> list[Waiver]:
    """The waivers that nobody has ended, those that have expired among them."""
    rows = db.execute(
        "SELECT document FROM waivers WHERE json_extract(document, '$.ended') IS NULL ORDER BY number"
    )
    return [record_of(subject_kind("WVR"), document) for (document,) in rows]


def _of(db: sqlite3.Connection, prefix: str, checklist: str, item: str | None) -> list[Any]:
    kind = subject_kind(prefix)
    of = "WHERE checklist = ?1 AND (?2 IS NULL OR item = ?2) ORDER BY number"
    rows = db.execute(f"SELECT document FROM {kind.TABLE} {of}", (checklist, item))  # noqa: S608 - constants
    return [record_of(kind, document) for (document,) in rows]
