"""How a time server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNTOLD = frozenset({"reference", "age", "root_delay", "root_dispersion", "root_distance"})


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the network, of the server's clock, and of whom it follows."""
    yield from unanswered_packets()
    yield slow(timeout)
    yield Fault("asked-too-often", "it answers RATE", failure=Failure(Cause.STATUS, "it answers RATE"))
    sure = "synchronised == true"
    lost = {"synchronised": False, "leap": "alarm", "stratum": 0}
    yield Fault("unsynchronised", "it does not know the time", lost, _UNTOLD, cure=sure)
    alarmed = {"synchronised": False, "leap": "alarm", "stratum": 2}
    yield Fault("alarm", "it warns of its own clock", alarmed, _UNTOLD, cure=sure)
    drifting = {"age": DAY, "root_dispersion": 1.25, "root_distance": 1.25}
    yield Fault("drifting", "it lost whom it follows a day ago", drifting, cure="root_distance < 1s")
    alone = {"stratum": 10, "reference": "127.127.1.1"}
    yield Fault("alone", "it follows nobody but its own clock", alone, cure="stratum < 5")


def unanswered_packets() -> Iterator[Fault]:
    """The ways in which no packet comes back; there is no connection that could be reset."""
    for name, cause, text in (
        ("refused", Cause.REFUSED, "nothing listens there"),
        ("timeout", Cause.TIMEOUT, "nothing ever comes"),
        ("no-such-name", Cause.DNS, "the name does not exist"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
