"""A document that people review: who read which text of it, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "documents"
REMARKS: frozenset[str] = frozenset()


class Reviewed(NamedTuple):
    """The last review of a document: `sha256` is of the text that was read, `at` UTC epoch seconds."""

    number: int
    path: str
    sha256: str
    by: str
    at: float
    note: str = ""
    reviews: int = 1

    @property
    def subject(self) -> str:
        """`DOC-5`."""
        return f"DOC-{self.number}"


def decode(document: Mapping[str, Any]) -> Reviewed:
    """The review of a stored document."""
    return Reviewed(**thaw(document))


def apply(reviewed: Reviewed | None, event: Event) -> Reviewed:
    """The document after another review."""
    if event.kind != "document.reviewed":
        raise KeyError(event.kind)
    body = dict(thaw(event.body))
    by = body.pop("by", event.actor)
    if reviewed is None:
        number = int(event.subject.partition("-")[2])
        return Reviewed(number=number, by=by, at=event.occurred, **body)
    return reviewed._replace(by=by, at=event.occurred, reviews=reviewed.reviews + 1, **body)
