"""How clocks go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of this clock, and of the server's."""
    yield from unanswered()
    yield Fault(
        "behind", "this clock is an hour behind", {"offset": 3600.0, "ahead": False}, cure="offset < 1s"
    )
    yield Fault("ahead", "this clock is an hour ahead", {"offset": 3600.0, "ahead": True}, cure="offset < 1s")
    unsure = {"synchronised": False, "stratum": 16}
    yield Fault("server-unsure", "the server does not know the time", unsure, cure="synchronised == true")
