"""The `load` check: how many programs want to run, for each CPU there is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from opsctl.outcome import Cause, Failure, Kind, Observation, Subject

if TYPE_CHECKING:
    from opsctl.checks import Ask


@dataclass(frozen=True, kw_only=True)
class LoadCheck:
    """Look at this machine's load averages."""

    SHORTHAND: ClassVar[str] = ""
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "load1": Subject(Kind.NUMBER, "The load average of the last minute.", Cause.USAGE),
        "load5": Subject(Kind.NUMBER, "The load average of the last 5 minutes.", Cause.USAGE),
        "load15": Subject(Kind.NUMBER, "The load average of the last 15 minutes.", Cause.USAGE),
        "per_cpu": Subject(Kind.NUMBER, "`load5` for each CPU that opsctl may use.", Cause.USAGE),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("per_cpu < 4",)

    def target(self) -> str:
        """The word for what is looked at."""
        return "load"

    def probe(self, ask: Ask) -> Observation:  # noqa: ARG002 - nothing needs to be asked
        """Ask the kernel for its averages."""
        try:
            load1, load5, load15 = os.getloadavg()
        except OSError:
            words = "this system does not know its load averages"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        per_cpu = round(load5 / _cpus(), 4)
        return Observation({"load1": load1, "load5": load5, "load15": load15, "per_cpu": per_cpu})


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
