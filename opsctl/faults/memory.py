"""How memory fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a machine that runs out of it."""
    full = {"used_percent": 99.9, "available": 10_000_000}
    yield Fault("full", "nearly nothing is available", full, cure="used_percent < 95%")
    yield Fault(
        "swapping", "all of the swap is used", {"swap_used_percent": 100.0}, cure="swap_used_percent < 80%"
    )
