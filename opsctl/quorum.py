"""What several places together say of a check: down only where enough of them see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.outcome import State

if TYPE_CHECKING:
    from collections.abc import Sequence


def agree(states: Sequence[State], quorum: int, silent: int = 0) -> State:
    """What a check counts as, by what each place sees, where `quorum` places (at least 1) must see it down.

    `silent` places were not heard; one that could not tell says no more. It is up only where enough were
    heard to agree that it is down, and those that were not could not make it down.
    """
    down, untold = states.count(State.DOWN), states.count(State.UNKNOWN) + silent
    good = [one for one in states if one.good]
    if down >= quorum:
        return State.DOWN
    if down + len(good) < quorum or down + untold >= quorum:
        return State.UNKNOWN
    return State.UP if State.UP in good else State.DEGRADED
