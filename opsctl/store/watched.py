"""What the store is asked after a run, so that its failures become incidents."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.errors import StoreError
from opsctl.outcome import Cause, State
from opsctl.prose import line
from opsctl.store.rows import STATES, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

# As `ACTIVE` of an incident; written out, as most runs find none and need not load what an incident is.
_ACTIVE = "SELECT EXISTS (SELECT 1 FROM incidents WHERE state IN ('open', 'acknowledged', 'mitigated'))"
_SPANS = """
    SELECT coalesce(pending, state), results, cause, started FROM spans
    WHERE check_id = (SELECT id FROM checks WHERE name = ?) ORDER BY started DESC, id DESC
"""
_RESULTS = """
    SELECT state, cause FROM results
    WHERE check_id = (SELECT id FROM checks WHERE name = ?) ORDER BY id DESC
"""
_LAST = "SELECT document FROM incidents WHERE key = ? ORDER BY number DESC LIMIT 1"


def any_active(db: sqlite3.Connection) -> bool:
    """Whether there is an incident on which somebody still has to act."""
    return bool(db.execute(_ACTIVE).fetchone()[0])


def failed_in_a_row(db: sqlite3.Connection, check: str, most: int) -> int:
    """How many of the check's latest results in a row were failures of its target, counted up to `most`.

    What kept opsctl from looking is none, and breaks the row. `most` is at most the streak of what stands.
    """
    counted = 0
    for code, results, _, _ in db.execute(_SPANS, (check,)):
        if STATES[code] is State.UNKNOWN:
            # A span does not tell why each of its results is unknown.
            return _failed_one_by_one(db, check, most)
        if STATES[code].good or counted >= most:
            break
        counted += results
    return min(counted, most)


def _failed_one_by_one(db: sqlite3.Connection, check: str, most: int) -> int:
    counted = 0
    for code, cause in db.execute(_RESULTS, (check,)):
        state = STATES[code]
        if state.good or counted >= most or not_theirs(state, Cause(cause) if cause else None):
            break
        counted += 1
    return counted


def failing_since(db: sqlite3.Connection, check: str) -> float | None:
    """Since when the check's target has been failing, in UTC epoch seconds; None where it is not."""
    since = None
    for code, _, cause, started in db.execute(_SPANS, (check,)):
        if STATES[code].good or not_theirs(STATES[code], Cause(cause) if cause else None):
            break
        since = seconds(started)
    return since


def not_theirs(state: State, cause: Cause | None) -> bool:
    """Whether a bad state says nothing of the target: opsctl could not look, or could not judge a group."""
    return cause is not None and (cause.ours or (state is State.UNKNOWN and cause is Cause.MEMBERS))


def last_with_key(db: sqlite3.Connection, key: str) -> Any:
    """The latest incident with that key, or the one that it was merged into; None where there is none."""
    from opsctl.ledger.incident import decode
    from opsctl.store.ledger import get

    row = db.execute(_LAST, (key,)).fetchone()
    incident = decode(json.loads(row[0])) if row else None
    while incident is not None and incident.merged_into:
        incident = get(db, incident.merged_into)
    return incident


@contextmanager
def aside(db: sqlite3.Connection) -> Iterator[None]:
    """A part of a transaction of which all is kept, or nothing where it fails; the rest is kept all the same.

    Raises StoreError for whatever goes wrong with what is stored.
    """
    db.execute("SAVEPOINT aside")
    try:
        yield
    except (StoreError, sqlite3.Error, LookupError, TypeError, ValueError) as error:
        if not db.in_transaction:
            raise
        db.execute("ROLLBACK TO aside")
        words = f"{type(error).__name__}: {line(str(error))}"
        raise StoreError(
            f"the incidents do not show what this run found ({words}); run `opsctl db verify`"
        ) from error
    finally:
        if db.in_transaction:
            db.execute("RELEASE aside")
