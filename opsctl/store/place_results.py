"""Results of other places, kept apart from this machine's own: nothing here is derived from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import Cause, Kind
from opsctl.place_lines import AHEAD, PlaceResult
from opsctl.store.rows import CODES, STATES, millis, seconds, text
from opsctl.units import brief

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

_LATEST = """
    SELECT p.place, p.check_name, max(p.at), p.state, p.cause, p.latency, p.message
    FROM json_each(?) AS wanted
    CROSS JOIN place_results AS p ON p.check_name = wanted.value
    WHERE p.at <= ?
    GROUP BY p.check_name, p.place ORDER BY p.check_name, p.place
"""
# The key keeps them in order, and keeps each from being there twice.
_WRONG = """
    SELECT count(*) FROM place_results
    WHERE at < 0 OR check_name = '' OR place = '' OR latency < 0
        OR (cause IS NOT NULL AND cause NOT IN (SELECT value FROM json_each(?)))
"""


class Added(NamedTuple):
    """How many results were new, were known, and say otherwise than what is known, which stays."""

    new: int
    known: int
    contradicted: int


def add(db: sqlite3.Connection, results: Iterable[PlaceResult]) -> Added:
    """Keep results; what is known of a check, a place and a time is never changed."""
    counts = [0, 0, 0]
    for one in results:
        row = _row(one)
        added = db.execute("INSERT OR IGNORE INTO place_results VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount
        counts[0 if added else 1 if _known(db, row) == row else 2] += 1
    return Added(*counts)


def forget(db: sqlite3.Connection, before: float) -> int:
    """Delete what was found before a time (UTC epoch seconds); the answer is how many results."""
    return db.execute("DELETE FROM place_results WHERE at < ?", (millis(before),)).rowcount


def latest(db: sqlite3.Connection, names: Iterable[str], until: float) -> list[PlaceResult]:
    """The latest result up to a time of each check at each place, by check and place."""
    rows = db.execute(_LATEST, (json.dumps(list(names)), millis(until)))
    return [
        PlaceResult(
            place,
            check,
            seconds(at),
            STATES[state],
            Cause(cause) if cause else None,
            None if latency is None else latency / 1e6,
            message,
        )
        for place, check, at, state, cause, latency, message in rows
    ]


def faults(db: sqlite3.Connection, now: float | None) -> Iterator[str]:
    """What is wrong with them: rows that are no results, and with `now` those of a time to come."""
    causes = json.dumps([str(one) for one in Cause])
    (wrong,) = db.execute(_WRONG, (causes,)).fetchone()
    if wrong:
        yield f"{wrong} results of other places are none"
    if now is None:
        return
    early = "SELECT place, count(*), max(at) FROM place_results WHERE at > ? GROUP BY place ORDER BY place"
    for place, number, at in db.execute(early, (millis(now + AHEAD),)):
        ahead = brief(Kind.DURATION, seconds(at) - now)
        yield f"{number} results of place `{place}` lie in the future, by up to {ahead}; is the clock right?"


_Row = tuple[str, str, int, int, str | None, int | None, str]


def _row(one: PlaceResult) -> _Row:
    latency = None if one.latency is None else round(one.latency * 1e6)
    cause = None if one.cause is None else str(one.cause)
    return (one.check, one.place, millis(one.at), CODES[one.state], cause, latency, text(one.message))


def _known(db: sqlite3.Connection, row: _Row) -> tuple[object, ...]:
    found: tuple[object, ...] = db.execute(
        "SELECT * FROM place_results WHERE check_name = ? AND place = ? AND at = ?", row[:3]
    ).fetchone()
    return found
