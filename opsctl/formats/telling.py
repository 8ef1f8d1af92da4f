"""Events and fields of records in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.summary import zoned
from opsctl.ledger.events import UNDONE
from opsctl.prose import line, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.ledger.events import Event

# The fields that are times, whatever record or event has them.
TIMES = frozenset(
    {
        *("opened", "updated", "reopened", "impact_started", "detected", "acknowledged", "mitigated"),
        *("impact_ended", "resolved", "closed", "added", "due", "started", "finished", "verified"),
        *("submitted", "starts", "ends", "expires"),
    }
)
# What follows from other fields, and names that the subject itself says.
_LEFT_OUT = frozenset({"number", "stays", "digest"})
# What is said by itself, without the name of its field.
_PLAIN = ("title", "text", "reason", "verdict")
_WELL = frozenset({"pass", "n/a", "waived"})
_FIRST = ("severity", "priority", "services")


def told(event: Event, timezone: str) -> str:
    """What the event did, in one line: `INC-7 resolved: failover finished`."""
    if event.kind == UNDONE:
        return f"undid command {event.body['command']}{_of(event.body.get('subjects', ()))}"
    deed = line(event.kind.partition(".")[2] or event.kind).replace("_", " ")
    details = _details(event, timezone)
    return f"{line(event.subject)} {deed}" + (f": {details}" if details else "")


def field(name: str, value: Any, timezone: str) -> str:
    """The value of a record's field: times in the workspace's zone, `none` for nothing."""
    if value is None or value in ("", (), [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return zoned(value, timezone) if name in TIMES else f"{value:.12g}"
    if isinstance(value, str):
        return line(value)
    if isinstance(value, list | tuple):
        return ", ".join(_member(one, timezone) for one in value)
    return ", ".join(f"{_named(key)} {field(key, one, timezone)}" for key, one in value.items())


def changed_fields(before: Any, after: Any) -> list[str]:
    """The names of the fields that differ between two records of one subject, or that the only one has."""
    some = after if before is None else before
    return [
        name
        for name in some._fields
        if name not in _LEFT_OUT
        and (before is None or after is None or getattr(before, name) != getattr(after, name))
    ]


def _of(subjects: Sequence[str]) -> str:
    named = [*subjects[:3], f"{len(subjects) - 3} more"] if len(subjects) > 4 else subjects
    return f" ({line(listed(named))})" if subjects else ""


def _details(event: Event, timezone: str) -> str:
    body: Mapping[str, Any] = event.body
    if event.kind == "review.submitted":
        return f"actions {field('actions', body.get('actions'), timezone)}"
    if event.kind == "gate.decided":
        return _decided(body)
    if event.kind == "item.started":
        return _measured("baseline", body["baseline"])
    if event.kind == "item.verified":
        verdict = body["verdict"]
        return f"{line(str(verdict['outcome']))}: {line(str(verdict['words']))}"
    if "relation" in body and "other" in body:
        return line(f"{body['relation']} {body['other']}")
    if event.kind in {"incident.changed", "item.changed"}:
        return field("changes", body["changes"], timezone)
    if event.kind == "incident.escalated":
        body = {**body, **body["changes"], "changes": None}
    if "role" in body and "person" in body:
        return f"{line(str(body['role']))} is {line(body['person']) if body['person'] else 'nobody'}"
    plain = [field(name, body[name], timezone) for name in _PLAIN if body.get(name)]
    rest = [
        f"{_named(name)} {field(name, value, timezone)}"
        for name, value in sorted(body.items(), key=lambda one: one[0] not in _FIRST)
        if name not in _PLAIN and name not in _LEFT_OUT and value not in (None, "", (), [], {}, False)
    ]
    return "; ".join([*plain, *rest])


def _decided(body: Mapping[str, Any]) -> str:
    """What a gate came to and why; all the facts are in `gate explain` and in the JSON."""
    unmet = [f"{one['id']} {one['verdict']}" for one in body["items"] if one["verdict"] not in _WELL]
    place = f" in {body['environment']}" if body["environment"] else ""
    why = f"; {', '.join(unmet)}" if unmet else ""
    return line(f"{body['verdict']}; {body['checklist']} for {body['subject_ref']}{place}{why}")


def _measured(name: str, stored: Mapping[str, Any] | None) -> str:
    if stored is None:
        return f"no {name}"
    value = "no data" if stored["value"] is None else f"{stored['value']:.4g}"
    return f"{name} {value} (n={stored['n']})"


def _member(value: Any, timezone: str) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_member(one, timezone) for one in value)
    return field("", value, timezone)


def _named(name: str) -> str:
    return line(name).replace("_", " ")
