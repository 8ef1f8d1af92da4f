"""Latencies hour by hour, from the roll-up."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.latencies import decode
from opsctl.store.rows import HOUR, millis, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence


class Hour(NamedTuple):
    """The latencies of a check in one hour; `started` is UTC epoch seconds, `codes` are for `seconds_of`."""

    check: str
    started: float
    codes: tuple[int, ...]


_HOURS = """
    SELECT c.name, h.hour, h.latencies
    FROM hours AS h
    JOIN checks AS c ON c.id = h.check_id
    WHERE h.hour >= ? AND h.hour < ? AND c.name IN (SELECT value FROM json_each(?))
    ORDER BY h.hour, c.name
"""


def hourly(db: sqlite3.Connection, names: Sequence[str], since: float, until: float) -> Iterator[Hour]:
    """The hours that the window [since, until) touches, each as a whole, with what was measured in it."""
    first, last = millis(since) // HOUR, -(-millis(until) // HOUR)
    for name, hour, packed in db.execute(_HOURS, (first, last, json.dumps(list(names)))):
        yield Hour(name, seconds(hour * HOUR), struct.unpack(f"<{len(packed) // 2}H", packed))


def seconds_of(counts: Mapping[int, int]) -> dict[float, int]:
    """How often each latency in seconds was seen, of how often each code was; within 0.4 %."""
    return {decode(code) / 1e6: times for code, times in counts.items()}
