"""Baselines: how checks stood at a moment that somebody named, to tell later what is newly broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.outcome import State
from opsctl.store.rows import millis, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


def save(db: sqlite3.Connection, name: str, at: float, states: Mapping[str, State]) -> None:
    """Keep how checks stand, in place of what had this name before."""
    text = json.dumps({check: str(state) for check, state in states.items()}, sort_keys=True)
    db.execute(
        "INSERT OR REPLACE INTO baselines (name, at, states) VALUES (?, ?, ?)", (name, millis(at), text)
    )


def load(db: sqlite3.Connection, name: str) -> tuple[float, dict[str, State]] | None:
    """When a baseline was taken (UTC epoch seconds), and how each check stood; None where there is none."""
    row = db.execute("SELECT at, states FROM baselines WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    return seconds(row[0]), {check: State(state) for check, state in json.loads(row[1]).items()}


def names(db: sqlite3.Connection) -> list[str]:
    """All that there are."""
    return [name for (name,) in db.execute("SELECT name FROM baselines ORDER BY name")]
