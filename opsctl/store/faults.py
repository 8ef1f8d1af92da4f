"""What SQLite and the file system complain about, as one sentence that says what to do next."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opsctl.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WRITING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
_READ_ONLY = (
    "is read-only; make the file and its folder writable for you, or name another store with OPSCTL_DB"
)
_BROKEN_DISK = (
    "cannot be written or read in full; look for free space (`df`), a file size limit (`ulimit -f`) "
    "or a failing disk, then run the command again"
)
_WORDS: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "is locked by another process; run the command again when that has ended",
    sqlite3.SQLITE_LOCKED: "is locked by another process; run the command again when that has ended",
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened; see that it is a file, and that you may use it and its folder"
    ),
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full; make room, then run the command again",
    sqlite3.SQLITE_IOERR: _BROKEN_DISK,
    sqlite3.SQLITE_CORRUPT: (
        "is damaged; run `opsctl db verify` to see how, then `opsctl db restore FILE` with a backup"
    ),
    sqlite3.SQLITE_NOTADB: (
        "is not a SQLite file; name another store with OPSCTL_DB, "
        "or put a backup in its place with `opsctl db restore FILE`"
    ),
}
# The extended codes that need other words than their family.
_EXTENDED: Mapping[int, str] = {
    sqlite3.SQLITE_READONLY_DBMOVED: "was replaced or removed while this command ran; run the command again",
    sqlite3.SQLITE_READONLY_ROLLBACK: "was left in the middle of a write; run the command again",
}


@contextmanager
def translated(path: Path, copy: Path | None = None) -> Iterator[None]:
    """Raise StoreError for whatever SQLite says about the store at `path` in this block.

    `copy` is the file that the block writes where it is not the store itself.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        name = f"copy {copy}" if copy and _code(error) in _WRITING else f"store {path}"
        raise StoreError(f"the {name} {_words(error)}") from error


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Raise StoreError for whatever the file system says about `path` in this block."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StoreError(
            f"{path} cannot be used: {reason}; name a file in a folder that exists and that you may write"
        ) from error


def read_only(path: Path) -> StoreError:
    """The error for a store that this user may not write."""
    return StoreError(f"the store {path} {_READ_ONLY}")


def damaged(error: BaseException | None) -> bool:
    """Whether SQLite's complaint means that the file itself is broken."""
    return isinstance(error, sqlite3.Error) and _code(error) & 0xFF in _DAMAGE


def in_mid_write(error: sqlite3.Error) -> bool:
    """Whether a writer died in the middle and only another writer can tidy up after it."""
    return _code(error) == sqlite3.SQLITE_READONLY_ROLLBACK


def _words(error: sqlite3.Error) -> str:
    code = _code(error)
    known = _EXTENDED.get(code) or _WORDS.get(code & 0xFF)
    return known or f"does not answer as it should ({error}); run `opsctl db verify`"


def _code(error: sqlite3.Error) -> int:
    # The sqlite3 module's own complaints (text that is not UTF-8, say) carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
