"""Counts, latencies and the course over a window: from the results where they are few, else by the hour."""

from __future__ import annotations

import json
from itertools import pairwise
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

    From the hourly roll-up, every hour that the window touches counts whole.
    """

    results: Mapping[State, int]
    latencies: Latencies | None
    buckets: tuple[Bucket, ...]


class _Sums:
    """Running sums for one check; `worst`, `spent` and `answers` are by bucket."""

    __slots__ = ("answers", "latency", "packed", "raw", "results", "spent", "worst")

    def __init__(self, buckets: int) -> None:
        self.results = [0] * len(STATES)
        self.latency = 0
        self.raw: list[int] = []
        self.packed: list[bytes] = []
        self.worst = [-1] * buckets
        self.spent = [0] * buckets
        self.answers = [0] * buckets

    def add_result(self, state: int, latency: int | None, bucket: int) -> None:
        """Count one result."""
        self.results[state] += 1
        self.worst[bucket] = max(self.worst[bucket], state)
        if latency is not None:
            self.raw.append(latency)
            self.spent[bucket] += latency
            self.answers[bucket] += 1

    def add_slot(self, seen: Sequence[int], latency: int, answers: int, shown: Iterable[int]) -> None:
        """Count a stretch of the roll-up, to be shown in the buckets `shown`."""
        self.results = [one + more for one, more in zip(self.results, seen, strict=True)]
        self.latency += latency
        worst = max(code for code, many in enumerate(seen) if many)
        for bucket in shown:
            self.worst[bucket] = max(self.worst[bucket], worst)
            self.spent[bucket] += latency
            self.answers[bucket] += answers


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
_HOURS = """
    SELECT {slot} AS slot, h.check_id, sum(h.up), sum(h.degraded), sum(h.unknown), sum(h.down),
        sum(h.latency), sum(length(h.latencies)) / 2
    FROM hours AS h
    WHERE h.hour >= :first AND h.hour < :last AND h.check_id IN (SELECT value FROM json_each(:ids))
    GROUP BY slot, h.check_id
"""
_BY_BUCKET = f"max(0, h.hour * {HOUR} - :since) * :buckets / (:until - :since)"
_LATENCIES = """
    SELECT h.check_id, h.latencies
    FROM hours AS h
    WHERE h.hour >= :first AND h.hour < :last AND h.check_id IN (SELECT value FROM json_each(:ids))
"""


def tallies(
    db: sqlite3.Connection, ids: Sequence[int], since: int, until: int, buckets: int
) -> dict[int, Tally]:
    """What was seen of the checks from `since` to before `until` (milliseconds), by check."""
    if _few(db, since, until):
        return _from_results(db, ids, since, until, buckets)
    return _from_hours(db, ids, since, until, buckets)


def _few(db: sqlite3.Connection, since: int, until: int) -> bool:
    """Whether every result of the window is still there, and there are few."""
    (gone,) = db.execute("SELECT coalesce(max(before), ?) FROM pruned", (since,)).fetchone()
    if gone > since:
        return False
    (many,) = db.execute(_MANY, (since, until, _FEW + 1)).fetchone()
    return int(many) <= _FEW


def _from_results(
    db: sqlite3.Connection, ids: Iterable[int], since: int, until: int, buckets: int
) -> dict[int, Tally]:
    found: dict[int, _Sums] = {}
    for check_id, at, state, latency in db.execute(_RAW, (since, until, since, until, json.dumps(list(ids)))):
        sums = found.get(check_id) or found.setdefault(check_id, _Sums(buckets))
        sums.add_result(state, latency, (at - since) * buckets // (until - since))
    return {check_id: _tally(sums, exact(sums.raw)) for check_id, sums in found.items()}


def _from_hours(
    db: sqlite3.Connection, ids: Iterable[int], since: int, until: int, buckets: int
) -> dict[int, Tally]:
    first, last = since // HOUR, -(-until // HOUR)
    given = {
        "first": first,
        "last": last,
        "since": since,
        "until": until,
        "buckets": buckets,
        "ids": json.dumps(list(ids)),
    }
    # Where buckets are longer than hours, SQL adds up; else an hour shows in each that it overlaps.
    if last - first > buckets:
        query, shown = _HOURS.format(slot=_BY_BUCKET), [range(each, each + 1) for each in range(buckets)]
    else:
        query, shown = _HOURS.format(slot="h.hour - :first"), _overlaps(first, last, since, until, buckets)
    found: dict[int, _Sums] = {}
    for slot, check_id, up, degraded, unknown, down, latency, answers in db.execute(query, given):
        sums = found.get(check_id) or found.setdefault(check_id, _Sums(buckets))
        sums.add_slot((up, degraded, unknown, down), latency, answers, shown[slot])
    for check_id, packed in db.execute(_LATENCIES, given):
        found[check_id].packed.append(packed)
    return {check_id: _tally(sums, rolled(sums.latency, sums.packed)) for check_id, sums in found.items()}


def _overlaps(first: int, last: int, since: int, until: int, buckets: int) -> list[range]:
    """For each hour, the buckets that it overlaps."""
    length = until - since
    edges = [min(max(hour * HOUR, since), until) - since for hour in range(first, last + 1)]
    return [range(begin * buckets // length, -(-end * buckets // length)) for begin, end in pairwise(edges)]


def _tally(sums: _Sums, latencies: Latencies | None) -> Tally:
    return Tally(
        dict(zip(STATES, sums.results, strict=True)),
        latencies,
        tuple(
            Bucket(None if worst < 0 else STATES[worst], spent / answers / 1e6 if answers else None)
            for worst, spent, answers in zip(sums.worst, sums.spent, sums.answers, strict=True)
        ),
    )
