"""What the store knows last of each check: its standing and its latest result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.outcome import Cause
from opsctl.records import Judged, Result
from opsctl.store.rows import STATES, seconds, standing_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from opsctl.records import Standing
    from opsctl.store.opening import Store

_LAST = """
    SELECT c.name, r.at, r.state, r.cause, r.message, r.latency, r.attempts, e.body
    FROM json_each(?) AS wanted
    CROSS JOIN checks AS c ON c.name = wanted.value
    JOIN standings AS st ON st.check_id = c.id
    JOIN results AS r ON r.id = st.result_id
    LEFT JOIN evidence AS e ON e.result_id = r.id
"""


def standings(store: Store) -> dict[str, Standing]:
    """What stands for every check that was ever recorded, by name."""
    return standings_in(store.db)


def standings_in(db: sqlite3.Connection) -> dict[str, Standing]:
    """As `standings`, inside a transaction."""
    rows = db.execute(
        "SELECT c.name, st.state, st.since, st.seen, st.at, st.streak, st.cause, st.message"
        " FROM checks AS c JOIN standings AS st ON st.check_id = c.id ORDER BY c.name"
    )
    return {name: standing_of(tuple(row)) for name, *row in rows}


def not_up(store: Store) -> list[str]:
    """The names of the checks whose latest result was not up, in order."""
    rows = store.db.execute(
        "SELECT c.name FROM checks AS c JOIN standings AS st ON st.check_id = c.id"
        " WHERE st.seen <> 0 ORDER BY c.name"
    )
    return [name for (name,) in rows]


def last_results(store: Store, names: Iterable[str]) -> dict[str, Result]:
    """The latest result of each of the checks that has one, by name.

    Judged expectations, phases and evidence are kept for results that are not up and for the first
    good one after; they are empty in the others.
    """
    rows = store.db.execute(_LAST, (json.dumps(list(names)),))
    return {row[0]: result_of(row) for row in rows}


def result_of(row: tuple[str, int, int, str | None, str, int | None, int, str | None]) -> Result:
    """The result in the columns name, at, state, cause, message, latency, attempts, body of its evidence."""
    name, at, state, cause, message, latency, attempts, body = row
    kept = json.loads(body) if body else {"judged": [], "phases": {}, "evidence": {}}
    return Result(
        name,
        seconds(at),
        STATES[state],
        Cause(cause) if cause else None,
        message,
        None if latency is None else latency / 1e6,
        attempts,
        tuple(Judged(*each) for each in kept["judged"]),
        kept["phases"],
        kept["evidence"],
    )
