"""Replay: work out from the results once more what stands and which spans there are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsctl.errors import StoreError
from opsctl.outages import Rules, settle
from opsctl.outcome import Cause
from opsctl.records import Result
from opsctl.store.rows import STATES, Span, seconds, standing_of, standing_row
from opsctl.store.spans import advance, resolve

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from opsctl.records import Standing

_PAGE = 10_000
_RESULTS = """
    SELECT r.id, r.check_id, r.at, r.state, r.cause, r.message, r.latency,
        u.fail_after, u.ok_after, u.lapse
    FROM results AS r JOIN rules AS u ON u.id = r.rules_id
    WHERE r.id > ? AND r.id <= ?
    ORDER BY r.id LIMIT ?
"""


@dataclass(slots=True)
class Course:
    """Where the replay of one check has come to; `spans` begin with the one that has `first_span`."""

    standing: Standing | None = None
    result_id: int = 0
    first_span: int = 0
    spans: list[Span] = field(default_factory=list)


def anchored(db: sqlite3.Connection) -> tuple[int, dict[int, Course]]:
    """Where a replay begins: after which result, and what stood then, by check."""
    (after,) = db.execute("SELECT coalesce(max(result_id), 0) FROM pruned").fetchone()
    courses = {
        check_id: Course(standing_of(tuple(json.loads(standing))), 0, span_id, [Span(*json.loads(span))])
        for check_id, standing, span_id, span in db.execute(
            "SELECT check_id, standing, span_id, span FROM anchors"
        )
    }
    return after, courses


def anchor(db: sqlite3.Connection, upto: int) -> None:
    """Keep what stood after the result `upto`, so that the results before it are no longer needed."""
    after, courses = anchored(db)
    replay(db, courses, after, upto)
    db.executemany(
        "INSERT OR REPLACE INTO anchors (check_id, standing, span_id, span) VALUES (?, ?, ?, ?)",
        [
            (
                check_id,
                json.dumps(standing_row(course.standing)),
                _open_span(db, check_id, course),
                json.dumps(course.spans[-1]),
            )
            for check_id, course in courses.items()
            if course.standing
        ],
    )


def _open_span(db: sqlite3.Connection, check_id: int, course: Course) -> int:
    row = db.execute(
        "SELECT id FROM spans WHERE check_id = ? AND id >= ? ORDER BY id LIMIT 1 OFFSET ?",
        (check_id, course.first_span, len(course.spans) - 1),
    ).fetchone()
    if row is None:
        raise StoreError("the store's spans do not follow from its results; run `opsctl db verify`")
    return int(row[0])


def replay(
    db: sqlite3.Connection,
    courses: dict[int, Course],
    after: int,
    upto: int,
    note: Callable[[int, int, int, int | None], None] = lambda *_: None,
) -> None:
    """Follow the results after `after` up to `upto`, page by page, so that others may write meanwhile.

    `note` is told the check, time, state and latency of each.
    """
    while page := db.execute(_RESULTS, (after, upto, _PAGE)).fetchall():
        for result_id, check_id, at, state, cause, message, latency, *rules in page:
            course = courses.get(check_id) or courses.setdefault(check_id, Course())
            course.result_id = result_id
            _follow(course, at, _seen(at, state, cause, message), Rules(*rules))
            note(check_id, at, state, latency)
        after = page[-1][0]


def _seen(at: int, state: int, cause: str | None, message: str) -> Result:
    return Result(
        "", seconds(at), STATES[state], Cause(cause) if cause else None, message, None, 1, (), {}, {}
    )


def _follow(course: Course, at: int, result: Result, rules: Rules) -> None:
    previous = course.standing
    standing = settle(
        previous, result, fail_after=rules.fail_after, ok_after=rules.ok_after, lapse=rules.lapse
    )
    step = advance(course.spans[-1] if course.spans else None, previous, standing, at, rules.lapse)
    if step.resolved:
        _resolve(course.spans, proven=step.proven)
    if step.tail:
        course.spans[-1] = step.tail
    if step.new:
        course.spans.append(step.new)
    course.standing = standing


def _resolve(spans: list[Span], *, proven: bool) -> None:
    # What is pending is at the end.
    for place in range(len(spans) - 1, -1, -1):
        if spans[place].pending is None:
            return
        spans[place] = resolve(spans[place], proven=proven)
