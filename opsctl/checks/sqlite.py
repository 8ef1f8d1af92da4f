"""The `sqlite` check: what a query answers, or whether the database is whole, without writing anything."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    import sqlite3
    from threading import Event

    from opsctl.checks import Ask

    _Values = dict[str, Value] | None

_MAGIC = b"SQLite format 3\0"
_WAL = 2
# How often to read a database that is not locked for us and may change under our eyes.
_ATTEMPTS = 3
# Closing any descriptor of a file drops the locks that this process holds on it, those of its own open
# databases as well (https://sqlite.org/howtocorrupt.html, 2.2). So these stay open, one for each file.
_kept_open: dict[tuple[int, int], int] = {}


@dataclass(frozen=True, kw_only=True)
class SqliteCheck:
    """Query a SQLite database, read-only; without a query, look whether it is whole."""

    path: Annotated[
        str, NotEmpty(), Doc("The database; the workspace's folder is the base of a relative path.")
    ]
    query: Annotated[Template | None, NotEmpty(), Doc("One statement that reads.")] = None

    SHORTHAND: ClassVar[str] = "path"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "value": Subject(Kind.JSON, "The first column of the first row; a blob in hexadecimal."),
        "row": Subject(Kind.JSON, "The first row, by column."),
        "rows": Subject(Kind.NUMBER, "How many rows the query gives."),
        "integrity": Subject(Kind.TEXT, '"ok", or the first problem that `PRAGMA quick_check` finds.'),
        "latency": Subject(Kind.DURATION, "How long it took.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("rows > 0",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is expected, and what is wished, of a check that names neither."""
        return (self.EXPECT if self.query else ('integrity == "ok"',)), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "\0" in self.path:
            yield "path", "a path cannot hold a NUL character"

    def target(self) -> str:
        """The path and the query as they are written."""
        return f"{self.path}: {' '.join(self.query.text.split())}" if self.query else self.path

    def probe(self, ask: Ask) -> Observation:
        """Open the database and ask it."""
        import sqlite3

        try:
            return self._look(ask, ask.root / self.path)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except OSError as error:
            return Observation(failure=_unreadable(ask.root / self.path, error))
        except sqlite3.Error as error:
            return Observation(failure=_failure(error, ask.timeout))

    def _look(self, ask: Ask, path: Path) -> Observation:
        started = time.monotonic()
        query = ask.resolve(self.query) if self.query else ""
        unfit = _unfit(path)
        if unfit:
            return Observation(failure=unfit)
        deadline = started + ask.timeout
        values = _stable(path, deadline, lambda database: _ask(database, query, ask.wanted))
        if values is None:
            return Observation(
                failure=Failure(Cause.UNSUPPORTED, "the query reads nothing; write a `select`")
            )
        values["latency"] = time.monotonic() - started
        if query and "value" not in values:
            return Observation(values, Failure(Cause.MISSING, "the query gave no row"))
        return Observation(values)


def _unfit(path: Path) -> Failure | None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Failure(Cause.PROTOCOL, f"{path} is not a plain file, so no database")
    if not status.st_size:
        # SQLite itself would take it for a whole database without tables.
        return Failure(Cause.PROTOCOL, f"{path} is empty, so no database")
    if not _header(path).startswith(_MAGIC):
        return Failure(Cause.PROTOCOL, f"{path} is not a SQLite database, or it is encrypted")
    return None


def _header(path: Path) -> bytes:
    status = path.stat()
    key = status.st_dev, status.st_ino
    if key not in _kept_open:
        _kept_open[key] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    return os.pread(_kept_open[key], 20, 0)


def _stable(path: Path, deadline: float, ask: Callable[[sqlite3.Connection], _Values]) -> _Values:
    """What `ask` answers, of a database that did not change meanwhile."""
    for _ in range(_ATTEMPTS):
        before, locked = _version(path), _locked(path)
        with _opened(path, locked or "mode=ro&immutable=1", deadline) as database:
            answer = ask(database)
        if locked or _version(path) == before:
            return answer
    raise TimeoutError("it changes faster than it can be read")


def _locked(path: Path) -> str:
    """How to open the database so that others cannot change it meanwhile; empty where that would write.

    A connection to a database in WAL mode that nobody else has open would make a `-wal` and a `-shm`
    file beside it, and leave them behind, perhaps as files that its own program cannot write.
    """
    if _header(path)[19] != _WAL:
        return "mode=ro"
    log, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    if log.exists() and (shared.exists() or log.stat().st_size):
        return "mode=ro&readonly_shm=1"
    return ""


def _version(path: Path) -> tuple[int, ...]:
    status, log = path.stat(), Path(f"{path}-wal")
    written = log.stat().st_size if log.exists() else 0
    return status.st_ino, status.st_size, status.st_mtime_ns, written


@contextmanager
def _opened(path: Path, parameters: str, deadline: float) -> Iterator[sqlite3.Connection]:
    import sqlite3
    from threading import Event, Thread
    from urllib.parse import quote

    address = f"file://{quote(os.fsencode(path.absolute()))}?{parameters}"
    patience = max(0.0, deadline - time.monotonic())
    with closing(sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)) as database:
        database.text_factory = lambda text: text.decode("utf-8", "replace")
        database.set_authorizer(_authorize)
        database.execute("pragma query_only = on")
        done = Event()
        watcher = Thread(target=_interrupt, args=(database, done, patience), daemon=True)
        watcher.start()
        try:
            yield database
        finally:
            done.set()
            watcher.join()


def _interrupt(database: sqlite3.Connection, done: Event, patience: float) -> None:
    while not done.wait(patience):
        database.interrupt()
        # An interruption between two statements has no effect on the second.
        patience = 0.02


def _authorize(action: int, *_: str | None) -> int:
    """Refuse what makes a file in spite of `mode=ro`: `attach`, and `vacuum into`, which attaches too."""
    import sqlite3

    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def _ask(database: sqlite3.Connection, query: str, wanted: frozenset[str]) -> _Values:
    """The subjects, or None where the query is not a statement that answers."""
    values: dict[str, Value] = {}
    if "integrity" in wanted or not query:
        values["integrity"] = _integrity(database)
    if not query:
        return values
    cursor = database.execute(query)
    if cursor.description is None:
        return None
    names = [column[0] for column in cursor.description]
    first = cursor.fetchone()
    if first is not None:
        row = [_plain(value) for value in first]
        values["value"] = row[0]
        values["row"] = dict(zip(names, row, strict=True))
    if "rows" in wanted:
        values["rows"] = (first is not None) + sum(1 for _ in cursor)
    return values


def _integrity(database: sqlite3.Connection) -> str:
    import sqlite3

    try:
        return str(database.execute("pragma quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if _name(error).startswith("SQLITE_CORRUPT"):
            return str(error)
        raise


def _plain(value: float | str | bytes | None) -> Value:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")


def _unreadable(path: Path, error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failure(Cause.MISSING, f"{path} does not exist")
    if isinstance(error, PermissionError):
        words = f"{path} may not be read; let the user that runs opsctl read it"
        return Failure(Cause.PERMISSION, words)
    if isinstance(error, TimeoutError):
        return Failure(Cause.TIMEOUT, f"{path}: {error}")
    return Failure(Cause.UNREACHABLE, f"{path}: {error.strerror}")


def _failure(error: sqlite3.Error, timeout: float) -> Failure:
    name, words = _name(error), str(error)
    for prefix, cause, explanation in _FAILURES:
        if name.startswith(prefix):
            return Failure(cause, explanation.format(words=words, timeout=timeout))
    if words.startswith("no such"):
        return Failure(Cause.MISSING, words)
    return Failure(Cause.UNSUPPORTED, f"the query cannot be run: {words}")


_BUSY = "another program kept the database locked for {timeout:g} s"
_DAMAGED = "the database is damaged: {words}"
_UNCLEAN = "the database was not closed properly; let the program that it belongs to open it once"
_WRITES = "the query does more than read; write a `select`"
# By the start of SQLite's name for the error; the first that fits counts.
_FAILURES = (
    ("SQLITE_BUSY", Cause.TIMEOUT, _BUSY),
    ("SQLITE_LOCKED", Cause.TIMEOUT, _BUSY),
    ("SQLITE_INTERRUPT", Cause.TIMEOUT, "no answer within {timeout:g} s"),
    ("SQLITE_CORRUPT", Cause.PROTOCOL, _DAMAGED),
    ("SQLITE_NOTADB", Cause.PROTOCOL, _DAMAGED),
    ("SQLITE_IOERR", Cause.UNREACHABLE, "the database cannot be read: {words}"),
    ("SQLITE_CANTOPEN", Cause.UNSUPPORTED, _UNCLEAN),
    ("SQLITE_READONLY_", Cause.UNSUPPORTED, _UNCLEAN),
    ("SQLITE_READONLY", Cause.UNSUPPORTED, _WRITES),
    ("SQLITE_AUTH", Cause.UNSUPPORTED, _WRITES),
)
