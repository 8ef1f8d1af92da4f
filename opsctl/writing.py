"""Write a file as a whole: whoever reads it sees the old or the new one, and never a part."""

from __future__ import annotations

import os
from pathlib import Path

from opsctl.errors import OutputError


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Put `text` in the file at `path`; OutputError where that fails, and the old file is left as it was.

    An existing file keeps its mode; a link is followed, and its target replaced; a device or a pipe is
    written to.
    """
    try:
        if path.exists() and not path.is_file():
            # A file in place of a device would take it from everybody.
            path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        else:
            # Unlike `resolve`, it takes a link that leads to itself.
            _replace(Path(os.path.realpath(path)), text, mode)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}; choose another place with `--out`"
        ) from error


def _replace(target: Path, text: str, mode: int) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        kept = target.stat().st_mode & 0o7777 if target.exists() else mode
        with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            os.fchmod(file.fileno(), kept)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _sync_folder(target.parent)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
