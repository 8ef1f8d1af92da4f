"""A gate's decision: what a checklist came to for a subject, with everything it was judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "gates"
REMARKS: frozenset[str] = frozenset()


class Gate(NamedTuple):
    """A decision. `as_of` is the time it was evaluated for, `decided` when that was (UTC epoch seconds).

    `definition` maps each item to its digest. `items` are what each came to: `id`, `verdict`, `message`,
    `required`, `shadow`, and the `facts` it was judged by. `override` has `who` and `reason`.
    """

    number: int
    decided: float
    checklist: str
    subject_ref: str
    verdict: str
    as_of: float
    commit: str | None = None
    environment: str | None = None
    definition: Mapping[str, str] = {}
    items: tuple[Mapping[str, Any], ...] = ()
    override: Mapping[str, Any] | None = None

    @property
    def subject(self) -> str:
        """`GATE-17`."""
        return f"GATE-{self.number}"

    @property
    def passed(self) -> bool:
        """Whether the deploy could go on."""
        return self.verdict in {"pass", "warn"} or self.override is not None


def decode(document: Mapping[str, Any]) -> Gate:
    """The decision of a stored document."""
    return Gate(**thaw(document))


def apply(gate: Gate | None, event: Event) -> Gate:
    """The decision after the event."""
    if gate is None:
        number = int(event.subject.partition("-")[2])
        return Gate(number=number, decided=event.recorded, **thaw(event.body))
    if event.kind == "gate.overridden":
        return gate._replace(override=thaw(event.body))
    raise KeyError(event.kind)
