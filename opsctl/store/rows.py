"""How times, states and standings become columns, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import Cause, State
from opsctl.records import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

# In the order of badness, so that max() is the worst.
STATES = (State.UP, State.DEGRADED, State.UNKNOWN, State.DOWN)
CODES: Mapping[State, int] = {state: code for code, state in enumerate(STATES)}
HOUR = 3_600_000

StandingRow = tuple[int, int, int, int, int, str | None, str]


class Span(NamedTuple):
    """A stretch of time in which one state counted; times in milliseconds, states as codes.

    `pending` is what was seen while it did not count as an outage yet; `results` is how many it has.
    """

    state: int
    pending: int | None
    started: int
    ended: int
    results: int


def millis(seconds: float) -> int:
    """Epoch seconds as the store keeps them."""
    return round(seconds * 1000)


def seconds(milliseconds: int) -> float:
    """Epoch seconds as records have them."""
    return milliseconds / 1000


def text(foreign: str) -> str:
    """Text that can be stored: half a surrogate pair has no UTF-8, so it is spelt out."""
    return foreign if foreign.isascii() else foreign.encode("utf-8", "backslashreplace").decode()


def standing_row(standing: Standing) -> StandingRow:
    """The columns state, since, seen, at, streak, cause, message."""
    return (
        CODES[standing.state],
        millis(standing.since),
        CODES[standing.seen],
        millis(standing.at),
        standing.streak,
        standing.cause,
        standing.message,
    )


def standing_of(row: StandingRow) -> Standing:
    """The standing in the columns state, since, seen, at, streak, cause, message."""
    state, since, seen, at, streak, cause, message = row
    return Standing(
        STATES[state],
        seconds(since),
        STATES[seen],
        seconds(at),
        streak,
        Cause(cause) if cause else None,
        message,
    )
