"""A slot of a routine: one time at which it was due, and what became of each of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "slots"
REMARKS: frozenset[str] = frozenset()

State = Literal["open", "done", "failed", "skipped", "missed"]
Outcome = Literal["ok", "failed", "unknown", "waiting"]


class Did(NamedTuple):
    """What became of one step, and the proof of it; `at` is UTC epoch seconds.

    `link` names what came of it, as `RUN-3` or `reports/a.md`; `file` is evidence with its SHA-256.
    """

    step: str
    outcome: Outcome
    message: str
    by: str
    at: float
    link: str | None = None
    note: str = ""
    url: str | None = None
    file: str | None = None
    sha256: str | None = None
    attendees: tuple[str, ...] = ()


class Slot(NamedTuple):
    """A slot as its events leave it. Times are UTC epoch seconds.

    `needed` are the steps without which it is not done. `missed` counts the slots before it that nobody ran,
    from `missed_since` on. A slot that was not `scheduled` was run by hand beside them.
    """

    number: int
    routine: str
    due: float
    digest: str
    steps: tuple[str, ...]
    needed: tuple[str, ...]
    state: State
    did: tuple[Did, ...] = ()
    scheduled: bool = True
    missed: int = 0
    missed_since: float | None = None
    reason: str = ""
    ended: float | None = None

    @property
    def subject(self) -> str:
        """`RTN-4`."""
        return f"RTN-{self.number}"

    @property
    def left_out(self) -> bool:
        """Whether it was skipped or missed."""
        return self.state in {"skipped", "missed"}

    def of(self, step: str) -> Did | None:
        """What is known of a step."""
        return next((one for one in self.did if one.step == step), None)


def decode(document: Mapping[str, Any]) -> Slot:
    """The slot of a stored document."""
    given = thaw(document)
    return Slot(**{**given, "did": tuple(Did(*one) for one in given["did"])})


def apply(slot: Slot | None, event: Event) -> Slot:
    """The slot after the event."""
    body = thaw(event.body)
    if slot is None:
        slot = Slot(number=int(event.subject.partition("-")[2]), state="open", **body.pop("slot"))
    if event.kind in {"routine.skipped", "routine.missed"}:
        state: State = "skipped" if event.kind == "routine.skipped" else "missed"
        return slot._replace(state=state, reason=body["reason"], ended=event.occurred)
    if event.kind == "routine.due":
        return slot
    if event.kind != "routine.did":
        raise KeyError(event.kind)
    did = Did(by=event.actor, at=event.occurred, **body)
    others = tuple(one for one in slot.did if one.step != did.step)
    known = slot._replace(did=(*others, did))
    # What was left out stays so, whatever a process that was on it has still to tell.
    return known if known.left_out else _settled(known, event.occurred)


def _settled(slot: Slot, at: float) -> Slot:
    outcomes = {one.step: one.outcome for one in slot.did}
    # Where nothing is needed, all of it is: a routine is not done before anything was.
    if any(outcomes.get(step, "waiting") == "waiting" for step in slot.needed or slot.steps):
        return slot._replace(state="open", ended=None)
    well = all(outcomes[step] == "ok" for step in slot.needed or slot.steps)
    return slot._replace(state="done" if well else "failed", ended=at)
