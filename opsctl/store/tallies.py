"""Counts, latencies and the course over a window: from the results where they are few, else by the hour."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.latencies import Latencies, exact, rolled
from opsctl.store.rows import HOUR, STATES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from opsctl.outcome import State

BUCKETS = 40
# Reading so many results costs some 20 ms; the hours of a million cost less than those.
_FEW = 20_000


class Bucket(NamedTuple):
    """One part of a window: the worst state that was seen, and the mean latency in seconds."""

    state: State | None
    latency: float | None


class Tally(NamedTuple):
    """What was seen of a check over a window.

    From the hourly roll-up, every hour that the window touches counts whole, and there are no more
    buckets than hours.
    """

    results: Mapping[State, int]
    latencies: Latencies | None
    buckets: tuple[Bucket, ...]


class _Seen:
    """What raw results add up to, for one check; latencies are by bucket."""

    __slots__ = ("latencies", "results", "worst")

    def __init__(self, buckets: int) -> None:
        self.results = [0] * len(STATES)
        self.worst = [-1] * buckets
        self.latencies: list[list[int]] = [[] for _ in range(buckets)]


_MANY = """
    SELECT count(*) FROM (
        SELECT 1 FROM runs CROSS JOIN results AS r ON r.id BETWEEN runs.first_result AND runs.last_result
        WHERE runs.latest >= ? AND runs.earliest < ? LIMIT ?
    )
"""
_RAW = """
    SELECT r.check_id, r.at, r.state, r.latency
    FROM runs
    CROSS JOIN results AS r ON r.id BETWEEN runs.first_result AND runs.last_result
    WHERE runs.latest >= ? AND runs.earliest < ? AND r.at >= ? AND r.at < ?
        AND r.check_id IN (SELECT value FROM json_each(?))
"""
_TOTALS = """
    SELECT h.check_id, sum(h.up), sum(h.degraded), sum(h.unknown), sum(h.down), sum(h.latency)
    FROM hours AS h
    WHERE h.hour >= :first AND h.hour < :last AND h.check_id IN (SELECT value FROM json_each(:ids))
    GROUP BY h.check_id
"""
_COURSE = """
    SELECT h.check_id, (h.hour - :first) * :buckets / (:last - :first) AS bucket,
        CASE WHEN sum(h.down) THEN 3 WHEN sum(h.unknown) THEN 2 WHEN sum(h.degraded) THEN 1 ELSE 0 END,
        sum(h.latency) * 2e-6 / nullif(sum(length(h.latencies)), 0)
    FROM hours AS h
    WHERE h.hour >= :first AND h.hour < :last AND h.check_id IN (SELECT value FROM json_each(:ids))
    GROUP BY bucket, h.check_id
"""
_LATENCIES = """
    SELECT h.check_id, h.latencies
    FROM hours AS h
    WHERE h.hour >= :first AND h.hour < :last AND h.check_id IN (SELECT value FROM json_each(:ids))
"""


def tallies(
    db: sqlite3.Connection, ids: Sequence[int], since: int, until: int, buckets: int
) -> dict[int, Tally]:
    """What was seen of each of the checks from `since` to before `until` (milliseconds)."""
    if few(db, since, until):
        found = _from_results(db, ids, since, until, buckets)
    else:
        first, last = since // HOUR, -(-until // HOUR)
        buckets = min(buckets, last - first)
        found = _from_hours(db, ids, first, last, buckets)
    nothing = Tally(dict.fromkeys(STATES, 0), None, (Bucket(None, None),) * buckets)
    return {check_id: found.get(check_id, nothing) for check_id in ids}


def few(db: sqlite3.Connection, since: int, until: int) -> bool:
    """Whether every result of the window is still there, and there are few."""
    (gone,) = db.execute("SELECT coalesce(max(before), ?) FROM pruned", (since,)).fetchone()
    if gone > since:
        return False
    (many,) = db.execute(_MANY, (since, until, _FEW + 1)).fetchone()
    return int(many) <= _FEW


def _from_results(
    db: sqlite3.Connection, ids: Iterable[int], since: int, until: int, buckets: int
) -> dict[int, Tally]:
    found: dict[int, _Seen] = {}
    for check_id, at, state, latency in db.execute(_RAW, (since, until, since, until, json.dumps(list(ids)))):
        seen = found.get(check_id) or found.setdefault(check_id, _Seen(buckets))
        bucket = (at - since) * buckets // (until - since)
        seen.results[state] += 1
        seen.worst[bucket] = max(seen.worst[bucket], state)
        if latency is not None:
            seen.latencies[bucket].append(latency)
    return {check_id: _tally(seen) for check_id, seen in found.items()}


def _tally(seen: _Seen) -> Tally:
    return Tally(
        dict(zip(STATES, seen.results, strict=True)),
        exact(chain.from_iterable(seen.latencies)),
        tuple(
            Bucket(None if worst < 0 else STATES[worst], sum(took) / len(took) / 1e6 if took else None)
            for worst, took in zip(seen.worst, seen.latencies, strict=True)
        ),
    )


def _from_hours(
    db: sqlite3.Connection, ids: Iterable[int], first: int, last: int, buckets: int
) -> dict[int, Tally]:
    given = {"first": first, "last": last, "buckets": buckets, "ids": json.dumps(list(ids))}
    packed: defaultdict[int, list[bytes]] = defaultdict(list)
    for check_id, latencies in db.execute(_LATENCIES, given):
        packed[check_id].append(latencies)
    courses: defaultdict[int, list[Bucket]] = defaultdict(([Bucket(None, None)] * buckets).copy)
    for check_id, bucket, worst, latency in db.execute(_COURSE, given):
        courses[check_id][bucket] = Bucket(STATES[worst], latency)
    return {
        check_id: Tally(
            dict(zip(STATES, results, strict=True)),
            rolled(total, packed[check_id]),
            tuple(courses[check_id]),
        )
        for check_id, *results, total in db.execute(_TOTALS, given)
    }
