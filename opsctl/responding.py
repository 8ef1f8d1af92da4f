"""What moves an incident on, from its declaration to its end: each is checked against what stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.acting import text_of, title_of
from opsctl.clocks import review_due
from opsctl.errors import RefusedError, UsageError
from opsctl.incident_rules import allow, happened, in_order, known_role, known_runbook, latest, move
from opsctl.incident_updates import Changes, update
from opsctl.ledger.incident import ACTIVE
from opsctl.policies import policies
from opsctl.selecting import known_services
from opsctl.store.ledger import records
from opsctl.watching import healthy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident, Severity
    from opsctl.store.ledger import Ledger


class Declaration(NamedTuple):
    """What is known of an incident when it is opened. Times are UTC epoch seconds."""

    title: str
    services: tuple[str, ...] = ()
    severity: Severity | None = None
    at: float | None = None
    impact_started: float | None = None
    detected: float | None = None
    roles: tuple[tuple[str, str], ...] = ()
    runbook: str | None = None
    tags: tuple[str, ...] = ()


def proposed(workspace: Workspace, services: Sequence[str]) -> Severity:
    """The severity by the worst tier of the services; by that of a normal one where none is named."""
    tiers = policies(workspace).incidents.tiers
    found = [getattr(tiers, workspace.services[name].tier) for name in services]
    return cast("Severity", min(found, default=tiers.normal))


def open_incident(ledger: Ledger, workspace: Workspace, declared: Declaration) -> Incident:
    """Declare an incident; its severity is as given, or as its services propose."""
    title = title_of(declared.title, "say the rest in a note")
    known_services(workspace.services, declared.services)
    for role, _ in declared.roles:
        known_role(workspace, role)
    known_runbook(workspace, declared.runbook)
    at = happened(ledger, declared.at)
    body: dict[str, Any] = {
        "title": title,
        "severity": declared.severity or proposed(workspace, declared.services),
        "services": list(dict.fromkeys(declared.services)),
        "impact_started": declared.impact_started,
        "detected": at if declared.detected is None else declared.detected,
        "roles": dict(declared.roles),
        "runbook": declared.runbook,
        "tags": list(dict.fromkeys(declared.tags)),
        "links": [],
    }
    subject = ledger.name("INC")
    ledger.append("incident.opened", subject, body, at)
    return in_order(ledger, cast("Incident", ledger.get(subject)))


def acknowledge(
    ledger: Ledger,
    workspace: Workspace,
    incident: Incident,
    at: float | None,
    text: str | None,
    role: str | None = None,
) -> Incident:
    """Somebody takes it on; who decides that also takes a role where one is named."""
    taken = move(ledger, incident, "ack", _said(text), at)
    if role is None:
        return taken
    return update(ledger, workspace, taken, Changes(roles=((role, ledger.actor.name),)), at)


def mitigate(ledger: Ledger, incident: Incident, at: float | None, text: str | None) -> Incident:
    """The impact is stopped or small; the cause may still be there."""
    return move(ledger, incident, "mitigate", _said(text), at)


def resolve(
    ledger: Ledger,
    workspace: Workspace,
    incident: Incident,
    at: float | None,
    text: str | None,
    impact_ended: float | None,
    forced: str | None,
) -> Incident:
    """It is over. Refused while the checks of its services are not well, unless `forced` says why."""
    allow(incident, "resolve")
    reasons = healthy(ledger.db, workspace, incident, ledger.recorded)
    if reasons and not forced:
        raise RefusedError(
            f"{incident.subject} cannot be resolved yet: {'; '.join(reasons)}; "
            "wait for it, or say why not with `--force --reason TEXT`"
        )
    ended = happened(ledger, at) if impact_ended is None else impact_ended
    body = {**_said(text), "impact_ended": ended}
    if forced and reasons:
        body["forced"] = forced
    return move(ledger, incident, "resolve", body, at)


def close(
    ledger: Ledger,
    workspace: Workspace,
    incident: Incident,
    at: float | None,
    reason: str | None,
    *,
    false_alarm: bool,
) -> Incident:
    """It is done with: its review is submitted or waived, or it was none."""
    if false_alarm:
        if not reason:
            raise UsageError("a false alarm needs `--reason TEXT`; say what it was")
        body = {"reason": text_of(reason, "--reason"), "false_alarm": True}
        return move(ledger, incident, "close", body, at)
    if incident.state in {"open", "acknowledged"}:
        raise RefusedError(
            f"{incident.subject} is {incident.state}; resolve it first, "
            "or close it as `--false-alarm --reason TEXT`"
        )
    allow(incident, "close")
    _reviewed(ledger, workspace, incident, reason)
    body = {"reason": reason} if reason else {}
    return move(ledger, incident, "close", body, at)


def reopen(ledger: Ledger, incident: Incident, at: float | None, reason: str | None) -> Incident:
    """It has come back; refused where another incident is on for the same cause."""
    if not reason:
        raise UsageError("reopening needs `--reason TEXT`; say what came back")
    allow(incident, "reopen")
    for other in records(ledger.db, "INC", ACTIVE):
        if incident.key is not None and other.key == incident.key and other.number != incident.number:
            raise RefusedError(f"{other.subject} is on for the same cause; write there, or merge one")
    return move(ledger, incident, "reopen", {"reason": reason}, at)


def escalate(
    ledger: Ledger, incident: Incident, severity: Severity | None, to: str | None, reason: str | None
) -> Incident:
    """Make it more serious, call somebody, or both."""
    allow(incident, "escalate")
    if not severity and not to:
        raise UsageError("escalating needs `--severity sev1` or `--to PERSON`")
    if not reason:
        raise UsageError("escalating needs `--reason TEXT`; say why")
    if severity and severity >= incident.severity:
        raise UsageError(
            f"{incident.subject} is {incident.severity} already; `incident update --severity` lowers one"
        )
    changes = {"severity": severity} if severity else {}
    body = {"changes": changes, "to": to, "reason": text_of(reason, "--reason")}
    ledger.append("incident.escalated", incident.subject, body)
    return latest(ledger, incident)


def merge(ledger: Ledger, source: Incident, into: Incident) -> Incident:
    """`source` is the same as `into` and goes on there; its name keeps leading to it."""
    if source.number == into.number:
        raise UsageError(f"{source.subject} cannot be merged into itself; name two incidents")
    allow(source, "merge")
    if not into.active:
        raise RefusedError(f"{into.subject} is {into.state}; merge into one that is still on")
    ledger.append("incident.merged", source.subject, {"into": into.subject})
    body = {"other": source.subject, "services": list(source.services)}
    ledger.append("incident.absorbed", into.subject, body)
    return latest(ledger, into)


def _said(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"text": text_of(text, "the text")}


def _reviewed(ledger: Ledger, workspace: Workspace, incident: Incident, reason: str | None) -> None:
    """RefusedError where its review is owed; with a reason, the review is waived."""
    review = ledger.get(f"PIR-{incident.number}")
    due = review_due(incident, policies(workspace), workspace.timezone)
    if due is None or (review is not None and review.state != "draft"):
        return
    if not reason:
        raise RefusedError(
            f"{incident.subject} was {incident.peak}, so its review comes first: "
            f"opsctl review start {incident.number}; or close it without one by `--reason TEXT`"
        )
    ledger.append("review.waived", f"PIR-{incident.number}", {"reason": text_of(reason, "--reason")})
