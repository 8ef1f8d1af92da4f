"""The timeline of an incident: what happened when, in words; a correction keeps what was said before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.ledger.incident import TIMES
from opsctl.store.ledger import events
from opsctl.zones import zone_named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.ledger.events import Event
    from opsctl.ledger.incident import Incident


class Entry(NamedTuple):
    """One entry; `at` is when it happened and `recorded` when that was written down (UTC epoch seconds).

    `event` is its number, by which it can be amended. `said` is what stood there before, where it was.
    """

    event: int
    at: float
    recorded: float
    actor: str
    kind: str
    text: str
    subject: str
    said: tuple[str, ...] = ()

    @property
    def amended(self) -> bool:
        """Whether it was corrected."""
        return bool(self.said)


def timeline(db: sqlite3.Connection, incident: Incident, timezone: str) -> tuple[Entry, ...]:
    """Every entry of the incident and of those merged into it, in the order in which things happened.

    Times within its words are of the zone `timezone` (IANA).
    """
    log = list(_all_events(db, incident.subject))
    amendments = [event for event in log if event.kind == "incident.amended"]
    entries = {event.id: _entry(event, timezone) for event in log if event.kind != "incident.amended"}
    for amendment in amendments:
        number = amendment.body["event"]
        if number in entries:
            entries[number] = _amend(entries[number], amendment)
    return tuple(sorted(entries.values(), key=lambda one: (one.at, one.event)))


def words(event: Event, timezone: str = "UTC") -> str:
    """What an event says, in one or more lines for people."""
    if event.kind == "incident.changed":
        return _changed(event.body, timezone)
    say = _WORDS.get(event.kind)
    return say(event.body) if say else str(event.body.get("text", event.kind))


def _all_events(db: sqlite3.Connection, subject: str, seen: frozenset[str] = frozenset()) -> Iterator[Event]:
    for event in events(db, [subject]):
        yield event
        if event.kind == "incident.absorbed" and event.body["other"] not in seen:
            yield from _all_events(db, event.body["other"], seen | {subject})


def _entry(event: Event, timezone: str) -> Entry:
    kind = event.kind.partition(".")[2]
    return Entry(
        event.id, event.occurred, event.recorded, event.actor, kind, words(event, timezone), event.subject
    )


def _amend(entry: Entry, amendment: Event) -> Entry:
    body = amendment.body
    return entry._replace(
        at=body.get("at", entry.at), text=body.get("text", entry.text), said=(*entry.said, entry.text)
    )


def _with_text(lead: str) -> Callable[[Mapping[str, Any]], str]:
    def say(body: Mapping[str, Any]) -> str:
        return f"{lead}: {body['text']}" if body.get("text") else lead

    return say


def _opened(body: Mapping[str, Any]) -> str:
    services = f" ({', '.join(body['services'])})" if body.get("services") else ""
    return f"opened as {body['severity']}: {body['title']}{services}"


def _resolved(body: Mapping[str, Any]) -> str:
    forced = f", forced: {body['forced']}" if body.get("forced") else ""
    return _with_text("resolved")(body) + forced


def _closed(body: Mapping[str, Any]) -> str:
    lead = "closed as a false alarm" if body.get("false_alarm") else "closed"
    return f"{lead}: {body['reason']}" if body.get("reason") else lead


def _changed(body: Mapping[str, Any], timezone: str) -> str:
    parts = [
        f"{name.replace('_', ' ')}: {_value(name, value, timezone)}"
        for name, value in body["changes"].items()
    ]
    return f"changed {'; '.join(parts)}" + (f" ({body['reason']})" if body.get("reason") else "")


def _escalated(body: Mapping[str, Any]) -> str:
    to = f" to {body['changes']['severity']}" if "severity" in body["changes"] else ""
    called = f", called {body['to']}" if body.get("to") else ""
    return f"escalated{to}{called}: {body.get('reason', '')}".rstrip(": ")


def _value(name: str, value: Any, timezone: str) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if name in TIMES and isinstance(value, int | float):
        from datetime import datetime

        return datetime.fromtimestamp(value, zone_named(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    return "none" if value is None else str(value)


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "incident.opened": _opened,
    "incident.acknowledged": _with_text("acknowledged"),
    "incident.mitigated": _with_text("mitigated"),
    "incident.resolved": _resolved,
    "incident.closed": _closed,
    "incident.reopened": lambda body: f"reopened: {body['reason']}" if body.get("reason") else "reopened",
    "incident.escalated": _escalated,
    "incident.assigned": lambda body: f"{body['role']}: {body['person'] or 'nobody'}",
    "incident.linked": lambda body: f"{body['relation']} {body['other']}",
    "incident.merged": lambda body: f"merged into {body['into']}",
    "incident.absorbed": lambda body: f"{body['other']} was merged into this",
}
