"""Impact against effort: where an item stands in the matrix, and what that place is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsctl.ledger.item import Item
    from opsctl.policies import Backlog

Quadrant = Literal["quick win", "major project", "filler", "defer"]
QUADRANTS: tuple[Quadrant, ...] = ("quick win", "major project", "filler", "defer")
_HOUR = 3600.0


def impact(item: Item) -> Literal["high", "low"]:
    """The impact as it was said, or by the priority: critical and high are high."""
    return item.impact or ("high" if item.priority in {"critical", "high"} else "low")


def quadrant(item: Item, policy: Backlog) -> Quadrant | None:
    """Where the item stands; None where nobody has said how much work it is."""
    if item.effort is None:
        return None
    little = item.effort * _HOUR <= policy.low_effort
    if impact(item) == "high":
        return "quick win" if little else "major project"
    return "filler" if little else "defer"


def placed(items: Iterable[Item], policy: Backlog) -> dict[Quadrant | None, list[Item]]:
    """The items by where they stand, every place there."""
    found: dict[Quadrant | None, list[Item]] = {place: [] for place in (*QUADRANTS, None)}
    for item in items:
        found[quadrant(item, policy)].append(item)
    return found
