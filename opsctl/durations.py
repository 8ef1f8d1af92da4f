"""How long the stretches of an incident took, each by its own name: never one number for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.incident import Incident

# From which time of an incident to which; `opened` is when it was declared.
STRETCHES = {
    "detect": ("impact_started", "detected"),
    "acknowledge": ("detected", "acknowledged"),
    "declare": ("impact_started", "opened"),
    "mitigate": ("impact_started", "mitigated"),
    "recover": ("impact_started", "impact_ended"),
    "repair": ("detected", "impact_ended"),
    "resolve": ("opened", "resolved"),
    "close": ("impact_started", "closed"),
}


def durations(incident: Incident) -> Mapping[str, float | None]:
    """The seconds of each stretch; None where one of its ends has not happened or is not known.

    What was detected before its impact began was detected in time: 0.
    """
    return {name: _between(incident, *ends) for name, ends in STRETCHES.items()}


def _between(incident: Incident, first: str, last: str) -> float | None:
    start, end = getattr(incident, first), getattr(incident, last)
    return None if start is None or end is None else max(0.0, end - start)
