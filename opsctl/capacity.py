"""The share of an iteration that improvements may take: planned and spent against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsctl.ledger.item import Item
    from opsctl.ledger.iteration import Iteration


class Load(NamedTuple):
    """Hours of an iteration: `allowed` for improvements, `planned`, and `spent` on what is done.

    `unestimated` and `unlogged` are items whose hours nobody said, so that a sum is never taken for all.
    """

    iteration: Iteration
    items: tuple[Item, ...]
    allowed: float
    planned: float
    spent: float
    unestimated: int
    unlogged: int

    @property
    def over(self) -> bool:
        """Whether more is planned than is allowed."""
        return self.planned > self.allowed


def load_of(iteration: Iteration, items: Iterable[Item]) -> Load:
    """What the iteration carries."""
    carried = tuple(one for one in items if one.iteration == iteration.subject and one.state != "rejected")
    done = [one for one in carried if one.state == "done"]
    return Load(
        iteration,
        carried,
        iteration.capacity * iteration.share,
        sum(one.effort or 0.0 for one in carried),
        sum(one.spent or 0.0 for one in done),
        sum(one.effort is None for one in carried),
        sum(one.spent is None for one in done),
    )
