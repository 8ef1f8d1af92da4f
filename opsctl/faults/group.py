"""How the members of a group fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Of many too many."""
    none = {"up": 0, "up_percent": 0.0}
    down = {**none, "enough": False, "down": 100, "unknown": 0}
    yield Fault("all-down", "all members are down", down, cure="enough == true")
    # Where nothing is known of any, it is not known either whether enough are well.
    unsaid = frozenset({"enough", "down"})
    unknown = {**none, "unknown": 100}
    yield Fault("all-unknown", "nothing is known of any member", unknown, unsaid, cure="enough == true")
