"""How a machine is overloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """A load that no machine bears."""
    high = {"load1": 5000.0, "load5": 5000.0, "load15": 5000.0, "per_cpu": 1000.0}
    yield Fault("overloaded", "a thousand programs wait for each CPU", high, cure="per_cpu < 4")
