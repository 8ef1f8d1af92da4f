"""Heartbeats: what jobs say of themselves, and the latest of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from opsctl.checks import Heartbeat
from opsctl.store.rows import millis, seconds, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.store.opening import Store

Signal = Literal["start", "ok", "fail"]

# The latest signal counts as it came in, never the highest time: a clock that was once in the
# future would make a dead job look alive until then. A start says nothing of how it will end.
_NOTE: Mapping[Signal, str] = {
    "start": "started = excluded.started",
    "ok": "succeeded = excluded.succeeded, message = excluded.message",
    "fail": "failed = excluded.failed, message = excluded.message",
}


def beat(store: Store, name: str, signal: Signal, at: float, message: str) -> None:
    """Record that the job `name` started, succeeded or failed at `at` (UTC epoch seconds)."""
    times = tuple(millis(at) if signal == each else None for each in _NOTE)
    said = text(message)
    with store.writing() as db:
        db.execute(
            "INSERT INTO heartbeats (name, started, succeeded, failed, message) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constants
            f" ON CONFLICT (name) DO UPDATE SET {_NOTE[signal]}",
            (name, *times, "" if signal == "start" else said),
        )
        db.execute(
            "INSERT INTO beats (name, at, signal, message) VALUES (?, ?, ?, ?)",
            (name, millis(at), signal, said),
        )


def heartbeat(store: Store, name: str) -> Heartbeat | None:
    """The latest signals of the job; None where it never gave one. `message` is that of its last end."""
    row = store.db.execute(
        "SELECT started, succeeded, failed, message FROM heartbeats WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        return None
    *times, message = row
    started, succeeded, failed = (None if each is None else seconds(each) for each in times)
    return Heartbeat(started, succeeded, failed, message)
