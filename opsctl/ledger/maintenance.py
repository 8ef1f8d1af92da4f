"""Maintenance that somebody began by hand: which checks do not count, why, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "maintenances"
REMARKS: frozenset[str] = frozenset()


class Maintenance(NamedTuple):
    """Maintenance as its events leave it: it is on from `since` to before `until` (UTC epoch seconds).

    `planned` is the end that was named at first; `until` is earlier where somebody ended it.
    """

    number: int
    select: tuple[str, ...]
    reason: str
    by: str
    since: float
    planned: float
    until: float
    ended_by: str | None = None

    @property
    def subject(self) -> str:
        """`MNT-2`."""
        return f"MNT-{self.number}"


def decode(document: Mapping[str, Any]) -> Maintenance:
    """The maintenance of a stored document."""
    return Maintenance(**thaw(document))


def apply(maintenance: Maintenance | None, event: Event) -> Maintenance:
    """The maintenance after the event."""
    if maintenance is None:
        body = thaw(event.body)
        number = int(event.subject.partition("-")[2])
        return Maintenance(number=number, by=event.actor, since=event.occurred, until=body["planned"], **body)
    if event.kind == "maintenance.ended":
        return maintenance._replace(until=event.occurred, ended_by=event.actor)
    raise KeyError(event.kind)
