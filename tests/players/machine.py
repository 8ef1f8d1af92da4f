"""Machines that fail as `opsctl.faults` says it of `disk`, `memory`, `load` and `process`.

A kernel cannot be told what to say, so its answers are put in its place, but for processes, which are real.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from opsctl.checks import memory as of_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

OF_A_DISK = (
    "used_percent < 90%",
    "free > 1GB",
    "used < 500GB",
    "total > 0B",
    "inodes_used_percent < 90%",
    "read_only == false",
    "mounted == true",
)
OF_MEMORY = ("used_percent < 95%", "available > 1GB", "total > 1GB", "swap_used_percent < 80%")
OF_LOAD = ("per_cpu < 4", "load1 < 100", "load5 < 100", "load15 < 100")
OF_PROCESSES = (
    "count >= 1",
    "count < 10",
    "youngest_age > 1m",
    "youngest_age < 1h",
    "oldest_age < 1h",
    "memory < 32MB",
)
_MANY, _LEAKED = 12, 64_000_000


def disk(stage: Stage, fault: Fault) -> Played | None:
    """A disk of 1 TB that is half full; None for what is not known here."""
    changes = {
        "healthy": {},
        "full": {"f_bfree": 0, "f_bavail": 0},
        "no-inodes": {"f_ffree": 0, "f_favail": 0},
        "read-only": {"f_flag": os.ST_RDONLY},
        "not-mounted": {},
    }
    return (
        _statvfs(changes[fault.name], mounted=fault.name != "not-mounted") if fault.name in changes else None
    )


@contextmanager
def _statvfs(changes: Mapping[str, int], *, mounted: bool) -> Iterator[Mapping[str, Any]]:
    names = (
        "f_bsize",
        "f_frsize",
        "f_blocks",
        "f_bfree",
        "f_bavail",
        "f_files",
        "f_ffree",
        "f_favail",
        "f_flag",
        "f_namemax",
    )
    half = 125_000_000
    told = dict(
        zip(names, (4000, 4000, 2 * half, half, half, 10**6, 9 * 10**5, 9 * 10**5, 0, 255), strict=True)
    )
    figures = os.statvfs_result((told | changes).values())
    with (
        mock.patch.object(os, "statvfs", return_value=figures),
        mock.patch.object(Path, "is_mount", return_value=mounted),
    ):
        yield {}


def memory(stage: Stage, fault: Fault) -> Played | None:
    """A machine of 8 GB; None for what is not known here."""
    available = {"healthy": 4_000_000, "full": 8_000, "swapping": 4_000_000}
    if fault.name not in available:
        return None
    free = 0 if fault.name == "swapping" else 2_000_000
    lines = {
        "MemTotal": 8_000_000,
        "MemAvailable": available[fault.name],
        "SwapTotal": 2_000_000,
        "SwapFree": free,
    }
    path = stage.folder / "meminfo"
    path.write_text("".join(f"{name}: {kilobytes} kB\n" for name, kilobytes in lines.items()))
    return _patched((of_memory, "_MEMINFO", path), (of_memory, "_GROUPS", stage.folder / "none"))


def load(_stage: Stage, fault: Fault) -> Played | None:
    """A machine with programs that want to run; None for what is not known here."""
    averages = {"healthy": (0.5, 0.4, 0.3), "overloaded": (9999.0, 9999.0, 9999.0)}
    return _patched((os, "getloadavg", lambda: averages[fault.name])) if fault.name in averages else None


@contextmanager
def _patched(*changes: tuple[Any, str, Any]) -> Iterator[Mapping[str, Any]]:
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(mock.patch.object(*change))
        yield {}


def process(stage: Stage, fault: Fault) -> Played | None:
    """Processes of a name that nobody else has; None for what is not known here."""
    counts = {"healthy": 1, "not-running": 0, "restarting": 1, "piling-up": _MANY, "leaking": 1}
    if fault.name not in counts:
        return None
    return _started(stage, counts[fault.name], _LEAKED if fault.name == "leaking" else 1)


@contextmanager
def _started(stage: Stage, count: int, size: int) -> Iterator[Mapping[str, Any]]:
    """Processes that hold on to what they are told, so many bytes of it."""
    tail, name = shutil.which("tail"), f"op{os.getpid()}-{stage.folder.name}"
    assert tail
    children = [
        subprocess.Popen(
            [name, "-c", str(size)], executable=tail, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for _ in range(count)
    ]
    try:
        for child in children:
            assert child.stdin
            child.stdin.write(b"x" * size)
            child.stdin.flush()
        yield {"name": name}
    finally:
        for child in children:
            child.kill()
            child.communicate()
