"""Latencies of several checks put together, with how often each was seen."""

from __future__ import annotations

import json
import struct
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.latencies import EXACT, ROUNDED, decode
from opsctl.store.rows import HOUR
from opsctl.store.tallies import few

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence


class Pool(NamedTuple):
    """Latencies in seconds with how often each was seen, how many each check has, and how exact they are."""

    counts: Mapping[float, int]
    answers: Mapping[str, int]
    method: str


_RAW = """
    SELECT c.name, r.latency, count(*)
    FROM runs
    CROSS JOIN results AS r ON r.id BETWEEN runs.first_result AND runs.last_result
    JOIN checks AS c ON c.id = r.check_id
    WHERE runs.latest >= :since AND runs.earliest < :until AND r.at >= :since AND r.at < :until
        AND r.latency IS NOT NULL AND c.name IN (SELECT value FROM json_each(:names))
    GROUP BY c.name, r.latency
"""
# Hour by hour, as the hours lie in the order of time and one check's are few among them.
_ROLLED = """
    WITH RECURSIVE window (hour) AS (
        SELECT :since UNION ALL SELECT hour + 1 FROM window WHERE hour + 1 < :until
    )
    SELECT c.name, h.latencies
    FROM json_each(:names) AS wanted
    CROSS JOIN checks AS c ON c.name = wanted.value
    CROSS JOIN window
    CROSS JOIN hours AS h ON h.hour = window.hour AND h.check_id = c.id
"""


def pooled(db: sqlite3.Connection, names: Sequence[str], since: int, until: int) -> Pool:
    """The latencies of the checks from `since` to before `until` (milliseconds).

    Where there are many results, or some were pruned, every hour that the window touches counts whole.
    """
    given = {"since": since, "until": until, "names": json.dumps(list(names))}
    counts: Counter[float] = Counter()
    answers: Counter[str] = Counter()
    if few(db, since, until):
        for name, latency, times in db.execute(_RAW, given):
            counts[latency / 1e6] += times
            answers[name] += times
        return Pool(counts, answers, EXACT)
    codes: Counter[int] = Counter()
    for name, packed in db.execute(_ROLLED, {**given, "since": since // HOUR, "until": -(-until // HOUR)}):
        codes.update(struct.unpack(f"<{len(packed) // 2}H", packed))
        answers[name] += len(packed) // 2
    return Pool({decode(code) / 1e6: times for code, times in codes.items()}, answers, ROUNDED)
