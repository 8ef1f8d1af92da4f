"""What people do about an incident: each is checked against what stands, and kept as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.clocks import review_due
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.incident import ALLOWED, SEVERITIES, TIMES
from opsctl.policies import policies
from opsctl.prose import line, listed, shorten, ticked
from opsctl.selecting import known_services
from opsctl.store.ledger import events, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident, Severity
    from opsctl.store.ledger import Ledger

_DONE = {
    "ack": "acknowledged", "mitigate": "mitigated", "resolve": "resolved", "close": "closed",
    "reopen": "reopened", "escalate": "escalated", "merge": "merged",
}  # fmt: skip
# Which time cannot be before which: every stretch between two of them is measured somewhere.
_ORDER = (
    ("detected", "acknowledged"),
    ("detected", "mitigated"),
    ("detected", "resolved"),
    ("impact_started", "mitigated"),
    ("impact_started", "impact_ended"),
    ("impact_started", "resolved"),
    ("impact_ended", "closed"),
    ("acknowledged", "resolved"),
    ("mitigated", "resolved"),
    ("opened", "resolved"),
    ("resolved", "closed"),
    ("impact_started", "closed"),
    ("detected", "closed"),
    ("opened", "closed"),
)
_LONGEST_TITLE = 200


class Report(NamedTuple):
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
    links: tuple[tuple[str, str], ...] = ()


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


def proposed(workspace: Workspace, services: Sequence[str]) -> Severity:
    """The severity by the worst tier of the services; by that of a normal one where none is named."""
    tiers = policies(workspace).incidents.tiers
    found_ = [getattr(tiers, workspace.services[name].tier) for name in services]
    return cast("Severity", min(found_, default=tiers.normal))


def open_incident(ledger: Ledger, workspace: Workspace, report: Report) -> Incident:
    """Declare an incident; its severity is as given, or as its services propose."""
    title = line(text_of(report.title, "the title"))
    if len(title) > _LONGEST_TITLE:
        raise UsageError(f"the title has {len(title)} characters, at most 200; say the rest in a note")
    known_services(workspace.services, report.services)
    for role, _ in report.roles:
        _known_role(workspace, role)
    at = _past(ledger, ledger.recorded if report.at is None else report.at, "--at")
    body: dict[str, Any] = {
        "title": title,
        "severity": report.severity or proposed(workspace, report.services),
        "services": list(dict.fromkeys(report.services)),
        "impact_started": report.impact_started,
        "detected": at if report.detected is None else report.detected,
        "roles": dict(report.roles),
        "runbook": report.runbook,
        "tags": list(dict.fromkeys(report.tags)),
        "links": [list(link) for link in report.links],
    }
    subject = ledger.name("INC")
    ledger.append("incident.opened", subject, body, at)
    incident = _in_order(ledger, cast("Incident", ledger.get(subject)))
    for relation, other in report.links:
        _link_back(ledger, incident, relation, other)
    return incident


def acknowledge(
    ledger: Ledger,
    workspace: Workspace,
    incident: Incident,
    at: float | None,
    text: str | None,
    role: str | None = None,
) -> Incident:
    """Somebody takes it on; who decides that also takes a role where one is named."""
    taken = _move(ledger, incident, "ack", "incident.acknowledged", _said(text), at)
    if role is None:
        return taken
    return update(ledger, workspace, taken, Changes(roles=((role, ledger.actor.name),)), at)


def mitigate(ledger: Ledger, incident: Incident, at: float | None, text: str | None) -> Incident:
    """The impact is stopped or small; the cause may still be there."""
    return _move(ledger, incident, "mitigate", "incident.mitigated", _said(text), at)


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
    _allow(incident, "resolve")
    reasons = _ailing(ledger, workspace, incident)
    if reasons and not forced:
        raise RefusedError(
            f"{incident.subject} cannot be resolved yet: {'; '.join(reasons)}; "
            "wait for it, or say why not with `--force --reason TEXT`"
        )
    when = ledger.recorded if at is None else at
    body = {**_said(text), "impact_ended": when if impact_ended is None else impact_ended}
    if forced and reasons:
        body["forced"] = forced
    return _move(ledger, incident, "resolve", "incident.resolved", body, at)


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
        return _move(ledger, incident, "close", "incident.closed", body, at)
    if incident.state in {"open", "acknowledged"}:
        raise RefusedError(
            f"{incident.subject} is {incident.state}; resolve it first, "
            "or close it as `--false-alarm --reason TEXT`"
        )
    _allow(incident, "close")
    _reviewed(ledger, workspace, incident, reason)
    body = {"reason": reason} if reason else {}
    return _move(ledger, incident, "close", "incident.closed", body, at)


def reopen(ledger: Ledger, incident: Incident, at: float | None, reason: str | None) -> Incident:
    """It has come back; refused where another incident is on for the same cause."""
    if not reason:
        raise UsageError("reopening needs `--reason TEXT`; say what came back")
    _allow(incident, "reopen")
    for other in records(ledger.db, "INC", ("open", "acknowledged", "mitigated")):
        if incident.key is not None and other.key == incident.key and other.number != incident.number:
            raise RefusedError(f"{other.subject} is on for the same cause; write there, or merge one")
    return _move(ledger, incident, "reopen", "incident.reopened", {"reason": reason}, at)


def escalate(
    ledger: Ledger, incident: Incident, severity: Severity | None, to: str | None, reason: str | None
) -> Incident:
    """Make it more serious, call somebody, or both."""
    _allow(incident, "escalate")
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
    return _now(ledger, incident.subject)


def merge(ledger: Ledger, source: Incident, into: Incident) -> Incident:
    """`source` is the same as `into` and goes on there; its name keeps leading to it."""
    if source.number == into.number:
        raise UsageError(f"{source.subject} cannot be merged into itself; name two incidents")
    _allow(source, "merge")
    if not into.active:
        raise RefusedError(f"{into.subject} is {into.state}; merge into one that is still on")
    ledger.append("incident.merged", source.subject, {"into": into.subject})
    body = {"other": source.subject, "services": list(source.services)}
    ledger.append("incident.absorbed", into.subject, body)
    return _now(ledger, into.subject)


def link(ledger: Ledger, incident: Incident, relation: str, other: str) -> Incident:
    """Note that it has to do with something: another subject, a change, a commit, a page."""
    ledger.append("incident.linked", incident.subject, {"relation": relation, "other": other})
    _link_back(ledger, incident, relation, other)
    return _now(ledger, incident.subject)


def note(ledger: Ledger, incident: Incident, text: str, at: float | None) -> Incident:
    """Keep a note for those who work on it."""
    return _tell(ledger, incident, "incident.noted", {"text": text_of(text, "the note")}, at)


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
        body["at"] = _past(ledger, at, "--at")
    return _tell(ledger, incident, "incident.amended", body, None)


def update(
    ledger: Ledger, workspace: Workspace, incident: Incident, changes: Changes, at: float | None
) -> Incident:
    """Say how it stands, and correct what is known of it."""
    if incident.state == "merged":
        raise _moved(incident)
    fields = _changed_fields(ledger, workspace, incident, changes)
    if fields:
        ledger.append("incident.changed", incident.subject, {"changes": fields}, at)
    for role, person in changes.roles:
        _known_role(workspace, role)
        ledger.append("incident.assigned", incident.subject, {"role": role, "person": person}, at)
    if changes.text is not None:
        body = {"text": text_of(changes.text, "the update")}
        _tell(ledger, incident, "incident.updated", body, at)
    elif not fields and not changes.roles:
        raise UsageError("nothing to update; say how it stands, or what changes (see --help)")
    return _in_order(ledger, _now(ledger, incident.subject))


def _changed_fields(
    ledger: Ledger, workspace: Workspace, incident: Incident, changes: Changes
) -> dict[str, Any]:
    fields: dict[str, Any] = {**changes.times}
    for name, at in changes.times.items():
        _past(ledger, at, f"--{name.replace('_', '-')}")
        if name not in {"impact_started", "detected"} and getattr(incident, name) is None:
            raise RefusedError(
                f"{incident.subject} is {incident.state}, so there is no time to correct for "
                f"{name.replace('_', ' ')}; only what has happened has a time"
            )
    if changes.title is not None:
        fields["title"] = line(text_of(changes.title, "--title"))
    if changes.severity is not None:
        fields["severity"] = changes.severity
    if changes.runbook is not None:
        fields["runbook"] = changes.runbook
    if changes.services:
        known_services(workspace.services, changes.services)
        fields["services"] = list(dict.fromkeys((*incident.services, *changes.services)))
    if changes.tags:
        fields["tags"] = list(dict.fromkeys((*incident.tags, *changes.tags)))
    return fields


def _allow(incident: Incident, verb: str) -> None:
    if incident.state == "merged":
        raise _moved(incident)
    allowed = ALLOWED[incident.state]
    if verb not in allowed:
        can = f"what can be done: {listed(allowed, 'or')}" if allowed else "open a new one and link it"
        raise RefusedError(f"{incident.subject} is {incident.state}, so it cannot be {_DONE[verb]}; {can}")


def _moved(incident: Incident) -> RefusedError:
    return RefusedError(f"{incident.subject} was merged into {incident.merged_into}; go on there")


def _move(
    ledger: Ledger, incident: Incident, verb: str, kind: str, body: Mapping[str, Any], at: float | None
) -> Incident:
    _allow(incident, verb)
    when = _past(ledger, ledger.recorded if at is None else at, "--at")
    ledger.append(kind, incident.subject, body, when)
    return _in_order(ledger, _now(ledger, incident.subject))


def _tell(
    ledger: Ledger, incident: Incident, kind: str, body: Mapping[str, Any], at: float | None
) -> Incident:
    if incident.state == "merged":
        raise _moved(incident)
    when = ledger.recorded if at is None else _past(ledger, at, "--at")
    ledger.append(kind, incident.subject, body, when)
    return _now(ledger, incident.subject)


def _past(ledger: Ledger, at: float, option: str) -> float:
    if at > ledger.recorded:
        raise UsageError(f"{option} is in the future; say what has happened, and when")
    return at


def _in_order(ledger: Ledger, incident: Incident) -> Incident:
    """The incident, where its times can have happened in this order; nothing is kept otherwise."""
    for first, last in _ORDER:
        start, end = getattr(incident, first), getattr(incident, last)
        if start is not None and end is not None and end < start:
            raise UsageError(
                f"{_said_of(last)} would be before {_said_of(first)}; correct one with `--at`, or with "
                f"`opsctl incident update {incident.number} --{first.replace('_', '-')} TIME`"
            )
    for name in (*TIMES, "opened"):
        at = getattr(incident, name)
        if at is not None and at > ledger.recorded:
            raise UsageError(f"{_said_of(name)} is in the future; say what has happened, and when")
    return incident


def _now(ledger: Ledger, subject: str) -> Incident:
    return cast("Incident", ledger.get(subject))


def _said_of(name: str) -> str:
    return name.replace("_", " ")


def _said(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"text": text_of(text, "the text")}


def _ailing(ledger: Ledger, workspace: Workspace, incident: Incident) -> list[str]:
    from opsctl.watching import healthy

    return healthy(ledger.db, workspace, incident, ledger.recorded)


def _reviewed(ledger: Ledger, workspace: Workspace, incident: Incident, reason: str | None) -> None:
    review = ledger.get(f"PIR-{incident.number}")
    due = review_due(incident, policies(workspace), workspace.timezone)
    if due is None or (review is not None and review.state != "draft"):
        return
    if not reason:
        raise RefusedError(
            f"{incident.subject} was {incident.peak}, so its review comes first: "
            f"opsctl review start {incident.number}; or close it without with `--reason TEXT`"
        )
    ledger.append("review.waived", f"PIR-{incident.number}", {"reason": text_of(reason, "--reason")})


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


def _known_role(workspace: Workspace, role: str) -> None:
    roles = policies(workspace).incidents.roles
    if role not in roles:
        raise UsageError(f"`{line(shorten(role, 60))}` is no role; there are {ticked(roles)}")


def severity_named(text: str) -> Severity:
    """`sev1` of `sev1`, `1` or `SEV-1`; UsageError for any other."""
    said = text.strip().lower().replace("-", "")
    name = said if said.startswith("sev") else f"sev{said}"
    if name not in SEVERITIES:
        raise UsageError(f"`{line(shorten(text, 40))}` is no severity; write {ticked(SEVERITIES)}")
    return name
