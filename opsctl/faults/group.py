"""How the members of a group fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Of many too many."""
    none = {"enough": False, "up": 0, "up_percent": 0.0}
    yield Fault(
        "all-down", "all members are down", {**none, "down": 100, "unknown": 0}, cure="enough == true"
    )
    unknown = {**none, "unknown": 100}
    yield Fault(
        "all-unknown", "nothing is known of any member", unknown, frozenset({"down"}), cure="enough == true"
    )
