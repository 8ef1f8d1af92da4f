"""A waiver: an exception from an item, with a reason, an owner and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "waivers"
REMARKS: frozenset[str] = frozenset()


class Waiver(NamedTuple):
    """A waiver as its events leave it. Times are UTC epoch seconds; it counts from `given` until `expires`.

    `subject_ref` and `environment` narrow it where they are given. `backlog` is the item that ends the need.
    """

    number: int
    checklist: str
    item: str
    reason: str
    owner: str
    by: str
    given: float
    expires: float
    subject_ref: str | None = None
    environment: str | None = None
    backlog: str | None = None
    ended: float | None = None
    ended_reason: str | None = None

    @property
    def subject(self) -> str:
        """`WVR-2`."""
        return f"WVR-{self.number}"


def decode(document: Mapping[str, Any]) -> Waiver:
    """The waiver of a stored document."""
    return Waiver(**thaw(document))


def apply(waiver: Waiver | None, event: Event) -> Waiver:
    """The waiver after the event."""
    if waiver is None:
        number = int(event.subject.partition("-")[2])
        return Waiver(number=number, by=event.actor, given=event.occurred, **thaw(event.body))
    if event.kind == "waiver.ended":
        return waiver._replace(ended=event.occurred, ended_reason=event.body["reason"])
    raise KeyError(event.kind)
