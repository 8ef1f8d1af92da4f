"""A backlog item: an improvement with a priority, an owner, and a measurement that proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "items"
REMARKS = frozenset({"item.noted"})

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
State = Literal["open", "planned", "started", "done", "rejected"]
ALLOWED: dict[State, tuple[str, ...]] = {
    "open": ("edit", "prioritise", "plan", "start", "done", "reject"),
    "planned": ("edit", "prioritise", "plan", "start", "done", "reject"),
    "started": ("edit", "prioritise", "plan", "done", "reject"),
    "done": ("verify", "edit"),
    "rejected": (),
}


class Item(NamedTuple):
    """An item as its events leave it. Times are UTC epoch seconds; `effort` and `spent` are hours.

    `source` is where it came from: a subject (`PIR-7`), or a word. `impact` is high or low, for the matrix.
    `measure` says what will show that it helped, `baseline` what that was at the start, `verdict` what it
    came to.
    """

    number: int
    title: str
    state: State
    added: float
    text: str = ""
    priority: Priority = "medium"
    impact: Literal["high", "low"] | None = None
    effort: float | None = None
    spent: float | None = None
    owner: str | None = None
    due: float | None = None
    tags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    source: str | None = None
    iteration: str | None = None
    measure: str | None = None
    baseline: Mapping[str, Any] | None = None
    verdict: Mapping[str, Any] | None = None
    started: float | None = None
    finished: float | None = None
    verified: float | None = None
    reason: str | None = None
    links: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        """`OPS-12`."""
        return f"OPS-{self.number}"

    @property
    def proven(self) -> bool:
        """Whether a measurement showed that it helped."""
        return self.verdict is not None and self.verdict.get("outcome") == "improved"


def decode(document: Mapping[str, Any]) -> Item:
    """The item of a stored document."""
    return Item(**thaw(document))


def apply(item: Item | None, event: Event) -> Item:
    """The item after the event."""
    body = thaw(event.body)
    if item is None:
        number = int(event.subject.partition("-")[2])
        return Item(number=number, state="open", added=event.occurred, **body)
    return _APPLY[event.kind](item, event, body)


def _changed(item: Item, _event: Event, body: Mapping[str, Any]) -> Item:
    return item._replace(**body["changes"])


def _planned(item: Item, _event: Event, body: Mapping[str, Any]) -> Item:
    state: State = "planned" if body["iteration"] and item.state == "open" else item.state
    if not body["iteration"] and item.state == "planned":
        state = "open"
    return item._replace(iteration=body["iteration"], state=state)


def _started(item: Item, event: Event, body: Mapping[str, Any]) -> Item:
    return item._replace(state="started", started=event.occurred, baseline=body["baseline"])


def _done(item: Item, event: Event, body: Mapping[str, Any]) -> Item:
    return item._replace(state="done", finished=event.occurred, spent=body.get("spent", item.spent))


def _verified(item: Item, event: Event, body: Mapping[str, Any]) -> Item:
    return item._replace(verified=event.occurred, verdict=body["verdict"])


def _rejected(item: Item, event: Event, body: Mapping[str, Any]) -> Item:
    return item._replace(state="rejected", finished=event.occurred, reason=body["reason"])


def _linked(item: Item, _event: Event, body: Mapping[str, Any]) -> Item:
    link = (body["relation"], body["other"])
    return item if link in item.links else item._replace(links=(*item.links, link))


def _noted(item: Item, _event: Event, _body: Mapping[str, Any]) -> Item:
    return item


_APPLY = {
    "item.changed": _changed,
    "item.planned": _planned,
    "item.started": _started,
    "item.done": _done,
    "item.verified": _verified,
    "item.rejected": _rejected,
    "item.linked": _linked,
    "item.noted": _noted,
}
