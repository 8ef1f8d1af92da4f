"""Answers that are kept for a while, a file each: safe to delete, never mixed up, absent when in doubt."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST = 10_000_000
# Of a draft's name.
_BEGIN, _END = ".", ".tmp"
_LONGEST_WRITE = 86400.0


class Remembered(NamedTuple):
    """An answer, how many seconds the asking took, and when it was asked for (UTC epoch seconds)."""

    told: Mapping[str, Any]
    took: float
    at: float


def recall(folder: Path, question: str) -> Remembered | None:
    """What was kept for a question; None where nothing was, or where the file is not whole."""
    try:
        with _file(folder, question).open("rb") as file:
            kept = json.loads(file.read(_LARGEST + 1))
    except (OSError, ValueError, RecursionError):
        return None
    # A file of another question may have been moved here.
    if not isinstance(kept, dict) or kept.get("question") != question:
        return None
    told, took, at = (kept.get(name) for name in ("told", "took", "at"))
    return Remembered(told, took, at) if isinstance(told, dict) and _time(took) and _time(at) else None


def keep(folder: Path, question: str, answer: Remembered) -> None:
    """Keep an answer in place of the one before, which stays where that cannot be done.

    Whoever reads sees one whole answer, however many write at the same time.
    """
    from tempfile import mkstemp

    draft: Path | None = None
    try:
        text = json.dumps({"question": question, **answer._asdict()})
        # As the store makes it: its parent must exist.
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        handle, name = mkstemp(prefix=_BEGIN, suffix=_END, dir=folder)
        draft = folder / name
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            now = os.fstat(handle).st_mtime
        draft.replace(_file(folder, question))
        _sweep(folder, now)
    except (OSError, RecursionError):
        if draft is not None:
            with suppress(OSError):
                draft.unlink()


def forget(folder: Path, question: str) -> None:
    """Keep nothing for a question any more."""
    with suppress(OSError):
        _file(folder, question).unlink(missing_ok=True)


def _file(folder: Path, question: str) -> Path:
    from hashlib import sha256

    return folder / f"{sha256(question.encode()).hexdigest()[:32]}.json"


def _sweep(folder: Path, now: float) -> None:
    """Remove drafts of writers that were killed long ago; `now` is by the clock that dates files there."""
    for draft in folder.glob(f"{_BEGIN}*{_END}"):
        with suppress(OSError):
            if draft.lstat().st_mtime < now - _LONGEST_WRITE:
                draft.unlink()


def _time(value: object) -> TypeGuard[float]:
    # As `keep` writes them; an integer of a thousand digits would be none either.
    return isinstance(value, float) and isfinite(value) and value >= 0
