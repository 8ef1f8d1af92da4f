"""Back the store up and restore it, without losing what is replaced."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING

from opsctl.errors import StoreError
from opsctl.store import faults, migrations
from opsctl.store.copies import connect, publish, snapshot, temporary, vacuum_into
from opsctl.store.opening import BUSY_TIMEOUT, exists, make_folder, open_store, require

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIDECARS = ("-journal", "-wal", "-shm")


def backup(store: Path, target: Path, *, overwrite: bool = False) -> None:
    """Copy the store to the file `target`, whole or not at all; others may go on using it.

    Raises StoreError where there is no store, or where `target` exists and `overwrite` is not set.
    """
    require(store)
    if exists(target) and target.samefile(store):
        raise StoreError(f"{target} is the store itself; name another file for its backup")
    if exists(target) and not overwrite:
        raise StoreError(f"{target} exists; name another file, or overwrite it with `--overwrite`")
    with open_store(store, write=False) as opened:
        snapshot(opened.path, target)


def restore(store: Path, source: Path, now: float, *, timeout: float = BUSY_TIMEOUT) -> Path | None:
    """Put a copy of the backup `source` in the store's place, at one moment.

    The backup is checked first; one from an older opsctl is brought up to date. What was there,
    whole or damaged, is kept beside it under a name with the time `now`, which is the answer; None
    where nothing was there. A command that has the old store open may read on, and is refused when
    it writes. Raises StoreError, with the store as it was.
    """
    with faults.reachable(store):
        path = Path(os.path.realpath(store))
    require_backup(source, path)
    make_folder(path)
    with temporary(path) as draft:
        vacuum_into(source, draft)
        with faults.translated(draft), closing(connect(draft, "rw", timeout)) as db:
            migrations.migrate(db, draft, lambda _: None)
        with faults.translated(path), _locked(path, timeout):
            kept = _keep(path, now)
            publish(draft, path)
    return kept


def require_backup(source: Path, path: Path) -> None:
    """Raise StoreError unless `source` is a sound store of a version we know, and not that at `path`."""
    if not exists(source):
        raise StoreError(f"there is no backup at {source}; name a file that `opsctl db backup` made")
    if exists(path) and source.samefile(path):
        raise StoreError(f"{source} is the store itself; name a file that `opsctl db backup` made")
    try:
        with closing(connect(source, "ro", BUSY_TIMEOUT)) as db:
            found = migrations.version(db, source)
            problems = [line for (line,) in db.execute("PRAGMA integrity_check(1)") if line != "ok"]
    except sqlite3.Error as error:
        raise StoreError(_refusal(source, str(error))) from error
    if problems or not found:
        raise StoreError(_refusal(source, problems[0] if problems else "nothing is in it"))


def _refusal(source: Path, reason: str) -> str:
    return (
        f"{source} cannot be restored, so the store was left as it is ({reason}); "
        "name another file that `opsctl db backup` made"
    )


@contextmanager
def _locked(path: Path, timeout: float) -> Iterator[None]:
    """Keep writers out of the store, where it is sound enough to have any."""
    if not exists(path):
        yield
        return
    with closing(connect(path, "rw", timeout)) as db:
        try:
            # A write-ahead log would be left behind; one file is all that can be moved at once.
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("BEGIN IMMEDIATE")
            migrations.identify(db, path)
        except sqlite3.DatabaseError as error:
            if not faults.damaged(error):
                raise
        yield


def _keep(path: Path, now: float) -> Path | None:
    if not exists(path) or not path.stat().st_size:
        return None
    kept = _free(f"{path}.replaced-{strftime('%Y%m%dT%H%M%SZ', gmtime(now))}")
    with faults.reachable(kept):
        try:
            # Not a copy: opening the file would drop this process's lock on it. Not a move either
            # where there is a choice, so that at no moment there is no store.
            kept.hardlink_to(path)
        except OSError:
            path.rename(kept)
        # What a dead writer left belongs to the old file; SQLite would apply it to the new one.
        for suffix in _SIDECARS:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
    return kept


def _free(name: str) -> Path:
    wanted, number = Path(name), 2
    while exists(wanted):
        wanted, number = Path(f"{name}-{number}"), number + 1
    return wanted
