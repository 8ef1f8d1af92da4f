"""The schema, as numbered steps that are never edited once they are released."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from opsctl.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# "opsc" in the file's header, so that `file` and opsctl know whose database it is.
APPLICATION_ID = 0x6F707363

# Times are UTC epoch milliseconds, latencies microseconds. States are numbers in the order of
# badness, so that max() is the worst: 0 up, 1 degraded, 2 unknown, 3 down.
#
# A run of a thousand checks must touch few pages: results and hours lie in the order of time, and
# there is deliberately no index by check, which would cost ten times the write itself. Numbers are
# never used again, as pruning relies on what is new having higher ones.
_M001 = """
CREATE TABLE checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE rules (
    id INTEGER PRIMARY KEY,
    fail_after INTEGER NOT NULL,
    ok_after INTEGER NOT NULL,
    lapse REAL NOT NULL,
    UNIQUE (fail_after, ok_after, lapse)
) STRICT;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    host TEXT NOT NULL,
    selector TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    first_result INTEGER,           -- the run's results are those from first_result to last_result
    last_result INTEGER,
    earliest INTEGER,               -- and were found between these two times
    latest INTEGER
) STRICT;
CREATE INDEX runs_by_latest ON runs (latest);
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL REFERENCES checks (id),
    run_id INTEGER NOT NULL,        -- no foreign keys where deleting would look through all results
    rules_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    cause TEXT,
    latency INTEGER,
    attempts INTEGER NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE TABLE evidence (
    result_id INTEGER PRIMARY KEY REFERENCES results (id) ON DELETE CASCADE,
    body TEXT NOT NULL              -- JSON: judged, phases, evidence
) STRICT;
CREATE TABLE standings (
    check_id INTEGER PRIMARY KEY REFERENCES checks (id),
    result_id INTEGER NOT NULL,
    span_id INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    since INTEGER NOT NULL,
    seen INTEGER NOT NULL CHECK (seen BETWEEN 0 AND 3),
    at INTEGER NOT NULL,
    streak INTEGER NOT NULL,
    cause TEXT,
    message TEXT NOT NULL
) STRICT;
CREATE TABLE spans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL REFERENCES checks (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    pending INTEGER,                -- what was seen, while it does not count as an outage yet
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended >= started),
    results INTEGER NOT NULL,
    cause TEXT,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX spans_by_check ON spans (check_id, started);
CREATE INDEX spans_pending ON spans (check_id) WHERE pending IS NOT NULL;
CREATE TABLE hours (
    hour INTEGER NOT NULL,          -- hours since the epoch
    check_id INTEGER NOT NULL REFERENCES checks (id),
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    down INTEGER NOT NULL,
    latency INTEGER NOT NULL,       -- the sum
    latencies BLOB NOT NULL,        -- each latency in two bytes, see latencies.py
    PRIMARY KEY (hour, check_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    before INTEGER NOT NULL,        -- passes before this time may be gone
    result_id INTEGER NOT NULL      -- and so may results up to this one
) STRICT;
CREATE TABLE anchors (
    check_id INTEGER PRIMARY KEY REFERENCES checks (id),
    standing TEXT NOT NULL,         -- JSON: what stood after the last result that pruning reached
    span_id INTEGER NOT NULL,
    span TEXT NOT NULL              -- JSON: the span that was open then
) STRICT;
CREATE TABLE heartbeats (
    name TEXT PRIMARY KEY,
    started INTEGER,
    succeeded INTEGER,
    failed INTEGER,
    message TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE beats (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL REFERENCES heartbeats (name) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    signal TEXT NOT NULL CHECK (signal IN ('start', 'ok', 'fail')),
    message TEXT NOT NULL
) STRICT;
CREATE INDEX beats_by_name ON beats (name, at);
"""


# Events are the truth; the tables after them follow from the events alone, and `opsctl db verify` shows it. A
# record is one JSON document, and its columns are read from it.
_M002 = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command INTEGER NOT NULL,       -- the id of the first event of the same command
    recorded INTEGER NOT NULL,
    occurred INTEGER NOT NULL,
    actor TEXT NOT NULL,
    host TEXT NOT NULL,
    words TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,             -- JSON
    digest BLOB NOT NULL            -- SHA-256 over the digest before and this row
) STRICT;
CREATE INDEX events_by_subject ON events (subject);
CREATE INDEX events_by_command ON events (command);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE undos (
    command INTEGER PRIMARY KEY,    -- the command that undid
    undone INTEGER NOT NULL         -- the command that was undone
) STRICT;
CREATE TABLE numbers (
    prefix TEXT PRIMARY KEY,
    last INTEGER NOT NULL           -- the highest number ever given, so that none is given twice
) STRICT, WITHOUT ROWID;
CREATE TABLE incidents (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    title TEXT GENERATED ALWAYS AS (json_extract(document, '$.title')) VIRTUAL,
    state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL,
    severity TEXT GENERATED ALWAYS AS (json_extract(document, '$.severity')) VIRTUAL,
    key TEXT GENERATED ALWAYS AS (json_extract(document, '$.key')) VIRTUAL
) STRICT;
CREATE INDEX incidents_by_state ON incidents (state);
CREATE INDEX incidents_by_key ON incidents (key) WHERE key IS NOT NULL;
CREATE INDEX incidents_by_beginning ON incidents
    (coalesce(json_extract(document, '$.impact_started'), json_extract(document, '$.opened')));
CREATE TABLE reviews (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL
) STRICT;
CREATE TABLE items (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    title TEXT GENERATED ALWAYS AS (json_extract(document, '$.title')) VIRTUAL,
    state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL,
    priority TEXT GENERATED ALWAYS AS (json_extract(document, '$.priority')) VIRTUAL,
    owner TEXT GENERATED ALWAYS AS (json_extract(document, '$.owner')) VIRTUAL
) STRICT;
CREATE INDEX items_by_state ON items (state);
CREATE TABLE iterations (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    title TEXT GENERATED ALWAYS AS (json_extract(document, '$.title')) VIRTUAL
) STRICT;
"""


_M003 = """
CREATE TABLE signoffs (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    checklist TEXT GENERATED ALWAYS AS (json_extract(document, '$.checklist')) VIRTUAL,
    item TEXT GENERATED ALWAYS AS (json_extract(document, '$.item')) VIRTUAL
) STRICT;
CREATE INDEX signoffs_by_item ON signoffs (checklist, item);
CREATE TABLE waivers (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    checklist TEXT GENERATED ALWAYS AS (json_extract(document, '$.checklist')) VIRTUAL,
    item TEXT GENERATED ALWAYS AS (json_extract(document, '$.item')) VIRTUAL
) STRICT;
CREATE INDEX waivers_by_item ON waivers (checklist, item);
CREATE TABLE gates (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    checklist TEXT GENERATED ALWAYS AS (json_extract(document, '$.checklist')) VIRTUAL,
    verdict TEXT GENERATED ALWAYS AS (json_extract(document, '$.verdict')) VIRTUAL
) STRICT;
CREATE INDEX gates_by_checklist ON gates (checklist, number);
CREATE TABLE procedures (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    runbook TEXT GENERATED ALWAYS AS (json_extract(document, '$.runbook')) VIRTUAL,
    state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL
) STRICT;
CREATE INDEX procedures_by_runbook ON procedures (runbook, number);
CREATE INDEX procedures_by_state ON procedures (state);
"""


# A run of many steps is written after each of them, so that a step is a row of its own.
_M004 = """
ALTER TABLE procedures RENAME TO procedure_heads;
CREATE TABLE procedure_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- in the order in which they were last written
    subject TEXT NOT NULL,
    step TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (subject, step)
) STRICT;
INSERT INTO procedure_steps (subject, step, document)
    SELECT head.subject, json_extract(step.value, '$[0]'), step.value
    FROM procedure_heads AS head, json_each(head.document, '$.steps') AS step
    ORDER BY head.subject, step.key;
UPDATE procedure_heads SET document = json_set(document, '$.steps', json('[]'));
CREATE VIEW procedures AS
    SELECT subject, number, runbook, state, json_set(document, '$.steps', json((
        SELECT json_group_array(json(step.document)) FROM (
            SELECT document FROM procedure_steps
            WHERE procedure_steps.subject = procedure_heads.subject ORDER BY id
        ) AS step
    ))) AS document
    FROM procedure_heads;
"""


# A routine's due times are counted from when it was first seen, or its schedule changed. Whoever works on a
# routine has a lease, which the next takes over when its holder is dead.
_M005 = """
CREATE TABLE slots (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    routine TEXT GENERATED ALWAYS AS (json_extract(document, '$.routine')) VIRTUAL,
    due REAL GENERATED ALWAYS AS (json_extract(document, '$.due')) VIRTUAL,
    scheduled INTEGER GENERATED ALWAYS AS (json_extract(document, '$.scheduled')) VIRTUAL,
    state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX slots_by_time ON slots (routine, due);
CREATE INDEX slots_by_state ON slots (state);
CREATE TABLE routines (
    routine TEXT PRIMARY KEY,
    digest TEXT NOT NULL,           -- of its schedule
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
    routine TEXT PRIMARY KEY,
    due INTEGER NOT NULL,
    step TEXT,                      -- what its holder is doing
    host TEXT NOT NULL,
    process TEXT NOT NULL,          -- its number, and when it was started
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL,
    path TEXT GENERATED ALWAYS AS (json_extract(document, '$.path')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX documents_by_path ON documents (path);
"""


_M006 = """
CREATE TABLE maintenances (
    subject TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    number INTEGER GENERATED ALWAYS AS (json_extract(document, '$.number')) VIRTUAL
) STRICT;
CREATE TABLE maintained (
    check_id INTEGER NOT NULL REFERENCES checks (id),
    window TEXT NOT NULL,           -- its name in the workspace, or `MNT-2`
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (check_id, window, since)
) STRICT, WITHOUT ROWID;
CREATE TABLE baselines (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    states TEXT NOT NULL            -- JSON: the state of every check that was made then
) STRICT, WITHOUT ROWID;
"""


# What other machines found; it is no part of what stands here, so that nothing points to it.
_M007 = """
CREATE TABLE place_results (
    check_name TEXT NOT NULL,
    place TEXT NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    cause TEXT,
    latency INTEGER,
    message TEXT NOT NULL,
    PRIMARY KEY (check_name, place, at)
) STRICT, WITHOUT ROWID;
"""


# Where a schedule is edited, what was owed by the one before is counted by it.
_M008 = """
ALTER TABLE routines ADD COLUMN schedule TEXT;  -- JSON; NULL where it was counted by an older opsctl
"""


# What was seen, as values, of passes too: many results were judged alike, so that the words are kept once.
_M009 = """
CREATE TABLE shapes (
    id INTEGER PRIMARY KEY,
    judged TEXT NOT NULL,           -- JSON: the expectations
    subjects TEXT NOT NULL,         -- JSON: of which there are values
    UNIQUE (judged, subjects)
) STRICT;
ALTER TABLE results ADD COLUMN shape_id INTEGER;    -- NULL, as is the next, where an older opsctl kept none
ALTER TABLE results ADD COLUMN seen TEXT;           -- JSON: the values, in the order of the subjects
"""


def m001_results(db: sqlite3.Connection) -> None:
    """Results with all that is derived from them, and heartbeats."""
    _run(db, _M001)


def m002_events(db: sqlite3.Connection) -> None:
    """What people decide, as events, with the records that follow from them."""
    _run(db, _M002)


def m003_practice(db: sqlite3.Connection) -> None:
    """Sign-offs, waivers, decisions of gates, and runs of runbooks."""
    _run(db, _M003)


def m004_steps(db: sqlite3.Connection) -> None:
    """The steps of runs, as rows of their own."""
    _run(db, _M004)


def m005_routines(db: sqlite3.Connection) -> None:
    """What became of routines, who works on them, and reviews of documents."""
    _run(db, _M005)


def m006_maintenance(db: sqlite3.Connection) -> None:
    """Maintenance that was begun by hand, and when checks did not count."""
    _run(db, _M006)


def m007_places(db: sqlite3.Connection) -> None:
    """Results of other places."""
    _run(db, _M007)


def m008_schedules(db: sqlite3.Connection) -> None:
    """The schedules by which routines are counted."""
    _run(db, _M008)


def m009_seen(db: sqlite3.Connection) -> None:
    """What was seen of each result, as values."""
    _run(db, _M009)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_results,
    m002_events,
    m003_practice,
    m004_steps,
    m005_routines,
    m006_maintenance,
    m007_places,
    m008_schedules,
    m009_seen,
)


def identify(db: sqlite3.Connection, path: Path) -> int:
    """The schema of the store at `path`, open in `db`; 0 where nothing was written yet.

    Raises StoreError where the file is some other program's.
    """
    application, schema, objects = db.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if not application and not schema and not objects:
        return 0
    if application != APPLICATION_ID:
        raise StoreError(
            f"the file {path} is a SQLite database of another program, not a store of opsctl; "
            "name another store with OPSCTL_DB"
        )
    return int(schema)


def version(db: sqlite3.Connection, path: Path) -> int:
    """As `identify`; raises StoreError also where a newer opsctl wrote the store."""
    schema = identify(db, path)
    if schema > len(MIGRATIONS):
        raise StoreError(
            f"the store {path} was written by a newer opsctl "
            f"(schema {schema}, this one knows {len(MIGRATIONS)}); upgrade opsctl"
        )
    return schema


def migrate(db: sqlite3.Connection, path: Path, keep: Callable[[int], object]) -> None:
    """Bring the schema up to date, in one transaction that only one process enters at a time.

    Foreign keys are off afterwards, as tables cannot be rebuilt while they are on.

    `keep` is called with the old version before a store that holds something is changed, while
    nobody else can write; it makes the copy to go back to.
    """
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited.
        _apply(db, path, version(db, path), keep)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def outdated(found: int) -> bool:
    """Whether a store of that version needs `migrate`."""
    return found < len(MIGRATIONS)


def _apply(db: sqlite3.Connection, path: Path, found: int, keep: Callable[[int], object]) -> None:
    pending: Sequence[Callable[[sqlite3.Connection], None]] = MIGRATIONS[found:]
    if not pending:
        return
    if found:
        keep(found)
    for step in pending:
        step(db)
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise StoreError(
            f"the store {path} has {len(broken)} rows that point nowhere, so its schema was left as it is; "
            "run `opsctl db verify`"
        )
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _run(db: sqlite3.Connection, script: str) -> None:
    # Not executescript(), which commits first.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
