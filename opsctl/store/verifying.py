"""Verify the store: the file is sound, and all that is derived follows from the results."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from opsctl.errors import StoreError
from opsctl.store.chain import broken
from opsctl.store.faults import damaged
from opsctl.store.opening import open_store, require
from opsctl.store.place_results import faults as places
from opsctl.store.replay import Course, anchored, replay
from opsctl.store.rows import HOUR, Span, standing_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from opsctl.store.opening import Store

# Per hour and check: up, degraded, unknown, down, the sum of the latencies and their number.
_Hours = dict[tuple[int, int], list[int]]
_MOST = 20


def verify(path: Path, now: float | None = None) -> list[str]:
    """What is wrong with the store, one line each; empty where nothing is.

    The file's integrity, references that point nowhere, and a replay of the results: what stands,
    the spans and the hourly roll-up must follow from them; so must the chain of events hold, and every
    record follow from it. Results of other places must be some, and with `now` (UTC epoch seconds) be of the
    past. Others may use the store meanwhile.
    Raises StoreError where it cannot be read at all: missing, locked, not permitted, too new.
    """
    require(path)
    try:
        with open_store(path, write=False) as store:
            db = store.db
            return [
                *_file(db),
                *_references(db),
                *_seen(db),
                *_derived(store),
                *places(db, now),
                *_log(store),
            ]
    except StoreError as error:
        if damaged(error.__cause__):
            return [str(error)]
        raise


def _file(db: sqlite3.Connection) -> Iterator[str]:
    for (line,) in db.execute(f"PRAGMA integrity_check({_MOST})"):
        if line != "ok":
            yield f"the file is damaged: {line}"


def _references(db: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(_MOST):
        yield f"row {row} of {table} points to a row of {parent} that is not there"
    (orphans,) = db.execute(
        "SELECT count(*) FROM results AS r LEFT JOIN runs ON runs.id = r.run_id"
        " WHERE runs.id IS NULL OR r.id NOT BETWEEN runs.first_result AND runs.last_result"
    ).fetchone()
    if orphans:
        yield f"{orphans} results belong to no run"


def _seen(db: sqlite3.Connection) -> Iterator[str]:
    (wrong,) = db.execute(
        "SELECT count(*) FROM results AS r LEFT JOIN shapes AS s ON s.id = r.shape_id"
        " WHERE (r.shape_id IS NULL) IS NOT (r.seen IS NULL) OR (r.shape_id IS NOT NULL AND iif("
        "json_valid(r.seen), json_array_length(r.seen), -1) IS NOT iif("
        "json_valid(s.subjects), json_array_length(s.subjects), -2))"
    ).fetchone()
    if wrong:
        yield f"{wrong} results have values of nobody knows what"


def _derived(store: Store) -> list[str]:
    while True:
        with store.reading() as db:
            after, courses = anchored(db)
            upto = _last(db)
        hours: _Hours = defaultdict(lambda: [0] * 6)
        # The bulk is read in pages, so that others can write; what they wrote, in the end, at once.
        replay(store.db, courses, after, upto, _counter(hours))
        with store.reading() as db:
            # Pruning meanwhile took results away that were still to be read.
            if anchored(db)[0] == after:
                replay(db, courses, upto, _last(db), _counter(hours))
                return [*_courses(db, courses), *_hours(db, hours, after)]


def _log(store: Store) -> list[str]:
    with store.reading() as db:
        return list(broken(db))


def _last(db: sqlite3.Connection) -> int:
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM results").fetchone()
    return int(last)


def _counter(hours: _Hours) -> Callable[[int, int, int, int | None], None]:
    def note(check_id: int, at: int, state: int, latency: int | None) -> None:
        sums = hours[at // HOUR, check_id]
        sums[state] += 1
        if latency is not None:
            sums[4] += latency
            sums[5] += 1

    return note


def _courses(db: sqlite3.Connection, courses: Mapping[int, Course]) -> Iterator[str]:
    kept = {
        check_id: (result_id, standing_of(tuple(row)))
        for check_id, result_id, *row in db.execute(
            "SELECT check_id, result_id, state, since, seen, at, streak, cause, message FROM standings"
        )
    }
    for check_id, name in db.execute("SELECT id, name FROM checks ORDER BY name").fetchall():
        course = courses.get(check_id, Course())
        result_id, standing = kept.get(check_id, (0, None))
        if standing != course.standing or (course.result_id and course.result_id != result_id):
            yield f"check `{name}`: what stands does not follow from its results"
        if _spans(db, check_id, course.first_span) != course.spans:
            yield f"check `{name}`: its spans do not follow from its results"


def _spans(db: sqlite3.Connection, check_id: int, first: int) -> list[Span]:
    rows = db.execute(
        "SELECT state, pending, started, ended, results FROM spans"
        " WHERE check_id = ? AND id >= ? ORDER BY id",
        (check_id, first),
    )
    return [Span(*row) for row in rows]


def _hours(db: sqlite3.Connection, counted: _Hours, after: int) -> Iterator[str]:
    # Of the hours that pruning has reached, only the roll-up is left.
    (reached,) = db.execute(
        "SELECT max(coalesce((SELECT max(before) FROM pruned), 0),"
        " coalesce((SELECT max(at) FROM results WHERE id <= ?), 0))",
        (after,),
    ).fetchone()
    first = reached // HOUR + 1 if after else 0
    kept = {
        (hour, check_id): row
        for hour, check_id, *row in db.execute(
            "SELECT hour, check_id, up, degraded, unknown, down, latency, length(latencies) / 2"
            " FROM hours WHERE hour >= ?",
            (first,),
        )
    }
    found = {key: sums for key, sums in counted.items() if key[0] >= first}
    if kept != found:
        wrong = sum(kept.get(key) != found.get(key) for key in kept.keys() | found.keys())
        yield f"{wrong} rows of the hourly roll-up do not follow from the results"
