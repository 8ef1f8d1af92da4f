"""A post-incident review: drafted from the data, written by people, submitted once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "reviews"
REMARKS: frozenset[str] = frozenset()

State = Literal["draft", "submitted", "waived"]


class Review(NamedTuple):
    """A review as its events leave it; `number` is its incident's. Times are UTC epoch seconds.

    `file` is the draft's path below the workspace. `text` and its SHA-256 `digest` are what was submitted.
    `actions` are the backlog items that it made, `reason` is why it was waived.
    """

    number: int
    state: State
    started: float
    owner: str | None = None
    file: str | None = None
    submitted: float | None = None
    text: str = ""
    digest: str | None = None
    actions: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def subject(self) -> str:
        """`PIR-7`."""
        return f"PIR-{self.number}"

    @property
    def incident(self) -> str:
        """`INC-7`, what it reviews."""
        return f"INC-{self.number}"


def decode(document: Mapping[str, Any]) -> Review:
    """The review of a stored document."""
    return Review(**thaw(document))


def apply(review: Review | None, event: Event) -> Review:
    """The review after the event."""
    body = thaw(event.body)
    if review is None:
        number = int(event.subject.partition("-")[2])
        review = Review(number, "draft", event.occurred)
    if event.kind == "review.started":
        return review._replace(owner=body["owner"], file=body["file"])
    if event.kind == "review.submitted":
        return review._replace(
            state="submitted",
            submitted=event.occurred,
            text=body["text"],
            digest=body["digest"],
            actions=body["actions"],
        )
    if event.kind == "review.waived":
        return review._replace(state="waived", submitted=event.occurred, reason=body["reason"])
    raise KeyError(event.kind)
