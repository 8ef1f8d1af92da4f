"""How clocks go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.faults.ntp import unanswered_packets

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of this clock, and of the server's."""
    yield from unanswered_packets()
    yield slow(timeout)
    yield Fault(
        "behind", "this clock is an hour behind", {"offset": 3600.0, "ahead": False}, cure="offset < 1s"
    )
    yield Fault("ahead", "this clock is an hour ahead", {"offset": 3600.0, "ahead": True}, cure="offset < 1s")
    unsure = {"synchronised": False, "stratum": 0}
    yield Fault("server-unsure", "the server does not know the time", unsure, cure="synchronised == true")
