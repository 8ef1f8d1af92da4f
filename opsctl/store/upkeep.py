"""Look into the store as a whole: what it is, and everything in it as plain data."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.chain import head
from opsctl.store.migrations import MIGRATIONS
from opsctl.store.opening import open_store, require
from opsctl.store.rows import STATES, seconds
from opsctl.store.shapes import texts, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from opsctl.store.opening import Store

_PAGE = 1000
_TABLES = (
    "checks", "runs", "results", "evidence", "shapes", "spans", "hours",
    "heartbeats", "beats", "maintained", "place_results",
)  # fmt: skip
_EXPORT = """
    SELECT r.id, c.name, r.run_id, r.at, r.state, r.cause, r.message, r.latency, r.attempts, e.body,
        s.subjects, r.seen
    FROM results AS r
    JOIN checks AS c ON c.id = r.check_id
    LEFT JOIN evidence AS e ON e.result_id = r.id
    LEFT JOIN shapes AS s ON s.id = r.shape_id
    WHERE r.id > ? AND r.id <= ?
    ORDER BY r.id LIMIT ?
"""


class Info(NamedTuple):
    """What a store is: sizes in bytes, `first` and `last` result as UTC epoch seconds.

    `events` is how many there are, `head` the digest of the last, which covers all before it.
    """

    path: Path
    size: int
    free: int
    schema: int
    journal: str
    sqlite: str
    first: float | None
    last: float | None
    rows: dict[str, int]
    events: int
    head: str


def info(path: Path) -> Info:
    """What there is to say of the store at `path`; StoreError where there is none."""
    require(path)
    with open_store(path, write=False) as store, store.reading() as db:
        (journal,) = db.execute("PRAGMA journal_mode").fetchone()
        size, free = db.execute(
            "SELECT page_size * page_count, page_size * freelist_count"
            " FROM pragma_page_size, pragma_page_count, pragma_freelist_count"
        ).fetchone()
        first, last = db.execute("SELECT min(earliest), max(latest) FROM runs").fetchone()
        rows = {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - constants
            for table in _TABLES
        }
        events, digest = head(db)
    return Info(
        store.path,
        size,
        free,
        len(MIGRATIONS),
        journal,
        sqlite3.sqlite_version,
        None if first is None else seconds(first),
        None if last is None else seconds(last),
        rows,
        events,
        digest,
    )


def export(store: Store) -> Iterator[dict[str, object]]:
    """Every result that is there now, oldest first, ready for JSON; times are UTC epoch seconds.

    The store is read in pages and left alone between them, so that a slow reader keeps nobody from
    writing.
    """
    after = 0
    (last,) = store.db.execute("SELECT coalesce(max(id), 0) FROM results").fetchone()
    while page := store.db.execute(_EXPORT, (after, last, _PAGE)).fetchall():
        for row in page:
            yield _exported(row)
        after = page[-1][0]


def _exported(row: tuple[Any, ...]) -> dict[str, object]:
    result_id, check, run_id, at, state, cause, message, latency, attempts, body, subjects, seen = row
    return {
        "id": result_id,
        "run": run_id,
        "check": check,
        "at": seconds(at),
        "state": STATES[state].value,
        "cause": cause,
        "message": message,
        "latency": None if latency is None else latency / 1e6,
        "attempts": attempts,
        **(json.loads(body) if body else {}),
        **({"seen": values_of(texts(subjects), seen)} if subjects else {}),
    }
