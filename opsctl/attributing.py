"""A trouble that checks found becomes an incident, or part of the one that is about it already."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.prose import listed
from opsctl.records import Happening
from opsctl.store.watched import failing_since, last_with_key
from opsctl.troubles import severity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from opsctl.ledger.incident import Incident
    from opsctl.store.ledger import Ledger
    from opsctl.troubles import Seen, Trouble

RECURRENCE = "recurrence of"


class Attributed(NamedTuple):
    """What was done, the incident as it is then, and the services that came to it."""

    happening: Happening
    incident: Incident
    services: Sequence[str]


def attribute(
    ledger: Ledger, seen: Seen, trouble: Trouble, active: Collection[Incident]
) -> Attributed | None:
    """Open an incident for the trouble, or add what is new of it to the one of `active` that it belongs to.

    None where there is nothing to do: all of it is known, too little has failed, or what fails was failing
    already when a person ended the last incident with that key.
    """
    incident = _belonging(trouble, active)
    if incident is not None:
        missing = [name for name in trouble.services if name not in incident.services]
        return _extend(ledger, seen, trouble, incident, missing) if missing else None
    if not trouble.asking:
        return None
    last: Incident | None = last_with_key(ledger.db, trouble.service)
    return _open(ledger, seen, trouble, last) if last is None or _anew(ledger, trouble, last) else None


def happened(action: str, incident: Incident, text: str) -> Happening:
    """What a run did with an incident, as it is told."""
    return Happening(action, incident.subject, incident.severity, text)


def _belonging(trouble: Trouble, active: Collection[Incident]) -> Incident | None:
    """The active incident that the trouble is part of.

    The one with its key; or the first that has its service; or one about a service that it turns out to
    explain.
    """
    keyed = [one for one in active if one.key == trouble.service]
    having = [one for one in active if trouble.service in one.services]
    explained = [one for one in active if one.key in trouble.services]
    return next(iter([*keyed, *having, *explained]), None)


def _anew(ledger: Ledger, trouble: Trouble, last: Incident) -> bool:
    """Whether something began to fail after the last incident was over: what people settled stays settled."""
    over = last.closed if last.resolved is None else last.resolved
    return over is None or any(since >= over for since in _begun(ledger, trouble.asking))


def _begun(ledger: Ledger, checks: Sequence[str]) -> list[float]:
    """Since when each of the checks has been failing, in UTC epoch seconds."""
    return [since for name in checks if (since := failing_since(ledger.db, name)) is not None]


def _open(ledger: Ledger, seen: Seen, trouble: Trouble, last: Incident | None) -> Attributed:
    subject = ledger.name("INC")
    title = _title(seen, trouble)
    body = {
        "title": title,
        "severity": severity_of(seen.workspace, trouble.services),
        "services": trouble.services,
        "key": trouble.service,
        "impact_started": min((*_begun(ledger, trouble.checks), seen.now)),
        "detected": seen.now,
    }
    ledger.append("incident.opened", subject, body)
    notes = [f"explains {listed(trouble.services[1:])}"] if trouble.services[1:] else []
    if last is not None:
        ledger.append("incident.linked", subject, {"relation": RECURRENCE, "other": last.subject})
        notes.append(f"{RECURRENCE} {last.subject}")
    text = title + (f" ({'; '.join(notes)})" if notes else "")
    incident = ledger.get(subject)
    return Attributed(happened("opened", incident, text), incident, trouble.services)


def _extend(
    ledger: Ledger, seen: Seen, trouble: Trouble, incident: Incident, missing: Sequence[str]
) -> Attributed:
    changes: dict[str, object] = {"services": (*incident.services, *missing)}
    if incident.key is not None:
        # One outage comes to one key and severity, in whatever order its checks are found to fail.
        if trouble.service in missing:
            changes["key"] = trouble.service
        worse = severity_of(seen.workspace, missing)
        if worse < incident.severity:
            changes["severity"] = worse
    reason = _extension(seen, trouble, missing)
    ledger.append("incident.changed", incident.subject, {"changes": changes, "reason": reason})
    changed = ledger.get(incident.subject)
    return Attributed(happened("extended", changed, reason), changed, missing)


def _title(seen: Seen, trouble: Trouble) -> str:
    first = trouble.checks[0]
    return f"{first} is {seen.known[first].seen}"


def _extension(seen: Seen, trouble: Trouble, missing: Sequence[str]) -> str:
    if trouble.service in missing:
        return f"{_title(seen, trouble)}, which explains {listed(trouble.services[1:])}"
    return f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} explained by {trouble.checks[0]}"
