"""An incident: its states, its times, who is on it, and how each event changes that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from opsctl.ledger.events import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

TABLE = "incidents"
REMARKS = frozenset({"incident.noted", "incident.updated", "incident.observed", "incident.attached"})

Severity = Literal["sev1", "sev2", "sev3", "sev4"]
SEVERITIES: tuple[Severity, ...] = ("sev1", "sev2", "sev3", "sev4")
State = Literal["open", "acknowledged", "mitigated", "resolved", "closed", "merged"]
# Somebody still has to act.
ACTIVE: tuple[State, ...] = ("open", "acknowledged", "mitigated")

# What may be done in which state; everything else is refused with what may.
ALLOWED: dict[State, tuple[str, ...]] = {
    "open": ("ack", "mitigate", "resolve", "escalate", "merge", "close"),
    "acknowledged": ("mitigate", "resolve", "escalate", "merge", "close"),
    "mitigated": ("resolve", "reopen", "escalate", "merge"),
    "resolved": ("close", "reopen"),
    "closed": (),
    "merged": (),
}
# The times of an incident, in the order in which they happen.
TIMES = ("impact_started", "detected", "acknowledged", "mitigated", "impact_ended", "resolved", "closed")


class Incident(NamedTuple):
    """An incident as its events leave it. Times are UTC epoch seconds, None where it has not happened.

    `opened` is when it was declared, `reopened` the last time it came back, `updated` the last word to
    others. `peak` is the worst severity it ever had. `stays` are the states with the time each was entered.
    `key` tells incidents that checks opened apart; `false_alarm` ones count in no figure.
    """

    number: int
    title: str
    state: State
    severity: Severity
    peak: Severity
    opened: float
    updated: float
    services: tuple[str, ...] = ()
    roles: Mapping[str, str] = {}
    impact_started: float | None = None
    detected: float | None = None
    acknowledged: float | None = None
    mitigated: float | None = None
    impact_ended: float | None = None
    resolved: float | None = None
    closed: float | None = None
    reopened: float | None = None
    stays: tuple[tuple[str, float], ...] = ()
    key: str | None = None
    runbook: str | None = None
    tags: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    merged_into: str | None = None
    forced: str | None = None
    false_alarm: bool = False

    @property
    def subject(self) -> str:
        """`INC-7`."""
        return f"INC-{self.number}"

    @property
    def active(self) -> bool:
        """Whether somebody still has to act."""
        return self.state in ACTIVE


def decode(document: Mapping[str, Any]) -> Incident:
    """The incident of a stored document."""
    return Incident(**thaw(document))


def apply(incident: Incident | None, event: Event) -> Incident:
    """The incident after the event."""
    if incident is None:
        return _opened(event)
    return _APPLY[event.kind](incident, event, event.body)


def _opened(event: Event) -> Incident:
    body = thaw(event.body)
    number = int(event.subject.partition("-")[2])
    return Incident(
        number=number,
        state="open",
        peak=body["severity"],
        opened=event.occurred,
        updated=event.occurred,
        stays=(("open", event.occurred),),
        **body,
    )


def _enter(incident: Incident, event: Event, state: State, **changes: Any) -> Incident:
    stays = (*incident.stays, (state, event.occurred))
    return incident._replace(
        state=state, stays=stays, updated=max(incident.updated, event.occurred), **changes
    )


def _acknowledged(incident: Incident, event: Event, _body: Mapping[str, Any]) -> Incident:
    first = incident.acknowledged if incident.acknowledged is not None else event.occurred
    return _enter(incident, event, "acknowledged", acknowledged=first)


def _mitigated(incident: Incident, event: Event, _body: Mapping[str, Any]) -> Incident:
    return _enter(incident, event, "mitigated", mitigated=event.occurred)


def _resolved(incident: Incident, event: Event, body: Mapping[str, Any]) -> Incident:
    ended = body.get("impact_ended", incident.impact_ended)
    return _enter(
        incident, event, "resolved", resolved=event.occurred, impact_ended=ended, forced=body.get("forced")
    )


def _closed(incident: Incident, event: Event, body: Mapping[str, Any]) -> Incident:
    return _enter(incident, event, "closed", closed=event.occurred, false_alarm=bool(body.get("false_alarm")))


def _reopened(incident: Incident, event: Event, _body: Mapping[str, Any]) -> Incident:
    return _enter(
        incident,
        event,
        "open",
        reopened=event.occurred,
        mitigated=None,
        impact_ended=None,
        resolved=None,
        forced=None,
    )


def _updated(incident: Incident, event: Event, _body: Mapping[str, Any]) -> Incident:
    return incident._replace(updated=max(incident.updated, event.occurred))


def _changed(incident: Incident, _event: Event, body: Mapping[str, Any]) -> Incident:
    changed = incident._replace(**thaw(body["changes"]))
    return changed._replace(peak=min(incident.peak, changed.severity))


def _assigned(incident: Incident, _event: Event, body: Mapping[str, Any]) -> Incident:
    roles = {role: person for role, person in incident.roles.items() if role != body["role"]}
    if body["person"]:
        roles[body["role"]] = body["person"]
    return incident._replace(roles=roles)


def _linked(incident: Incident, _event: Event, body: Mapping[str, Any]) -> Incident:
    link = (body["relation"], body["other"])
    return incident if link in incident.links else incident._replace(links=(*incident.links, link))


def _merged(incident: Incident, event: Event, body: Mapping[str, Any]) -> Incident:
    return _enter(incident, event, "merged", merged_into=body["into"])


def _absorbed(incident: Incident, event: Event, body: Mapping[str, Any]) -> Incident:
    services = tuple(dict.fromkeys((*incident.services, *body["services"])))
    return _linked(
        incident._replace(services=services), event, {"relation": "merged", "other": body["other"]}
    )


def _remarked(incident: Incident, _event: Event, _body: Mapping[str, Any]) -> Incident:
    return incident


# `observed` is what a check saw, `attached` what a run or a gate did, `amended` a correction of the timeline.
_APPLY = {
    "incident.acknowledged": _acknowledged,
    "incident.mitigated": _mitigated,
    "incident.resolved": _resolved,
    "incident.closed": _closed,
    "incident.reopened": _reopened,
    "incident.updated": _updated,
    "incident.changed": _changed,
    "incident.escalated": _changed,
    "incident.assigned": _assigned,
    "incident.linked": _linked,
    "incident.merged": _merged,
    "incident.absorbed": _absorbed,
    "incident.noted": _remarked,
    "incident.observed": _remarked,
    "incident.attached": _remarked,
    "incident.amended": _remarked,
}
