"""Results whose evidence is kept: what was not up, and the first good ones after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.store.latest import result_of
from opsctl.store.rows import millis

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from opsctl.records import Result

_EVIDENCED = """
    SELECT c.name, r.at, r.state, r.cause, r.message, r.latency, r.attempts, e.body
    FROM evidence AS e
    JOIN results AS r ON r.id = e.result_id
    JOIN checks AS c ON c.id = r.check_id
    WHERE r.at >= ? AND c.name IN (SELECT value FROM json_each(?))
    ORDER BY r.id
"""
_OTHERS = """
    SELECT c.name, count(*)
    FROM results AS r JOIN checks AS c ON c.id = r.check_id
    WHERE r.at >= ? AND r.id NOT IN (SELECT result_id FROM evidence)
    GROUP BY c.name
"""


def evidenced(db: sqlite3.Connection, names: Iterable[str], since: float) -> Iterator[Result]:
    """The results with evidence of the checks since a time (UTC epoch seconds), oldest first."""
    for row in db.execute(_EVIDENCED, (millis(since), json.dumps(list(names)))):
        yield result_of(row)


def without_evidence(db: sqlite3.Connection, since: float) -> dict[str, int]:
    """How many results of each check since a time have none, as they only went on to be up."""
    return dict(db.execute(_OTHERS, (millis(since),)).fetchall())
