"""Forget what is old: passes first, failures later, the roll-ups last."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.place_results import forget
from opsctl.store.replay import anchor
from opsctl.store.rows import HOUR, millis, seconds

if TYPE_CHECKING:
    import sqlite3

    from opsctl.store.opening import Store


class Pruned(NamedTuple):
    """How many of each were deleted."""

    passes: int
    failures: int
    runs: int
    hours: int
    spans: int
    beats: int
    checks: int
    maintained: int
    place_results: int


_OLD = "at < ? AND id NOT IN (SELECT result_id FROM standings)"
_PASSES = f"DELETE FROM results WHERE {_OLD} AND id NOT IN (SELECT result_id FROM evidence)"  # noqa: S608
_FAILURES = f"DELETE FROM results WHERE {_OLD}"  # noqa: S608 - constants
_RUNS = """
    DELETE FROM runs WHERE finished < ? AND NOT EXISTS (
        SELECT 1 FROM results WHERE results.id BETWEEN runs.first_result AND runs.last_result
    )
"""
# Only what replaying no longer needs.
_SPANS = """
    DELETE FROM spans WHERE ended < ? AND id < (
        SELECT span_id FROM anchors WHERE anchors.check_id = spans.check_id
    )
"""
_SHAPES = """
    DELETE FROM shapes WHERE id NOT IN (SELECT shape_id FROM results WHERE shape_id IS NOT NULL)
"""
_GONE = "SELECT check_id FROM standings WHERE at < ?"
_OF_A_CHECK = ("results", "anchors", "spans", "hours", "maintained")


def prune(
    store: Store,
    now: float,
    *,
    keep_passes: float,
    keep_failures: float,
    keep_rollups: float,
    compact: bool = False,
) -> Pruned:
    """Delete what is older than so many seconds, in one transaction.

    Passes are results without evidence: up, and not the first good one after a bad one. Failures
    live at least as long as passes, roll-ups (hours, spans and maintenance) at least as long as failures. A
    check's latest result always stays, unless it is older than the roll-ups are kept: then the
    check is forgotten. Results of other places live as long as passes. `compact` gives the room back
    to the file system, which copies the store.
    """
    passes = millis(now - keep_passes)
    failures = min(passes, millis(now - keep_failures))
    rollups = min(failures, millis(now - keep_rollups))
    with store.writing() as db:
        checks = _forget(db, rollups)
        _anchor(db, passes)
        counts = Pruned(
            passes=_deleted(db, _PASSES, passes),
            failures=_deleted(db, _FAILURES, failures),
            runs=_deleted(db, _RUNS, passes),
            hours=_deleted(db, "DELETE FROM hours WHERE hour < ?", rollups // HOUR),
            spans=_deleted(db, _SPANS, rollups),
            beats=_deleted(db, "DELETE FROM beats WHERE at < ?", failures),
            checks=checks,
            maintained=_deleted(db, "DELETE FROM maintained WHERE until < ?", rollups),
            place_results=forget(db, seconds(passes)),
        )
        db.execute(_SHAPES)
    if compact:
        store.db.execute("VACUUM")
    return counts


def _anchor(db: sqlite3.Connection, before: int) -> None:
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM results WHERE at < ?", (before,)).fetchone()
    anchor(db, last)
    db.execute(
        "INSERT INTO pruned (id, before, result_id) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " before = max(before, excluded.before), result_id = max(result_id, excluded.result_id)",
        (before, last),
    )


def _forget(db: sqlite3.Connection, before: int) -> int:
    gone = [check_id for (check_id,) in db.execute(_GONE, (before,))]
    # The standing goes after the results, the check after all that points to it.
    for table in (*_OF_A_CHECK, "standings"):
        db.executemany(f"DELETE FROM {table} WHERE check_id = ?", ((each,) for each in gone))  # noqa: S608
    db.executemany("DELETE FROM checks WHERE id = ?", ((each,) for each in gone))
    return len(gone)


def _deleted(db: sqlite3.Connection, statement: str, before: int) -> int:
    return db.execute(statement, (before,)).rowcount
