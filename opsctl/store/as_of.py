"""What was known at a time: records by the events that had been recorded, checks by what had been found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger import subject_kind
from opsctl.ledger.events import prefix_of
from opsctl.store.ledger import event_of, undone_by
from opsctl.store.rows import STATES, millis, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from opsctl.outcome import State

_EVENTS = """
    SELECT id, command, recorded, occurred, actor, host, words, kind, subject, body FROM events
    WHERE substr(subject, 1, instr(subject, '-') - 1) IN (SELECT value FROM json_each(?)) ORDER BY id
"""
_LATEST = """
    SELECT c.name, st.seen, st.at, st.message, st.result_id
    FROM checks AS c JOIN standings AS st ON st.check_id = c.id
"""
_BEFORE = """
    SELECT c.name, s.state, s.ended, s.message
    FROM checks AS c
    JOIN standings AS st ON st.check_id = c.id AND st.at > ?1
    JOIN spans AS s ON s.id = (
        SELECT id FROM spans WHERE check_id = c.id AND started <= ?1 ORDER BY started DESC, id DESC LIMIT 1
    )
"""


class Seen(NamedTuple):
    """The newest result of a check; `at` is UTC epoch seconds, None where only is known that it was recent.

    `result` is its number, None where only the course of the check is known.
    """

    state: State
    at: float | None
    message: str
    result: int | None = None


def records_at(
    db: sqlite3.Connection, prefixes: Sequence[str], times: Sequence[float]
) -> Iterator[dict[str, dict[str, Any]]]:
    """The records of some kinds, by kind and subject, at each of the times (ascending, UTC epoch seconds).

    What was undone since never counted.
    """
    found: dict[str, dict[str, Any]] = {prefix: {} for prefix in prefixes}
    gone = undone_by(db)
    ahead = list(times)
    for row in db.execute(_EVENTS, (json.dumps(list(prefixes)),)):
        event = event_of(row)
        # In the order of recording: where a clock was put back, nothing is known before what came before it.
        while ahead and event.recorded > ahead[0]:
            ahead.pop(0)
            yield {prefix: dict(records) for prefix, records in found.items()}
        if not ahead:
            return
        if event.command not in gone:
            prefix = prefix_of(event.subject)
            before = found[prefix].get(event.subject)
            found[prefix][event.subject] = subject_kind(prefix).apply(before, event)
    for _ in ahead:
        yield {prefix: dict(records) for prefix, records in found.items()}


def seen_at(db: sqlite3.Connection, at: float) -> dict[str, Seen]:
    """The newest result of every check at a time (infinite: of all), by name.

    Before the latest result, it is what counted of the check then.
    """
    found = {
        name: Seen(STATES[state], seconds(found), message, result)
        for name, state, found, message, result in db.execute(_LATEST)
        if seconds(found) <= at
    }
    if at == float("inf"):
        return found
    for name, state, ended, message in db.execute(_BEFORE, (millis(at),)):
        found[name] = Seen(STATES[state], seconds(ended) if seconds(ended) <= at else None, message)
    return found
