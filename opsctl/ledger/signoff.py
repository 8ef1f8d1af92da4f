"""A sign-off: a person's word on an item for a subject, bound to a digest of what was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "signoffs"
REMARKS: frozenset[str] = frozenset()


class Signoff(NamedTuple):
    """A sign-off as its events leave it. Times are UTC epoch seconds.

    `digest` is of the item's text and parameters, `subject_ref` and `commit` what it is for. `evidence` has
    `text`, `url`, or `file` with `sha256`. `imported` says where one came from that was not given here.
    """

    number: int
    checklist: str
    item: str
    outcome: Literal["signed", "n/a"]
    who: str
    role: str | None
    at: float
    digest: str
    subject_ref: str
    commit: str | None = None
    environment: str | None = None
    evidence: Mapping[str, Any] = {}
    reason: str | None = None
    imported: str | None = None
    revoked: float | None = None

    @property
    def subject(self) -> str:
        """`SGN-4`."""
        return f"SGN-{self.number}"


def decode(document: Mapping[str, Any]) -> Signoff:
    """The sign-off of a stored document."""
    return Signoff(**thaw(document))


def apply(signoff: Signoff | None, event: Event) -> Signoff:
    """The sign-off after the event."""
    if signoff is None:
        number = int(event.subject.partition("-")[2])
        return Signoff(number=number, at=event.occurred, **thaw(event.body))
    if event.kind == "signoff.revoked":
        return signoff._replace(revoked=event.occurred, reason=event.body["reason"])
    raise KeyError(event.kind)
