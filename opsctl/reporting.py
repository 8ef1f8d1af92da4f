"""What a report is made of: everything that was recorded of a period, read in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl import figures
from opsctl.backlog import OPEN, overdue
from opsctl.caseload import Wanted, cases
from opsctl.iterations import loads
from opsctl.metrics import compare
from opsctl.periods import parts
from opsctl.reviewing import owed
from opsctl.standing import overview_in
from opsctl.store.attested import decided, open_waivers
from opsctl.store.entries import Wanted as WantedEvents
from opsctl.store.entries import look_for
from opsctl.store.history import outages_in
from opsctl.store.ledger import records
from opsctl.trends import Trend, trend

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from opsctl.capacity import Load
    from opsctl.caseload import Case
    from opsctl.definitions import Service, Workspace
    from opsctl.ledger.gate import Gate
    from opsctl.ledger.incident import Incident
    from opsctl.ledger.item import Item
    from opsctl.ledger.waiver import Waiver
    from opsctl.metrics import Change, Figure
    from opsctl.periods import Part, Period
    from opsctl.reviewing import Owed
    from opsctl.standing import Page
    from opsctl.store.entries import Entry
    from opsctl.store.history import Outage

_MOST_EVENTS = 200


class Kept(NamedTuple):
    """A service against what was promised of it; `verdict` is OK only where the figures show it.

    `target` is a share of 1, `p95` a figure in seconds, None where nothing is promised.
    """

    service: Service
    availability: Figure
    target: float | None
    p95: Figure | None
    p95_target: float | None
    change: Change
    verdict: str


class Moved(NamedTuple):
    """What happened in the backlog in a period, and what of it is late."""

    added: tuple[Item, ...]
    started: tuple[Item, ...]
    done: tuple[Item, ...]
    verified: tuple[Item, ...]
    rejected: tuple[Item, ...]
    overdue: tuple[Item, ...]
    unproven: int
    open: tuple[Item, ...]


class Gathered(NamedTuple):
    """Everything of a period, at one moment (UTC epoch seconds)."""

    workspace: str
    timezone: str
    at: float
    period: Period
    page: Page
    kept: tuple[Kept, ...]
    outages: tuple[Outage, ...]
    incidents: tuple[Incident, ...]
    times: tuple[tuple[str, Figure], ...]
    frequency: Figure
    frequency_change: Change
    actionability: Figure
    cases: tuple[Case, ...]
    owed: tuple[Owed, ...]
    moved: Moved
    loads: tuple[Load, ...]
    events: tuple[Entry, ...]
    gates: tuple[Gate, ...]
    waivers: tuple[Waiver, ...]
    parts: tuple[Part, ...]
    trends: tuple[tuple[str, Trend], ...]


def gather(workspace: Workspace, period: Period, now: float, *, charts: bool) -> Gathered:
    """Read what a report of the period needs, with the courses for `charts` where they are shown.

    Raises StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return _gather(db, workspace, period, now, charts=charts)


def _gather(
    db: sqlite3.Connection, workspace: Workspace, period: Period, now: float, *, charts: bool
) -> Gathered:
    since, until = period.since, period.until
    begun = figures.incidents(db, workspace, since, until)
    before = figures.incidents(db, workspace, since - (until - since), since)
    items = records(db, "OPS")
    within = parts(period, workspace.timezone)
    frequency = figures.frequency_of(begun)
    found = look_for(db, WantedEvents(since=since, until=until, limit=_MOST_EVENTS))
    return Gathered(
        workspace=workspace.name,
        timezone=workspace.timezone,
        at=now,
        period=period,
        page=overview_in(db, workspace, now),
        kept=tuple(_kept(db, workspace, one, period) for one in workspace.services.values() if one.checks),
        outages=tuple(_outages(db, workspace, since, until)),
        incidents=tuple(begun),
        times=tuple((what, figures.times_of(begun, what)) for what in figures.TIMES),
        frequency=frequency,
        frequency_change=compare(figures.frequency_of(before), frequency),
        actionability=figures.actionability_of(begun),
        cases=cases(db, workspace, Wanted(), now),
        owed=owed(db, workspace),
        moved=_moved(items, period, now),
        loads=loads(db),
        events=found.entries,
        gates=tuple(decided(db, since, until)),
        waivers=tuple(open_waivers(db)),
        parts=within,
        trends=tuple(_trends(db, workspace, within)) if charts else (),
    )


def _outages(db: sqlite3.Connection, workspace: Workspace, since: float, until: float) -> Iterator[Outage]:
    """The outages of the period; one of a check that was taken out only where it began or ended in it."""
    known = workspace.checks()
    for one in outages_in(db, None, since, until):
        if one.check in known or one.ended is not None or one.started >= since:
            yield one


def _kept(db: sqlite3.Connection, workspace: Workspace, service: Service, period: Period) -> Kept:
    since, until = period.since, period.until
    promised = service.objectives
    target = None if promised is None or promised.availability is None else promised.availability / 100
    wanted = None if promised is None else promised.p95
    found = figures.availability(db, workspace, service.id, since, until)
    before = figures.availability(db, workspace, service.id, since - (until - since), since)
    p95 = None if wanted is None else figures.latency(db, workspace, service.id, 0.95, since, until)
    verdicts = [_reached(found, target), _soon(p95, wanted)]
    return Kept(service, found, target, p95, wanted, compare(before, found), _worst(verdicts))


def _reached(figure: Figure, target: float | None) -> str:
    """Whether a share was reached: shown only where even the lowest it may have been is enough."""
    if target is None:
        return ""
    if figure.value is None:
        return "unknown"
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    return "OK" if low >= target else "BAD" if high < target else "unknown"


def _soon(figure: Figure | None, target: float | None) -> str:
    if target is None or figure is None:
        return ""
    if figure.value is None:
        return "unknown"
    return "OK" if figure.value <= target else "BAD"


def _worst(verdicts: Sequence[str]) -> str:
    return next((one for one in ("BAD", "unknown", "OK") if one in verdicts), "")


def _moved(items: Sequence[Item], period: Period, now: float) -> Moved:
    def within(name: str, chosen: Iterable[Item]) -> tuple[Item, ...]:
        return tuple(
            one
            for one in chosen
            if (at := getattr(one, name)) is not None and period.since <= at < period.until
        )

    done = [one for one in items if one.state == "done"]
    return Moved(
        added=within("added", items),
        started=within("started", items),
        done=within("finished", done),
        verified=within("verified", items),
        rejected=within("finished", (one for one in items if one.state == "rejected")),
        overdue=tuple(one for one in items if overdue(one, now)),
        unproven=sum(not one.proven for one in done),
        open=tuple(one for one in items if one.state in OPEN),
    )


def _trends(
    db: sqlite3.Connection, workspace: Workspace, within: Sequence[Part]
) -> Iterable[tuple[str, Trend]]:
    for service in workspace.services.values():
        if service.checks:
            yield service.id, trend(db, workspace, service.id, within)
