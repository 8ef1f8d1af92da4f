"""The recorded results of one check: of whole hours from the roll-up, or the newest."""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING

from opsctl.checks import Past
from opsctl.outcome import State
from opsctl.store.latencies import decode
from opsctl.store.rows import HOUR, STATES, millis, seconds

if TYPE_CHECKING:
    import sqlite3

_HOURS = """
    SELECT h.up, h.degraded, h.unknown, h.down, h.latencies
    FROM hours AS h JOIN checks AS c ON c.id = h.check_id
    WHERE h.hour >= ? AND c.name = ?
"""
_NEWEST = """
    SELECT r.state, r.latency, r.at FROM results AS r
    WHERE r.check_id = (SELECT id FROM checks WHERE name = ?) ORDER BY r.id DESC LIMIT ?
"""


def past_results(db: sqlite3.Connection, check: str, since: float | None, last: int | None) -> Past:
    """What was recorded since a time (UTC epoch seconds), in the hours that it touches; or the newest."""
    if since is None:
        return _newest(db, check, last or 0)
    states: Counter[State] = Counter()
    latencies: list[float] = []
    for *counts, packed in db.execute(_HOURS, (millis(since) // HOUR, check)):
        states.update(dict(zip(STATES, counts, strict=True)))
        latencies += (decode(code) / 1e6 for code in struct.unpack(f"<{len(packed) // 2}H", packed))
    return Past(states, tuple(latencies))


def _newest(db: sqlite3.Connection, check: str, last: int) -> Past:
    rows = db.execute(_NEWEST, (check, last)).fetchall()
    order = tuple(STATES[state] for state, _, _ in reversed(rows))
    latencies = tuple(latency / 1e6 for _, latency, _ in rows if latency is not None)
    known = (seconds(at) for state, _, at in rows if STATES[state] is not State.UNKNOWN)
    return Past(Counter(order), latencies, order, next(known, None))
