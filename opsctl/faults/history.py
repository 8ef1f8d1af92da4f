"""How records tell that something is wrong."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MANY = 1000


def faults(kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a check that fails often, slowly or not at all."""
    none = Failure(Cause.TOO_FEW, "there are too few results")
    yield Fault("no-results", "nothing was recorded", failure=none)
    blind = Failure(Cause.TOO_FEW, "no result is known")
    yield Fault("all-unknown", "no result could tell", failure=blind)
    if kind.last:
        old = Failure(Cause.TOO_FEW, "the newest result is too old to count")
        yield Fault("stale", "nothing was recorded for a long time", failure=old)
    for name, text, down in (
        ("always-down", "it was never up", lambda _at: True),
        ("often-down", "every tenth result is down", lambda at: at % 10 == 0),
        ("flapping", "it is down every second time", lambda at: at % 2 == 0),
    ):
        if kind.last or name != "flapping":
            cure = "changes < 5" if name == "flapping" else "success >= 99%"
            yield Fault(name, text, _figures(kind.last, down), cure=cure)
    slow = {"p50": 60.0, "p95": 60.0, "p99": 60.0, "slowest": 60.0}
    yield Fault("slow", "answers take a minute", slow, cure="p95 < 500ms")


def _figures(last: int | None, down: Callable[[int], bool]) -> dict[str, float]:
    """What so many results come to; of a time, in which nobody knows how many there are, of a thousand."""
    well = [not down(at) for at in range(last or _MANY)]
    figures = {"success": 100 * sum(well) / len(well), "failed": well.count(False)}
    changes = {"changes": sum(before != after for before, after in pairwise(well))} if last else {}
    return {**figures, **changes}
