"""Locks beside the store that keep a command from piling up; a lock dies with its process."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.store.faults import reachable
from opsctl.store.opening import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def run_lock(store: Path, name: str) -> Iterator[bool]:
    """Hold the lock `name` of the store while the block runs; False, at once, where another has it.

    The file `STORE.NAME.lock` stays, with the number of the last process that had the lock; what
    counts is the kernel's lock on it, which ends with the process however that ends, and which
    child processes do not inherit. Raises StoreError where the file cannot be made.
    """
    path = _path(store, name)
    make_folder(path)
    with reachable(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def is_held(store: Path, name: str) -> bool:
    """Whether a process has the lock; where there is no lock, or it cannot be read, none has."""
    try:
        handle = os.open(_path(store, name), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def holder(store: Path, name: str) -> int | None:
    """The number of the process that has the lock, where `run_lock` said that another has it."""
    try:
        return int(_path(store, name).read_text("ascii"))
    except (OSError, ValueError):
        return None


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return True


def _path(store: Path, name: str) -> Path:
    real = Path(os.path.realpath(store))
    return real.with_name(f"{real.name}.{name}.lock")
