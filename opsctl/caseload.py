"""Incidents as people look at them: which of them, with what is due, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.clocks import due
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.incident import ACTIVE, SEVERITIES
from opsctl.ledger.names import subject_named
from opsctl.policies import policies, targets
from opsctl.store.ledger import get, records
from opsctl.store.owed_reviews import unreviewed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from opsctl.clocks import Due
    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.ledger.review import Review
    from opsctl.policies import Policies
    from opsctl.timelines import Entry


class Case(NamedTuple):
    """An incident with all that its severity asks of it, done or not, and its review where one began."""

    incident: Incident
    dues: tuple[Due, ...]
    review: Review | None = None

    @property
    def pending(self) -> tuple[Due, ...]:
        """What is not done yet, what is due first before the rest."""
        return tuple(one for one in self.dues if one.done is None)

    def overdue(self, now: float) -> bool:
        """Whether anything should be done and is not, at `now` in UTC epoch seconds."""
        return any(one.overdue(now) for one in self.dues)


class Wanted(NamedTuple):
    """Which incidents: all that something is due on by default; what is empty or None selects nothing out.

    `began` is UTC epoch seconds, `person` somebody who has a role in it.
    """

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    person: str | None = None
    began: float | None = None
    everything: bool = False
    overdue: bool = False


class Caseload(NamedTuple):
    """The incidents that were asked for, at one moment (UTC epoch seconds)."""

    workspace: str
    timezone: str
    at: float
    cases: tuple[Case, ...]


class Story(NamedTuple):
    """One incident with its timeline, at one moment (UTC epoch seconds)."""

    timezone: str
    at: float
    case: Case
    entries: tuple[Entry, ...]


def caseload(workspace: Workspace, wanted: Wanted, now: float) -> Caseload:
    """The incidents that are wanted: the active ones first and the worst of them on top, then the newest.

    Raises StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = cases(db, workspace, wanted, now)
    return Caseload(workspace.name, workspace.timezone, now, found)


def cases(db: sqlite3.Connection, workspace: Workspace, wanted: Wanted, now: float) -> tuple[Case, ...]:
    """As `caseload`, inside a transaction."""
    policy = policies(workspace)
    picked = (one for one in _candidates(db, policy, wanted) if _fits(one, wanted))
    found = [case_of(db, workspace, one) for one in picked]
    if wanted.overdue:
        found = [one for one in found if one.overdue(now)]
    return tuple(sorted(found, key=_rank))


def case_of(db: sqlite3.Connection, workspace: Workspace, incident: Incident) -> Case:
    """The incident with its clocks and its review."""
    # Nobody reviews what is not over.
    review = get(db, f"PIR-{incident.number}") if incident.resolved is not None else None
    return Case(incident, due(incident, policies(workspace), workspace.timezone, review), review)


def story(workspace: Workspace, name: str | None, now: float) -> Story:
    """The incident that a name means, or the only active one, with its timeline.

    Raises UsageError where there is none, and StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store
    from opsctl.timelines import timeline

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        incident = found(db, name)
        entries = timeline(db, incident, workspace.timezone)
        return Story(workspace.timezone, now, case_of(db, workspace, incident), entries)


def found(db: sqlite3.Connection, name: str | None) -> Incident:
    """The incident that a name means, or the only active one; UsageError where there is none."""
    if name is None:
        return only_active(db)
    subject = subject_named(name, "INC")
    incident = get(db, subject)
    if incident is None:
        raise UsageError(f"there is no {subject}; `opsctl incident list --all` shows what there is")
    return cast("Incident", incident)


def only_active(db: sqlite3.Connection) -> Incident:
    """The incident that must be meant, as it is the only one that is on; RefusedError or UsageError else."""
    active = records(db, "INC", ACTIVE)
    if not active:
        raise RefusedError("no incident is active; name one, as `opsctl incident list --all` shows them")
    if len(active) > 1:
        names = ", ".join(f"{one.subject} ({one.title[:40]})" for one in active[:5])
        raise UsageError(f"{len(active)} incidents are active; say which: {names}")
    return cast("Incident", active[0])


def _candidates(db: sqlite3.Connection, policy: Policies, wanted: Wanted) -> Iterable[Incident]:
    if wanted.states:
        return records(db, "INC", wanted.states)
    if wanted.everything:
        return records(db, "INC")
    owing = [name for name in SEVERITIES if targets(policy.incidents, name).review is not None]
    return [*records(db, "INC", ACTIVE), *unreviewed(db, owing)]


def _fits(incident: Incident, wanted: Wanted) -> bool:
    began = incident.opened if incident.impact_started is None else incident.impact_started
    return (
        (not wanted.severities or incident.severity in wanted.severities)
        and (not wanted.services or not set(wanted.services).isdisjoint(incident.services))
        and (not wanted.tags or not set(wanted.tags).isdisjoint(incident.tags))
        and (wanted.person is None or wanted.person in incident.roles.values())
        and (wanted.began is None or began >= wanted.began)
    )


def _rank(case: Case) -> tuple[bool, str, int]:
    incident = case.incident
    return (not incident.active, incident.severity if incident.active else "", -incident.number)
