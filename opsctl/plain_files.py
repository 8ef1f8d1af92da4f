"""Files that are read at once or not at all: whoever opens a pipe may wait for ever, and others with them."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class NotPlainError(Exception):
    """There is something at a path, and it is no regular file; its words begin with "is a"."""


def check_plain(path: Path) -> None:
    """Pass a regular file, be it by links; NotPlainError for anything else, OSError where nothing is there.

    It is not opened, as even that would be noticed by who waits at the other end of a pipe.
    """
    mode = path.stat().st_mode
    if S_ISFIFO(mode):
        raise NotPlainError("is a pipe, which may wait for ever to be written to")
    if not S_ISREG(mode):
        kind = "folder" if S_ISDIR(mode) else "socket" if S_ISSOCK(mode) else "device"
        raise NotPlainError(f"is a {kind}")


def start_of(path: Path, size: int) -> bytes:
    """The first `size` bytes of a regular file, or all of a shorter one; NotPlainError or OSError."""
    check_plain(path)
    # What has taken the file's place since then is not waited for either.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle, not a path
        return file.read(size) or b""
