"""What people say of an incident while it goes on: updates, notes, links, and corrections of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.acting import text_of
from opsctl.errors import RefusedError, UsageError
from opsctl.incident_rules import happened, in_order, known_role, known_runbook, latest, refuse_merged, tell
from opsctl.ledger.names import is_named, subject_named
from opsctl.prose import line
from opsctl.selecting import known_services
from opsctl.store.ledger import events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident, Severity
    from opsctl.store.ledger import Ledger


class Changes(NamedTuple):
    """What an update changes; None and empty leave things as they are."""

    text: str | None = None
    title: str | None = None
    severity: Severity | None = None
    services: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    runbook: str | None = None
    roles: tuple[tuple[str, str], ...] = ()
    times: Mapping[str, float] = {}


def update(
    ledger: Ledger, workspace: Workspace, incident: Incident, changes: Changes, at: float | None
) -> Incident:
    """Say how it stands, and correct what is known of it."""
    refuse_merged(incident)
    fields = _changed_fields(ledger, workspace, incident, changes)
    if fields:
        ledger.append("incident.changed", incident.subject, {"changes": fields}, at)
    for role, person in changes.roles:
        known_role(workspace, role)
        ledger.append("incident.assigned", incident.subject, {"role": role, "person": person}, at)
    if changes.text is not None:
        body = {"text": text_of(changes.text, "the update")}
        tell(ledger, incident, "incident.updated", body, at)
    elif not fields and not changes.roles:
        raise UsageError("nothing to update; say how it stands, or what changes (see --help)")
    return in_order(ledger, latest(ledger, incident))


def _changed_fields(
    ledger: Ledger, workspace: Workspace, incident: Incident, changes: Changes
) -> dict[str, Any]:
    fields: dict[str, Any] = {**changes.times}
    for name, at in changes.times.items():
        happened(ledger, at, f"--time {name}")
        if name not in {"impact_started", "detected"} and getattr(incident, name) is None:
            raise RefusedError(
                f"{incident.subject} is {incident.state}, so there is no time to correct for "
                f"{name.replace('_', ' ')}; only what has happened has a time"
            )
    if changes.title is not None:
        fields["title"] = line(text_of(changes.title, "--title"))
    if changes.severity is not None:
        fields["severity"] = changes.severity
    known_runbook(workspace, changes.runbook)
    if changes.runbook is not None:
        fields["runbook"] = changes.runbook
    if changes.services:
        known_services(workspace.services, changes.services)
        fields["services"] = list(dict.fromkeys((*incident.services, *changes.services)))
    if changes.tags:
        fields["tags"] = list(dict.fromkeys((*incident.tags, *changes.tags)))
    return fields


def note(ledger: Ledger, incident: Incident, text: str, at: float | None) -> Incident:
    """Keep a note for those who work on it."""
    return tell(ledger, incident, "incident.noted", {"text": text_of(text, "the note")}, at)


def amend(ledger: Ledger, incident: Incident, event: int, text: str | None, at: float | None) -> Incident:
    """Correct the words or the time of an entry of the timeline; what stood there is kept."""
    own = {one.id: one for one in events(ledger.db, [incident.subject])}
    if event not in own or own[event].kind == "incident.amended":
        raise UsageError(
            f"{incident.subject} has no entry {event}; "
            f"`opsctl incident timeline {incident.number}` numbers them"
        )
    if text is None and at is None:
        raise UsageError("nothing to correct; give the new words, `--at TIME`, or both")
    body: dict[str, Any] = {"event": event}
    if text is not None:
        body["text"] = text_of(text, "the text")
    if at is not None:
        body["at"] = happened(ledger, at)
    return tell(ledger, incident, "incident.amended", body, None)


def link(ledger: Ledger, incident: Incident, relation: str, other: str) -> Incident:
    """Note that it has to do with something: another subject, a change, a commit, a page."""
    relation, other = line(text_of(relation, "--as")), _subject_or_text(other)
    if other == incident.subject:
        raise UsageError(f"{incident.subject} cannot be linked to itself; name something else")
    ledger.append("incident.linked", incident.subject, {"relation": relation, "other": other})
    _link_back(ledger, incident, relation, other)
    return latest(ledger, incident)


def _subject_or_text(other: str) -> str:
    """`INC-7` of `7` and `inc7`, `OPS-3` of `ops-3`; what is no such name stays as it is."""
    said = line(text_of(other, "what it is linked to"))
    prefix = said.rstrip("0123456789").rstrip("-").upper() or "INC"
    return subject_named(said, prefix) if is_named(said) and prefix in {"INC", "OPS"} else said


def _link_back(ledger: Ledger, incident: Incident, relation: str, other: str) -> None:
    """The other end of a link to another incident or item, where there is one."""
    prefix = other.partition("-")[0]
    if prefix not in {"INC", "OPS"}:
        return
    if ledger.get(other) is None:
        raise UsageError(f"there is no {other}; name something that is there, or a link")
    kind = "incident.linked" if prefix == "INC" else "item.linked"
    back = relation if relation == "related to" else f"has {relation}"
    ledger.append(kind, other, {"relation": back, "other": incident.subject})
