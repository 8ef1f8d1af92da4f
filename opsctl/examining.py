"""What a review starts from: the incident, its timeline, and what the checks measured meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl import figures
from opsctl.caseload import case_of
from opsctl.durations import durations
from opsctl.policies import policies, targets
from opsctl.timelines import timeline

if TYPE_CHECKING:
    import sqlite3

    from opsctl.caseload import Case
    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.metrics import Figure
    from opsctl.timelines import Entry


class Stretch(NamedTuple):
    """How long something took against its target, in seconds; None for what is not known or not there."""

    name: str
    took: float | None
    target: float | None


class Facts(NamedTuple):
    """What is known of an incident when its review is written; `since` and `until` are those of the impact.

    Times are UTC epoch seconds.
    """

    timezone: str
    at: float
    case: Case
    since: float
    until: float
    availability: tuple[tuple[str, Figure], ...]
    stretches: tuple[Stretch, ...]
    entries: tuple[Entry, ...]
    whys: int


_TARGETS = {"acknowledge": "acknowledge", "recover": "recover"}
_SHOWN = ("detect", "acknowledge", "declare", "mitigate", "recover", "repair", "resolve")


def facts_of(workspace: Workspace, name: str, now: float) -> Facts:
    """The facts of the incident that a name means; UsageError where there is none."""
    from opsctl.caseload import found
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return examine(db, workspace, found(db, name), now)


def examine(db: sqlite3.Connection, workspace: Workspace, incident: Incident, now: float) -> Facts:
    """The facts of an incident, by what is recorded; nothing is probed."""
    since = incident.opened if incident.impact_started is None else incident.impact_started
    until = max(since + 1, incident.impact_ended or incident.resolved or now)
    took = durations(incident)
    asked = targets(policies(workspace).incidents, incident.peak)
    stretches = tuple(
        Stretch(name, took[name], getattr(asked, _TARGETS[name]) if name in _TARGETS else None)
        for name in _SHOWN
    )
    return Facts(
        timezone=workspace.timezone,
        at=now,
        case=case_of(db, workspace, incident),
        since=since,
        until=until,
        availability=tuple(_availability(db, workspace, incident, since, until)),
        stretches=stretches,
        entries=timeline(db, incident, workspace.timezone),
        whys=policies(workspace).reviews.whys,
    )


def _availability(
    db: sqlite3.Connection, workspace: Workspace, incident: Incident, since: float, until: float
) -> list[tuple[str, Figure]]:
    known = [name for name in incident.services if name in workspace.services]
    return [(name, figures.availability(db, workspace, name, since, until)) for name in known]
