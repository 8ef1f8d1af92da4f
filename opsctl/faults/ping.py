"""How a host fails to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the way to it."""
    unknown = Failure(Cause.DNS, "the name does not exist")
    yield Fault("no-such-name", "the name does not exist", failure=unknown)
    gone = frozenset({"latency", "slowest"})
    yield Fault("silent", "nothing is answered", {"loss": 100.0}, gone, cure="loss < 50%")
    yield Fault("lossy", "every third is lost", {"loss": 33.4}, cure="loss < 10%")
    yield slow(timeout, ("latency", "slowest"))
