"""An iteration: a stretch of days with a capacity, and the share of it that improvements may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "iterations"
REMARKS: frozenset[str] = frozenset()


class Iteration(NamedTuple):
    """An iteration as its events leave it: `starts` and `ends` as UTC epoch seconds, half open.

    `capacity` is the hours of everybody, `share` the part of it for operational work, from 0 to 1.
    """

    number: int
    title: str
    starts: float
    ends: float
    capacity: float
    share: float

    @property
    def subject(self) -> str:
        """`ITR-3`."""
        return f"ITR-{self.number}"


def decode(document: Mapping[str, Any]) -> Iteration:
    """The iteration of a stored document."""
    return Iteration(**thaw(document))


def apply(iteration: Iteration | None, event: Event) -> Iteration:
    """The iteration after the event."""
    body = thaw(event.body)
    if iteration is None:
        return Iteration(number=int(event.subject.partition("-")[2]), **body)
    if event.kind == "iteration.changed":
        return iteration._replace(**body["changes"])
    raise KeyError(event.kind)
