"""Open the store: made on first writing, brought up to date, and never guessed at."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import StoreError
from opsctl.store import faults, migrations
from opsctl.store.copies import connect, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_TIMEOUT = 30.0
# What is kept outlasts a power cut.
SYNCHRONOUS = "FULL"
# A run of many checks changes more pages than SQLite's 2 MB; spilling them early costs another sync.
_CACHE_KIB = 65_536


class Store(NamedTuple):
    """An open store: the file's resolved path, and the connection that every query goes through."""

    path: Path
    db: sqlite3.Connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept when the block ends, nothing of it when it raises.

        It takes the write lock at once; a transaction that reads first and then writes is refused
        by SQLite at once, without waiting, when two do so at the same time.
        """
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                with suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several queries that all see the store of one moment."""
        self.db.execute("BEGIN")
        try:
            yield self.db
        finally:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")


@contextmanager
def open_store(path: Path, *, write: bool, timeout: float = BUSY_TIMEOUT) -> Iterator[Store]:
    """The store at `path`, closed when the block ends.

    With `write`, a missing file is created (0600, in a folder made 0700 where only that is
    missing). Without, a missing or still empty file reads as a store with nothing in it, and is
    not created. `timeout` is how many seconds to wait for another process's lock. Raises
    StoreError, also for whatever SQLite complains about inside the block.
    """
    with faults.reachable(path):
        real = Path(os.path.realpath(path))
        if real.is_dir():
            raise IsADirectoryError("it is a folder")
    with faults.translated(real):
        db = _writable(real, timeout) if write else _readable(real, timeout)
        try:
            yield Store(real, db)
        finally:
            db.close()


def exists(path: Path) -> bool:
    """Whether there is a file at `path`; StoreError where that cannot be told."""
    with faults.reachable(path):
        try:
            path.stat()
        except FileNotFoundError:
            return False
    return True


def require(path: Path) -> None:
    """Raise StoreError unless there is a file at `path`."""
    if not exists(path):
        raise StoreError(f"there is no store at {path}; `opsctl check` makes one")


def make_folder(path: Path) -> None:
    """Make the folder of the store at `path`, 0700; its parent must exist."""
    with faults.reachable(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)


def _writable(path: Path, timeout: float) -> sqlite3.Connection:
    make_folder(path)
    with faults.reachable(path), suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise faults.read_only(path)
    db = connect(path, "rw", timeout)
    try:
        db.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if migrations.outdated(migrations.version(db, path)):
            migrations.migrate(db, path, lambda found: snapshot(path, _before_upgrade(path, found)))
        if db.execute("PRAGMA journal_mode").fetchone() != ("delete",):
            db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        db.close()
        raise
    return db


def _readable(path: Path, timeout: float) -> sqlite3.Connection:
    if not exists(path):
        return _nothing(path)
    db = connect(path, "ro", timeout)
    try:
        found = migrations.version(db, path)
    except BaseException as error:
        db.close()
        if not (isinstance(error, sqlite3.Error) and faults.in_mid_write(error)):
            raise
    else:
        if not migrations.outdated(found):
            return db
        db.close()
        if not found:
            return _nothing(path)
    # Only a writer can tidy up after one that died, or bring the schema up to date.
    _writable(path, timeout).close()
    return connect(path, "ro", timeout)


def _nothing(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(db, path, lambda _: None)
    db.execute("PRAGMA query_only = ON")
    return db


def _before_upgrade(path: Path, found: int) -> Path:
    return path.with_name(f"{path.name}.schema-{found}")
