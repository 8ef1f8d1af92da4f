"""What several places together say of a check: down only where enough of them see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.outcome import State

if TYPE_CHECKING:
    from collections.abc import Sequence


def agree(states: Sequence[State], quorum: int) -> State:
    """What a check counts as, by what each place sees, where `quorum` places (at least 1) must see it down.

    A place that could not tell is not heard. Where fewer than `quorum` are heard they could never agree that
    it is down, so that nothing is known. Otherwise it is up if one place sees it up.
    """
    down = states.count(State.DOWN)
    good = [one for one in states if one.good]
    if down >= quorum:
        return State.DOWN
    if down + len(good) < quorum:
        return State.UNKNOWN
    return State.UP if State.UP in good else State.DEGRADED
