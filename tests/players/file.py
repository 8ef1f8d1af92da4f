"""Files that fail as `opsctl.faults.file` says."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

# As long as the garbage is, whose size says nothing.
_RIGHT = b"all well"
LENSES = (
    "exists == true",
    "exists == false",
    "count > 0",
    "age < 26h",
    "size > 0B",
    "total_size > 0B",
    'mode == "0640"',
    'owner != ""',
    'group != ""',
    'type == "file"',
    f'sha256 == "{hashlib.sha256(_RIGHT).hexdigest()}"',
    f'sha256 == "{hashlib.sha256().hexdigest()}"',
    'content contains "well"',
)


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name == "unreadable":
        return _hidden(stage)
    known = {"healthy", "missing", "stale", "empty", "garbage", "open-to-all"}
    return _written(stage, fault) if fault.name in known else None


@contextmanager
def _written(stage: Stage, fault: Fault) -> Iterator[Mapping[str, Any]]:
    path = stage.folder / "file"
    path.unlink(missing_ok=True)
    if fault.values.get("exists", True):
        content = fault.values.get("content")
        path.write_bytes(_RIGHT if content is None else content.encode())
        path.chmod(int(fault.values.get("mode", "0640"), 8))
        written = time.time() - fault.values.get("age", 0.0)
        os.utime(path, (written, written))
    yield {"path": str(path)}


@contextmanager
def _hidden(stage: Stage) -> Iterator[Mapping[str, Any]]:
    folder = stage.folder / "hidden"
    folder.mkdir()
    (folder / "file").write_bytes(_RIGHT)
    folder.chmod(0)
    try:
        yield {"path": str(folder / "file")}
    finally:
        folder.chmod(0o700)
