"""Record what a run found, with all that follows from it, in one transaction."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.outages import settle
from opsctl.outcome import State
from opsctl.store.latencies import encode
from opsctl.store.rows import (
    CODES,
    HOUR,
    STATES,
    Span,
    millis,
    seconds,
    standing_of,
    standing_row,
    text,
)
from opsctl.store.shapes import shape_ids, shaped
from opsctl.store.spans import Step, advance

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from opsctl.outages import Rules
    from opsctl.records import Result, Standing
    from opsctl.store.opening import Store

    Follow = Callable[[sqlite3.Connection, Mapping[str, Standing | None], Mapping[str, Standing]], None]


class Run(NamedTuple):
    """One `opsctl check` as the store keeps it; times are UTC epoch seconds."""

    started: float
    finished: float
    host: str
    selector: str


class _Known(NamedTuple):
    """What the store knows of a check before a result is recorded."""

    check_id: int
    standing: Standing | None
    span_id: int
    span: Span | None


class _Entry(NamedTuple):
    """A result with what follows from it, ready to be written."""

    result_id: int
    result: Result
    rules: Rules
    at: int
    latency: int | None
    known: _Known
    standing: Standing
    step: Step
    span_id: int


_KNOWN = """
    SELECT c.name, c.id, sp.id, sp.state, sp.pending, sp.started, sp.ended, sp.results,
           st.state, st.since, st.seen, st.at, st.streak, st.cause, st.message
    FROM json_each(?) AS wanted
    CROSS JOIN checks AS c ON c.name = wanted.value
    LEFT JOIN standings AS st ON st.check_id = c.id
    LEFT JOIN spans AS sp ON sp.id = st.span_id
"""
_ADD_HOUR = """
    INSERT INTO hours (hour, check_id, up, degraded, unknown, down, latency, latencies)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (hour, check_id) DO UPDATE SET
        up = up + excluded.up, degraded = degraded + excluded.degraded,
        unknown = unknown + excluded.unknown, down = down + excluded.down,
        latency = latency + excluded.latency,
        latencies = CAST(latencies || excluded.latencies AS BLOB)
"""


def record(
    store: Store,
    run: Run,
    results: Sequence[Result],
    rules: Mapping[str, Rules],
    exit_code: Callable[[Mapping[str, Standing]], int],
    follow: Follow | None = None,
) -> dict[str, Standing]:
    """Keep a run, its results and all that follows from them, in one transaction.

    What stands is settled inside it, against what other runs recorded meanwhile, by each check's
    `rules`; results count in the order in which they are recorded. `exit_code` is asked for the
    run's exit code once that is known, `follow` is told in the end what stood before and what stands
    now, so that what it writes is kept with the rest. The answer is what stands for each check of the
    run, with times to the millisecond. A check may have one result in a run: more raise ValueError.
    """
    names = [result.check for result in results]
    if len(set(names)) != len(names):
        raise ValueError("a run has one result per check")
    with store.writing() as db:
        known = _known(db, names)
        entries = _entries(db, results, rules, known)
        standings = {entry.result.check: entry.standing for entry in entries}
        run_id = _write_run(db, run, entries, exit_code(standings))
        _write_results(db, run_id, entries)
        _write_spans(db, entries)
        _write_standings(db, entries)
        _write_hours(db, entries)
        if follow is not None:
            follow(db, {entry.result.check: entry.known.standing for entry in entries}, standings)
    return standings


def _known(db: sqlite3.Connection, names: Sequence[str]) -> dict[str, _Known]:
    known = {row[0]: _known_by(row) for row in db.execute(_KNOWN, (json.dumps(names),))}
    new = [name for name in names if name not in known]
    ids = count(_next_id(db, "checks"))
    known.update((name, _Known(next(ids), None, 0, None)) for name in new)
    db.executemany(
        "INSERT INTO checks (id, name) VALUES (?, ?)", ((known[name].check_id, name) for name in new)
    )
    return known


def _known_by(row: tuple[Any, ...]) -> _Known:
    check_id, span_id = row[1:3]
    return (
        _Known(check_id, standing_of(row[8:]), span_id, Span(*row[3:8]))
        if span_id
        else _Known(check_id, None, 0, None)
    )


def _entries(
    db: sqlite3.Connection,
    results: Iterable[Result],
    rules: Mapping[str, Rules],
    known: Mapping[str, _Known],
) -> list[_Entry]:
    result_ids, span_ids = count(_next_id(db, "results")), count(_next_id(db, "spans"))
    return [
        _entry(next(result_ids), span_ids, result, rules[result.check], known[result.check])
        for result in results
    ]


def _entry(result_id: int, span_ids: Iterator[int], result: Result, rules: Rules, known: _Known) -> _Entry:
    at = millis(result.at)
    kept = result._replace(at=seconds(at), message=text(result.message))
    standing = settle(
        known.standing, kept, fail_after=rules.fail_after, ok_after=rules.ok_after, lapse=rules.lapse
    )
    step = advance(known.span, known.standing, standing, at, rules.lapse)
    latency = None if result.latency is None else round(result.latency * 1e6)
    span_id = next(span_ids) if step.new else known.span_id
    return _Entry(result_id, kept, rules, at, latency, known, standing, step, span_id)


def _rules_ids(db: sqlite3.Connection, used: Iterable[Rules]) -> dict[Rules, int]:
    distinct = set(used)
    db.executemany("INSERT OR IGNORE INTO rules (fail_after, ok_after, lapse) VALUES (?, ?, ?)", distinct)
    find = "SELECT id FROM rules WHERE fail_after = ? AND ok_after = ? AND lapse = ?"
    return {each: db.execute(find, each).fetchone()[0] for each in distinct}


def _write_run(db: sqlite3.Connection, run: Run, entries: Sequence[_Entry], exit_code: int) -> int:
    ids = [entry.result_id for entry in entries]
    times = [entry.at for entry in entries]
    cursor = db.execute(
        "INSERT INTO runs (started, finished, host, selector, exit_code,"
        " first_result, last_result, earliest, latest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            millis(run.started),
            millis(run.finished),
            text(run.host),
            text(run.selector),
            exit_code,
            min(ids, default=None),
            max(ids, default=None),
            min(times, default=None),
            max(times, default=None),
        ),
    )
    return cursor.lastrowid or 0


def _write_results(db: sqlite3.Connection, run_id: int, entries: Sequence[_Entry]) -> None:
    rules_ids = _rules_ids(db, (entry.rules for entry in entries))
    shapes = shape_ids(db, (entry.result for entry in entries))
    db.executemany(
        "INSERT INTO results (id, check_id, run_id, rules_id, at, state, cause, latency, attempts, message,"
        " shape_id, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                entry.result_id,
                entry.known.check_id,
                run_id,
                rules_ids[entry.rules],
                entry.at,
                CODES[entry.result.state],
                entry.result.cause,
                entry.latency,
                entry.result.attempts,
                entry.result.message,
                *shaped(entry.result, shapes),
            )
            for entry in entries
        ),
    )
    db.executemany(
        "INSERT INTO evidence (result_id, body) VALUES (?, ?)",
        ((entry.result_id, _body(entry.result)) for entry in entries if _telling(entry)),
    )


def _write_spans(db: sqlite3.Connection, entries: Sequence[_Entry]) -> None:
    for proven, change in ((True, "state = pending, pending = NULL"), (False, "pending = NULL")):
        db.executemany(
            f"UPDATE spans SET {change} WHERE check_id = ? AND pending IS NOT NULL",  # noqa: S608 - constants
            (
                (entry.known.check_id,)
                for entry in entries
                if entry.step.resolved and entry.step.proven is proven
            ),
        )
    db.executemany(
        "UPDATE spans SET ended = ?, results = ? WHERE id = ?",
        (
            (entry.step.tail.ended, entry.step.tail.results, entry.known.span_id)
            for entry in entries
            if entry.step.tail
        ),
    )
    db.executemany(
        "INSERT INTO spans (id, check_id, state, pending, started, ended, results, cause, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (entry.span_id, entry.known.check_id, *entry.step.new, entry.standing.cause, _why(entry.standing))
            for entry in entries
            if entry.step.new
        ),
    )


def _write_standings(db: sqlite3.Connection, entries: Sequence[_Entry]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO standings (check_id, result_id, span_id,"
        " state, since, seen, at, streak, cause, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (entry.known.check_id, entry.result_id, entry.span_id, *standing_row(entry.standing))
            for entry in entries
        ),
    )


def _write_hours(db: sqlite3.Connection, entries: Sequence[_Entry]) -> None:
    db.executemany(
        _ADD_HOUR,
        (
            (
                entry.at // HOUR,
                entry.known.check_id,
                *(int(entry.result.state is state) for state in STATES),
                entry.latency or 0,
                b"" if entry.latency is None else encode(entry.latency),
            )
            for entry in entries
        ),
    )


def _next_id(db: sqlite3.Connection, table: str) -> int:
    row = db.execute("SELECT seq + 1 FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row[0]) if row else 1


def _telling(entry: _Entry) -> bool:
    """Whether somebody will want to look: not up, or the first good result after a bad one."""
    before = entry.known.standing
    return entry.result.state is not State.UP or (before is not None and not before.seen.good)


def _why(standing: Standing) -> str:
    return "" if standing.state is State.UP else standing.message


def _body(result: Result) -> str:
    return json.dumps(
        {"judged": result.judged, "phases": dict(result.phases), "evidence": dict(result.evidence)},
        separators=(",", ":"),
    )
