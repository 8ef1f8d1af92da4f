"""How records tell that something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a check that fails often, slowly or not at all."""
    none = Failure(Cause.TOO_FEW, "there are too few results")
    yield Fault("no-results", "nothing was recorded", failure=none)
    blind = Failure(Cause.TOO_FEW, "no result is known")
    yield Fault("all-unknown", "no result could tell", failure=blind)
    if kind.last:
        old = Failure(Cause.TOO_FEW, "the newest result is too old to count")
        yield Fault("stale", "nothing was recorded for a long time", failure=old)
    gone = frozenset({"p50", "p95", "p99", "slowest"})
    down = {"success": 0.0, "failed": 1000}
    yield Fault("always-down", "it was never up", down, gone, cure="success >= 99%")
    yield Fault(
        "often-down", "every tenth result is down", {"success": 90.0, "failed": 100}, cure="success >= 99%"
    )
    slow = {"p50": 60.0, "p95": 60.0, "p99": 60.0, "slowest": 60.0}
    yield Fault("slow", "answers take a minute", slow, cure="p95 < 500ms")
    if kind.last:
        yield Fault(
            "flapping", "it is down every second time", {"success": 50.0, "changes": 900}, cure="changes < 5"
        )
