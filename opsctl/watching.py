"""What a recorded run means for incidents: some open, their timelines go on, some are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.outcome import State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.records import Happening, Standing
    from opsctl.store.ledger import Ledger
    from opsctl.troubles import Seen
    from opsctl.world import World

ACTOR = "opsctl check"
ALL_UP = "all checks are up again"


def watch(
    db: sqlite3.Connection,
    workspace: Workspace,
    world: World,
    before: Mapping[str, Standing | None],
    after: Mapping[str, Standing],
) -> list[Happening]:
    """Open, continue and resolve incidents by what a run found, inside the transaction that records it.

    `before` and `after` are what stood and stands for the checks of the run. Where the workspace opens no
    incidents and none is active, nothing is loaded, and the store is asked at most once.
    Raises StoreError where what is stored does not allow it; nothing of this is kept then.
    """
    changed = {
        name: was
        for name, standing in after.items()
        if (was := before.get(name)) is None or was.state is not standing.state
    }
    opens = any(service.incidents for service in workspace.services.values())
    if not changed and not opens:
        return []
    from opsctl.store.watched import any_active, aside

    with aside(db):
        asked: Sequence[str] = ()
        if opens:
            from opsctl.troubles import asking

            asked = asking(db, workspace, after)
        return _watch(db, workspace, world, changed, asked) if asked or any_active(db) else []


def healthy(db: sqlite3.Connection, workspace: Workspace, incident: Incident, now: float) -> list[str]:
    """Why the checks of the incident's services do not count as well for long enough, one line each.

    Each must have been up for the workspace's `healthy_for`, by results that are not stale. Empty where all
    is well, and where the services have no checks. `now` is UTC epoch seconds.
    """
    from opsctl.store.latest import standings_in

    return _ailing(workspace, standings_in(db), incident, now, _needed(workspace))


def clock(at: float, now: float, timezone: str) -> str:
    """A time as people of the workspace say it: `14:02 UTC`, with the date where it is of another day."""
    from datetime import datetime

    from opsctl.zones import zone_named

    zone = zone_named(timezone)
    then = datetime.fromtimestamp(at, zone)
    day = "" if then.date() == datetime.fromtimestamp(now, zone).date() else f"{then:%Y-%m-%d} "
    return f"{day}{then:%H:%M %Z}"


def _watch(
    db: sqlite3.Connection,
    workspace: Workspace,
    world: World,
    changed: Mapping[str, Standing | None],
    asked: Collection[str],
) -> list[Happening]:
    from opsctl.acting import typed
    from opsctl.attributing import attribute, happened
    from opsctl.ledger.events import Actor
    from opsctl.ledger.incident import ACTIVE
    from opsctl.store.latest import standings_in
    from opsctl.store.ledger import Ledger, records
    from opsctl.troubles import Seen, causes, troubles

    known = standings_in(db)
    seen = Seen(workspace, world.now, known, changed, causes(workspace, known, world.now))
    ledger = Ledger(db, Actor(ACTOR, *typed(world)), world.now)
    active: dict[str, Incident] = {one.subject: one for one in records(db, "INC", ACTIVE)}
    added: dict[str, Sequence[str]] = {}
    happenings: list[Happening] = []
    for trouble in troubles(seen, asked):
        if one := attribute(ledger, seen, trouble, active.values()):
            active[one.incident.subject] = one.incident
            added[one.incident.subject] = [*added.get(one.incident.subject, ()), *one.services]
            happenings.append(one.happening)
    for incident in active.values():
        told = list(_observe(ledger, seen, incident, added.get(incident.subject, ())))
        if over := _over(ledger, seen, incident):
            happenings.append(over)
        elif told and incident.subject not in added:
            text = told[0] if len(told) == 1 else f"{len(told)} checks changed"
            happenings.append(happened("updated", incident, text))
    return happenings


def _observe(ledger: Ledger, seen: Seen, incident: Incident, added: Collection[str]) -> Iterator[str]:
    """Tell the timeline what changed, and what fails already in an `added` service; yield the words."""
    for check in _checks_of(seen.workspace, incident):
        name, standing = check.name, seen.known.get(check.name)
        if standing is None:
            continue
        if name in seen.changed:
            before = seen.changed[name]
            was = before.state if before else None
        elif name in seen.roots and name.partition("/")[0] in added:
            was = standing.state
        else:
            continue
        text = _words(seen, name, was, standing)
        body = {
            "check": name,
            "from": was,
            "to": standing.state,
            "message": standing.message,
            "text": text,
        }
        ledger.append("incident.observed", incident.subject, body)
        yield text


def _words(seen: Seen, name: str, was: State | None, standing: Standing) -> str:
    state = standing.state
    if state is State.UP:
        return f"{name} is up" + (" again" if was else "")
    words = f"{name} is {state}"
    if was is state:
        words += f" since {clock(standing.since, seen.now, seen.workspace.timezone)}"
    if state.good and not standing.seen.good:
        words += f" ({standing.seen} does not count yet)"
    root = seen.roots.get(name, name)
    explained = f" (explained by {root})" if root != name else ""
    return f"{words}: {standing.message}{explained}"


def _over(ledger: Ledger, seen: Seen, incident: Incident) -> Happening | None:
    """What comes of it where all checks of an incident are up: a note, or its end where that is asked for."""
    from opsctl.attributing import happened

    checks = _checks_of(seen.workspace, incident)
    if not checks or _ailing(seen.workspace, seen.known, incident, seen.now, 0.0):
        return None
    if not _resolves(seen.workspace, incident):
        return _recover(ledger, incident)
    ended = max(seen.known[check.name].since for check in checks)
    # Whoever opened it again knows something that the checks do not see.
    settled = incident.reopened is not None and ended <= incident.reopened
    if settled or _ailing(seen.workspace, seen.known, incident, seen.now, _needed(seen.workspace)):
        return None
    text = f"all checks have been up since {clock(ended, seen.now, seen.workspace.timezone)}"
    body: dict[str, object] = {"text": text}
    if incident.impact_ended is None:
        body["impact_ended"] = max(ended, incident.impact_started or ended)
    ledger.append("incident.resolved", incident.subject, body)
    return happened("resolved", ledger.get(incident.subject), text)


def _resolves(workspace: Workspace, incident: Incident) -> bool:
    """Whether checks opened it, and all services of it whose checks do so ask that they resolve it too."""
    openings = [
        opening
        for name in incident.services
        if name in workspace.services and (opening := workspace.services[name].incidents)
    ]
    return incident.key is not None and bool(openings) and all(opening.resolve for opening in openings)


def _recover(ledger: Ledger, incident: Incident) -> Happening | None:
    """Note that all is up again, unless nothing was otherwise since that was noted last."""
    from opsctl.attributing import happened
    from opsctl.store.ledger import events

    observed = [one.body for one in events(ledger.db, [incident.subject]) if one.kind == "incident.observed"]
    # What was seen for the first time was not seen to come back.
    telling = [body["text"] for body in observed if body["from"] is not None or body["check"] is None]
    if not telling or telling[-1] == ALL_UP:
        return None
    body = {"check": None, "from": None, "to": State.UP, "message": "", "text": ALL_UP}
    ledger.append("incident.observed", incident.subject, body)
    return happened("recovered", incident, f"{ALL_UP}; resolve it: opsctl incident resolve {incident.number}")


def _ailing(
    workspace: Workspace, known: Mapping[str, Standing], incident: Incident, now: float, needed: float
) -> list[str]:
    """Why not all checks of the incident's services have been up for `needed` seconds."""
    reasons = (
        _ails(check, known.get(check.name), now, needed, workspace.timezone)
        for check in _checks_of(workspace, incident)
    )
    return [reason for reason in reasons if reason]


def _ails(
    check: CheckDefinition, standing: Standing | None, now: float, needed: float, timezone: str
) -> str | None:
    from opsctl.outcome import Kind
    from opsctl.troubles import stale
    from opsctl.units import brief

    if standing is None:
        return f"{check.name} was never checked"
    if stale(check, standing, now):
        return f"{check.name} is unknown: it was checked last at {clock(standing.at, now, timezone)}"
    since = clock(standing.since, now, timezone)
    if standing.state is not State.UP:
        return f"{check.name} is {standing.state} since {since}"
    lasted = max(0.0, now - standing.since)
    if lasted < needed:
        return (
            f"{check.name} is up only since {since}, "
            f"{brief(Kind.DURATION, lasted)} of {brief(Kind.DURATION, needed)}"
        )
    return None


def _needed(workspace: Workspace) -> float:
    from opsctl.policies import policies

    return policies(workspace).incidents.healthy_for


def _checks_of(workspace: Workspace, incident: Incident) -> list[CheckDefinition]:
    """The checks of those of its services that the workspace still has."""
    return [
        check
        for name in incident.services
        if name in workspace.services
        for check in workspace.services[name].checks
    ]
