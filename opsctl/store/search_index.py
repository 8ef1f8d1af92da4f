"""The search index: a cache beside the store, made anew whenever it does not fit, and never the truth."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_VERSION = 2
# What says nothing about the file itself: another process has it, or it cannot be written.
_KEPT_OUT = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)
BEGIN, END = "\x02", "\x03"
# A word in a title says more than one in a text.
_TITLE, _BODY = 8.0, 1.0
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, stamp TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,     -- the subject or the file that it is part of, and goes with
    kind TEXT NOT NULL,
    line INTEGER NOT NULL,    -- in a file; 0 elsewhere
    at REAL NOT NULL,
    services TEXT NOT NULL,   -- each between two spaces
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    above TEXT NOT NULL,      -- the titles of what it is part of, which are not searched
    status TEXT NOT NULL      -- how it stands, in words, which are not searched
) STRICT;
CREATE INDEX entries_by_source ON entries (source);
CREATE VIRTUAL TABLE words USING fts5 (
    title, body, content='entries', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN
    INSERT INTO words (rowid, title, body) VALUES (new.id, new.title, new.body);
END;
CREATE TRIGGER entries_removed AFTER DELETE ON entries BEGIN
    INSERT INTO words (words, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
END;
"""
_WHERE = """
    FROM words JOIN entries AS e ON e.id = words.rowid
    WHERE words MATCH :query
        AND (:kind IS NULL OR e.kind = :kind)
        AND (:service IS NULL OR instr(e.services, ' ' || :service || ' ') > 0)
        AND e.at >= :since
"""
_FOUND = f"""
    SELECT e.kind, e.source, e.line, e.title, snippet(words, 1, '{BEGIN}', '{END}', '…', 24), e.at,
        bm25(words, {_TITLE}, {_BODY}) AS score, e.above, e.status
    {_WHERE}
    ORDER BY score, e.at DESC, e.id
    LIMIT :limit
"""


class Entry(NamedTuple):
    """Something that can be found; `source` is what it is part of, `at` UTC epoch seconds."""

    source: str
    kind: str
    line: int
    at: float
    services: tuple[str, ...]
    title: str
    body: str
    above: str = ""
    status: str = ""


class Match(NamedTuple):
    """Something that was found; words that fit stand between BEGIN and END, a lower `score` is better."""

    kind: str
    source: str
    line: int
    title: str
    snippet: str
    at: float
    score: float
    above: str
    status: str


class Filter(NamedTuple):
    """What narrows a search; None is any, `since` is UTC epoch seconds."""

    kind: str | None = None
    service: str | None = None
    since: float = float("-inf")
    limit: int = 20


def using(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` makes of the index at `path`, in one transaction; in memory where it cannot be kept there.

    What is there and is damaged, or is no index of this version, is replaced. `work` begins again then,
    also where the damage shows only halfway.
    """
    for _ in range(2):
        try:
            _private(path)
            return _worked(sqlite3.connect(path, timeout=10, isolation_level=None), work)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _KEPT_OUT:
                break
            # A damaged cache is no loss.
            with suppress(OSError):
                path.unlink()
    return _worked(sqlite3.connect(":memory:", isolation_level=None), work)


def meta(db: sqlite3.Connection, name: str) -> str | None:
    """What the index knows of itself."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(db: sqlite3.Connection, name: str, value: str) -> None:
    """Have the index know something of itself."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def stamps(db: sqlite3.Connection) -> dict[str, str]:
    """The files that are in the index, each as it was then."""
    return dict(db.execute("SELECT path, stamp FROM files"))


def put_file(db: sqlite3.Connection, path: str, stamp: str, entries: Iterable[Entry]) -> None:
    """Replace what is known of a file."""
    replace(db, [path], entries)
    db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (path, stamp))


def drop_file(db: sqlite3.Connection, path: str) -> None:
    """Forget a file."""
    replace(db, [path], ())
    db.execute("DELETE FROM files WHERE path = ?", (path,))


def replace(db: sqlite3.Connection, sources: Iterable[str], entries: Iterable[Entry]) -> None:
    """Replace all that is known of some sources."""
    db.executemany("DELETE FROM entries WHERE source = ?", ((source,) for source in sources))
    db.executemany(
        "INSERT INTO entries (source, kind, line, at, services, title, body, above, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*one[:4], f" {' '.join(one.services)} ", *one[5:]) for one in entries),
    )


def forget_subjects(db: sqlite3.Connection) -> None:
    """Forget all that came from the store."""
    db.execute("DELETE FROM entries WHERE source NOT IN (SELECT path FROM files)")


def look(db: sqlite3.Connection, query: str, wanted: Filter) -> tuple[list[Match], int]:
    """The best matches, the best first, and how many there are."""
    # Bytes on the command line that are no text have no UTF-8, and name no service either.
    service = None if wanted.service is None else wanted.service.encode("utf-8", "replace").decode()
    given = {"query": query, **wanted._asdict(), "service": service}
    (total,) = db.execute(f"SELECT count(*) {_WHERE}", given).fetchone()
    return [Match(*row) for row in db.execute(_FOUND, given)], total


def _worked(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    try:
        _begin(db)
        answer = work(db)
        db.execute("COMMIT")
    finally:
        db.close()
    return answer


def _private(path: Path) -> None:
    """It holds what the store does, so nobody else may read it either."""
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _begin(db: sqlite3.Connection) -> None:
    # What a power cut breaks is made anew; a killed process breaks nothing.
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == _VERSION:
        return
    if version or db.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
        raise sqlite3.DatabaseError("another version")
    for statement in _statements(_SCHEMA):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {_VERSION:d}")


def _statements(script: str) -> Sequence[str]:
    """The statements of a script; `executescript` would end the transaction."""
    found, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
