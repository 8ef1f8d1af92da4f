"""How a time server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the network, of the server's clock, and of whom it follows."""
    yield from unanswered()
    yield slow(timeout)
    yield Fault("refused-politely", "it answers RATE", failure=Failure(Cause.STATUS, "it answers RATE"))
    sure = "synchronised == true"
    untold = frozenset({"reference", "age", "root_delay", "root_dispersion", "root_distance"})
    lost = {"synchronised": False, "leap": "alarm", "stratum": 0}
    yield Fault("unsynchronised", "it does not know the time", lost, untold, cure=sure)
    alarmed = {"synchronised": False, "leap": "alarm", "stratum": 2}
    yield Fault("alarm", "it warns of its own clock", alarmed, untold, cure=sure)
    drifting = {"synchronised": True, "age": DAY, "root_dispersion": 1.3, "root_distance": 1.31}
    yield Fault("drifting", "it lost whom it follows a day ago", drifting, cure="root_distance < 1s")
    alone = {"synchronised": True, "stratum": 10, "reference": "127.127.1.1", "root_distance": 0.0}
    yield Fault("alone", "it follows nobody but its own clock", alone, cure="stratum < 5")
