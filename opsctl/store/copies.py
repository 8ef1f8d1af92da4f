"""Copy a store whole: to a temporary file, synced, then moved to its name."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from opsctl.store import faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COPY_TIMEOUT = 30.0


def connect(path: Path, mode: Literal["ro", "rw"], timeout: float) -> sqlite3.Connection:
    """A connection that never creates the file and begins no transaction by itself."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=timeout, isolation_level=None
    )


def snapshot(source: Path, target: Path) -> None:
    """Copy the store at `source` to `target`, which is replaced; others may go on using the source.

    The copy is compact, readable by its owner only, and safe against a crash at any moment.
    Raises StoreError.
    """
    with temporary(target) as draft:
        vacuum_into(source, draft)
        publish(draft, target)


def vacuum_into(source: Path, draft: Path) -> None:
    """Write what the store at `source` holds at this moment into the empty file `draft`."""
    with faults.translated(source, draft), closing(connect(source, "ro", _COPY_TIMEOUT)) as db:
        db.execute("VACUUM INTO ?", (os.fspath(draft),))


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file (0600) beside `target`, gone when the block ends unless it was moved."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with faults.reachable(target):
        # A process that died may have had the same number.
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def publish(draft: Path, target: Path) -> None:
    """Move the file `draft` to `target` so that after a crash there is one or the other."""
    with faults.reachable(target):
        _sync(draft)
        draft.replace(target)
        _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
