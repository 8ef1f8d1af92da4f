"""The `memory` check: how much of the machine's, or the container's, memory is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask

_MEMINFO = Path("/proc/meminfo")
# Only a container sees its own control group here; the root group of a machine has no limit.
_GROUPS = Path("/sys/fs/cgroup")


class _Files(NamedTuple):
    """The files of a control group: its limit, what it uses, and its statistics with what can be dropped."""

    limit: str
    used: str
    statistics: str
    reclaimable: str


_VERSIONS = (
    _Files("memory.max", "memory.current", "memory.stat", "inactive_file"),
    _Files(
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


@dataclass(frozen=True, kw_only=True)
class MemoryCheck:
    """Look at this machine's memory; in a container with a limit, at that limit."""

    SHORTHAND: ClassVar[str] = ""
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "used_percent": Subject(Kind.PERCENT, "What is not available.", Cause.USAGE),
        "available": Subject(Kind.SIZE, "What programs can get without swapping.", Cause.USAGE),
        "total": Subject(Kind.SIZE, "All there is, or the container's limit.", Cause.USAGE),
        "swap_used_percent": Subject(Kind.PERCENT, "What is used of the swap, if there is any.", Cause.USAGE),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("used_percent < 95%",)

    def target(self) -> str:
        """The word for what is looked at."""
        return "memory"

    def probe(self, ask: Ask) -> Observation:  # noqa: ARG002 - nothing needs to be asked
        """Read the kernel's figures."""
        return look(_MEMINFO, _GROUPS)


def look(meminfo: Path, groups: Path) -> Observation:
    """What the kernel's files in these places say; UNSUPPORTED where they do not say it."""
    try:
        figures = _figures(meminfo.read_text(encoding="ascii"))
        total, available = figures["MemTotal"], figures["MemAvailable"]
    except (OSError, ValueError, KeyError):
        words = f"this system does not say in {meminfo} how much memory is available; Linux 3.14 and later do"
        return Observation(failure=Failure(Cause.UNSUPPORTED, words))
    for limit, free in _limits(groups):
        if 0 < limit < total:
            total, available = limit, min(available, free)
    values: dict[str, Value] = {
        "total": total,
        "available": available,
        "used_percent": 100 * (total - available) / total,
    }
    if figures.get("SwapTotal"):
        values["swap_used_percent"] = 100 * (1 - figures["SwapFree"] / figures["SwapTotal"])
    return Observation(values)


def _figures(text: str) -> dict[str, int]:
    """The lines `MemTotal:  2048 kB` in bytes."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number, _, unit = rest.strip().partition(" ")
        if unit == "kB":
            found[name] = int(number) * 1024
    return found


def _limits(groups: Path) -> Iterator[tuple[int, int]]:
    """The limit of the control group, and what is left of it: caches that can be dropped count as left."""
    for files in _VERSIONS:
        try:
            limit = int((groups / files.limit).read_text(encoding="ascii"))
            used = int((groups / files.used).read_text(encoding="ascii"))
            statistics = (groups / files.statistics).read_text(encoding="ascii").split()
            reclaimable = dict(zip(statistics[::2], map(int, statistics[1::2]), strict=True))[
                files.reclaimable
            ]
        except (OSError, ValueError):
            # No such group, or `max`: no limit.
            continue
        yield limit, max(0, limit - max(0, used - reclaimable))
