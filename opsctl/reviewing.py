"""Reviews: begin a draft, submit what people wrote, and know which are owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.clocks import review_due
from opsctl.errors import RefusedError, UsageError
from opsctl.improving import Fields, add
from opsctl.ledger.incident import SEVERITIES
from opsctl.ledger.names import number_of, subject_named
from opsctl.linting import lint
from opsctl.moments import deadline
from opsctl.policies import policies, targets
from opsctl.prose import count, line
from opsctl.review_text import actions, front_matter, read
from opsctl.store.ledger import get, records
from opsctl.store.owed_reviews import unreviewed

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.ledger.item import Item
    from opsctl.ledger.review import Review
    from opsctl.review_text import Action
    from opsctl.store.ledger import Ledger


class Owed(NamedTuple):
    """A review that is to be written, or was; `due` is UTC epoch seconds, None where none is asked for."""

    incident: Incident
    review: Review | None
    due: float | None

    @property
    def state(self) -> str:
        """`not begun`, `draft`, `submitted` or `waived`."""
        return self.review.state if self.review else "not begun"

    @property
    def done(self) -> bool:
        """Whether nobody has to write it any more."""
        return self.review is not None and self.review.state != "draft"

    def overdue(self, now: float) -> bool:
        """Whether it should be there and is not."""
        return not self.done and self.due is not None and now > self.due


class Reviews(NamedTuple):
    """Reviews at one moment (UTC epoch seconds), what is due first before the rest."""

    workspace: str
    timezone: str
    at: float
    owed: tuple[Owed, ...]


def incident_named(db: sqlite3.Connection, name: str) -> Incident:
    """The incident that `7`, `INC-7` or `PIR-7` means; UsageError where there is none."""
    bare = name.strip()
    prefix = "PIR" if bare.upper().startswith("PIR") else "INC"
    subject = f"INC-{number_of(subject_named(bare, prefix))}"
    incident = get(db, subject)
    if incident is None:
        raise UsageError(f"there is no {subject}; `opsctl incident list --all` shows what there is")
    return cast("Incident", incident)


def file_of(workspace: Workspace, incident: Incident) -> Path:
    """Where the draft of an incident's review is kept."""
    return workspace.root / policies(workspace).reviews.folder / f"{incident.subject}.md"


def over(incident: Incident) -> Incident:
    """The incident, where it is over; RefusedError where its review would come too early."""
    if incident.resolved is None or incident.state == "merged":
        way = f"go on with {incident.merged_into}" if incident.merged_into else "resolve it first"
        raise RefusedError(f"{incident.subject} is {incident.state}; {way}, then review it")
    return incident


def begin(ledger: Ledger, workspace: Workspace, incident: Incident, owner: str) -> Review:
    """Keep that somebody writes the review, once; RefusedError where it was submitted or waived."""
    over(incident)
    review = _open(ledger, incident)
    if review is None:
        file = str(file_of(workspace, incident).relative_to(workspace.root))
        body = {"owner": line(text_of(owner, "--owner")), "file": file}
        ledger.append("review.started", f"PIR-{incident.number}", body)
        review = ledger.get(f"PIR-{incident.number}")
    return cast("Review", review)


def submit(
    ledger: Ledger, workspace: Workspace, incident: Incident, text: str, file: str
) -> tuple[Item, ...]:
    """Keep the review, make its actions items of the backlog, and close the incident.

    Raises RefusedError with all that lint finds, and where it was submitted or waived already.
    """
    over(incident)
    _open(ledger, incident)
    named = front_matter(text).get("incident", incident.subject)
    if named != incident.subject:
        raise UsageError(
            f"{file} is the review of {line(named)}, not of {incident.subject}; name the right one"
        )
    found = lint(text, policies(workspace).reviews)
    if found:
        words = "\n".join(f"{file}:{one.line}:{one.column}: {one.rule}: {one.message}" for one in found)
        raise RefusedError(f"{count('finding', len(found))} before it can be submitted:\n{words}")
    items = tuple(_item(ledger, workspace, incident, row, file) for row in actions(read(text)))
    body = {"text": text, "digest": _digest(text), "actions": [one.subject for one in items]}
    ledger.append("review.submitted", f"PIR-{incident.number}", body)
    if incident.state == "resolved":
        ledger.append("incident.closed", incident.subject, {"reason": f"PIR-{incident.number} is submitted"})
    return items


def waive(ledger: Ledger, incident: Incident, reason: str) -> Review:
    """Decide that nobody writes the review, and say why."""
    over(incident)
    _open(ledger, incident)
    ledger.append("review.waived", f"PIR-{incident.number}", {"reason": text_of(reason, "--reason")})
    return cast("Review", ledger.get(f"PIR-{incident.number}"))


def reviews(workspace: Workspace, now: float, *, everything: bool = False, overdue: bool = False) -> Reviews:
    """The reviews that are to be written, or with `everything` all there are.

    Raises StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = owed(db, workspace)
        if everything:
            found += tuple(_known(db, workspace, {one.incident.number for one in found}))
    chosen = [one for one in found if not overdue or one.overdue(now)]
    ordered = sorted(chosen, key=lambda one: (one.done, one.due or 0.0, one.incident.number))
    return Reviews(workspace.name, workspace.timezone, now, tuple(ordered))


def review_of(workspace: Workspace, name: str) -> tuple[Owed, tuple[Item, ...]]:
    """The review of an incident with the items that it made.

    Raises UsageError where there is no such incident, and StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = owed_one(db, workspace, incident_named(db, name))
        items = tuple(get(db, one) for one in found.review.actions) if found.review else ()
        return found, items


def owed(db: sqlite3.Connection, workspace: Workspace) -> tuple[Owed, ...]:
    """The reviews that are to be written: those that a severity asks for, and those that somebody began."""
    policy = policies(workspace)
    asking = [name for name in SEVERITIES if targets(policy.incidents, name).review is not None]
    asked = {one.number: one for one in unreviewed(db, asking)}
    begun = {one.number: one for one in records(db, "PIR") if one.state == "draft"}
    for number in begun.keys() - asked.keys():
        asked[number] = get(db, f"INC-{number}")
    return tuple(
        Owed(one, begun.get(number), review_due(one, policy, workspace.timezone))
        for number, one in sorted(asked.items())
    )


def owed_one(db: sqlite3.Connection, workspace: Workspace, incident: Incident) -> Owed:
    """The review of one incident, as it stands."""
    due = review_due(incident, policies(workspace), workspace.timezone)
    return Owed(incident, get(db, f"PIR-{incident.number}"), due)


def _known(db: sqlite3.Connection, workspace: Workspace, shown: set[int]) -> list[Owed]:
    done = [one for one in records(db, "PIR") if one.number not in shown]
    return [owed_one(db, workspace, get(db, one.incident)) for one in done]


def _open(ledger: Ledger, incident: Incident) -> Review | None:
    review = cast("Review | None", ledger.get(f"PIR-{incident.number}"))
    if review is not None and review.state != "draft":
        why = f": {line(review.reason)}" if review.reason else ""
        raise RefusedError(
            f"PIR-{incident.number} was {review.state} already{why}; "
            f"`opsctl log PIR-{incident.number}` shows by which command, and `opsctl undo` takes it back"
        )
    return review


def _item(ledger: Ledger, workspace: Workspace, incident: Incident, row: Action, file: str) -> Item:
    serious = incident.peak in {"sev1", "sev2"}
    fields = Fields(
        title=row.of("action"),
        priority=row.of("priority").lower() or ("high" if serious else "medium"),
        owner=row.of("owner"),
        due=deadline(row.of("due"), ledger.recorded, workspace.timezone, "due"),
        services=tuple(name for name in incident.services if name in workspace.services),
        source=f"PIR-{incident.number}",
        measure=row.of("measure") or None,
    )
    try:
        return add(ledger, workspace, fields)
    except UsageError as error:
        raise UsageError(f"{file}:{row.line}: {error}") from error


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
