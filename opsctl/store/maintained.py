"""The stretches of time in which checks did not count, as runs of checks found them to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.store.rows import millis

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from opsctl.intervals import Interval
    from opsctl.maintaining import Maintained


def any_by_hand(db: sqlite3.Connection) -> bool:
    """Whether anybody ever began maintenance by hand."""
    return db.execute("SELECT 1 FROM maintenances LIMIT 1").fetchone() is not None


def note(db: sqlite3.Connection, found: Iterable[Maintained]) -> None:
    """Keep that checks are in maintenance; the end that is known last counts."""
    for one in found:
        db.execute("INSERT INTO checks (name) VALUES (?) ON CONFLICT DO NOTHING", (one.check,))
        db.execute(
            "INSERT INTO maintained (check_id, window, since, until)"
            " SELECT id, ?, ?, ? FROM checks WHERE name = ?"
            " ON CONFLICT (check_id, window, since) DO UPDATE SET until = excluded.until",
            (one.window, millis(one.since), millis(one.until), one.check),
        )


def promised(db: sqlite3.Connection, now: float) -> set[tuple[str, str]]:
    """The checks in maintenance now by a window that was declared when they were last seen, and which."""
    rows = db.execute(
        "SELECT c.name, m.window FROM maintained AS m JOIN checks AS c ON c.id = m.check_id"
        " WHERE m.since <= ? AND m.until > ? AND m.window NOT GLOB 'MNT-*'",
        (millis(now), millis(now)),
    )
    return {(check, window) for check, window in rows}


def withdraw(db: sqlite3.Connection, withdrawn: Iterable[tuple[str, str]], now: float) -> None:
    """Windows that are declared no more, or end earlier than they did: they excuse nothing from now on."""
    db.executemany(
        "UPDATE maintained SET until = ? WHERE check_id = (SELECT id FROM checks WHERE name = ?)"
        " AND window = ? AND since <= ? AND until > ?",
        [(millis(now), check, window, millis(now), millis(now)) for check, window in withdrawn],
    )


def cut(db: sqlite3.Connection, window: str, until: float) -> None:
    """A window has ended before it was to."""
    db.execute("UPDATE maintained SET until = max(since, ?) WHERE window = ?", (millis(until), window))


def maintained(
    db: sqlite3.Connection, names: Iterable[str], since: int, until: int
) -> dict[str, list[Interval]]:
    """For each check the stretches that touch the time from `since` to `until`, in UTC epoch milliseconds."""
    found: dict[str, list[Interval]] = {name: [] for name in names}
    rows = db.execute(
        "SELECT c.name, m.since, m.until FROM maintained AS m JOIN checks AS c ON c.id = m.check_id"
        " WHERE c.name IN (SELECT value FROM json_each(?)) AND m.since < ? AND m.until > ? ORDER BY m.since",
        (json.dumps(list(found)), until, since),
    )
    for name, begin, end in rows:
        found[name].append((begin, end))
    return found
