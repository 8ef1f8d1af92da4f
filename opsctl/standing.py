"""What stands now, by the store: the state of every check of the workspace, and whether it is still fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.caseload import Wanted, cases
from opsctl.errors import ExitCode, StoreError, worst
from opsctl.finding import procedure
from opsctl.outcome import State
from opsctl.rooting import root_causes
from opsctl.store.attested import open_waivers
from opsctl.store.ledger import records

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from opsctl.agenda import Point
    from opsctl.caseload import Case
    from opsctl.definitions import CheckDefinition, Service, Workspace
    from opsctl.freshness import Fresh
    from opsctl.ledger.run import Run
    from opsctl.ledger.waiver import Waiver
    from opsctl.maintaining import Maintained
    from opsctl.records import Standing


_SEEN_TO = frozenset({"upcoming", "skipped", "done"})


class Stand(NamedTuple):
    """A check as it stands. `state` is unknown where it was never run or its last result is stale.

    `age` is seconds since the last result, None where there is none; `missed` is how many runs
    should have been since, by the check's `every`.
    """

    check: str
    service: str
    owner: str | None
    tier: str
    runbook: str | None
    state: State
    since: float | None
    age: float | None
    stale: bool
    missed: int
    cause: str | None
    message: str
    explained_by: str | None
    procedure: str | None = None


class Page(NamedTuple):
    """The status of a workspace at one moment (UTC epoch seconds).

    `cases` are the incidents that are on or owe a review, `runs` the runs of runbooks that stopped on their
    way, `waivers` the exceptions that have expired, `unproven` the runbooks whose drill is due, `routines`
    those that are due, wait for people or did not go well, `maintenance` the checks that do not count now and
    are no `stands`. `fault` says why they cannot be told, where they cannot: what checks found is shown.
    """

    workspace: str
    timezone: str
    at: float
    stands: tuple[Stand, ...]
    cases: tuple[Case, ...]
    runs: tuple[Run, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    unproven: tuple[Fresh, ...] = ()
    routines: tuple[Point, ...] = ()
    maintenance: tuple[Maintained, ...] = ()
    fault: str | None = None


def overview(workspace: Workspace, now: float) -> Page:
    """The status of every check of the workspace by what is recorded; nothing is probed.

    Raises StoreError where the store cannot be read.
    """
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return overview_in(db, workspace, now)


def overview_in(db: sqlite3.Connection, workspace: Workspace, now: float) -> Page:
    """As `overview`, inside a transaction."""
    from opsctl.store.latest import standings_in

    known = standings_in(db)
    passed = _maintained(db, workspace, now)
    stands = [
        _stand(service, check, known.get(name), now)
        for name, (service, check) in workspace.checks().items()
        if name not in passed
    ]
    roots = root_causes(workspace.services, [one.check for one in stands if one.state is State.DOWN])
    explained = tuple(_with_way(one, roots.get(one.check), workspace.root) for one in stands)
    page = Page(workspace.name, workspace.timezone, now, explained, (), maintenance=tuple(passed.values()))
    try:
        return page._replace(
            cases=cases(db, workspace, Wanted(), now),
            runs=tuple(records(db, "RUN", ("waiting", "unknown", "failed"))),
            waivers=tuple(one for one in open_waivers(db) if one.expires <= now),
            unproven=tuple(_unproven(db, workspace, now)),
            routines=tuple(_routines(db, workspace, now)),
        )
    except StoreError as error:
        return page._replace(fault=str(error))


def _maintained(db: sqlite3.Connection, workspace: Workspace, now: float) -> dict[str, Maintained]:
    from opsctl.store.maintained import any_by_hand

    if not workspace.maintenance and not any_by_hand(db):
        return {}
    from opsctl.maintaining import maintained_now

    return maintained_now(workspace, db, now)


def _unproven(db: sqlite3.Connection, workspace: Workspace, now: float) -> list[Fresh]:
    """The runbooks that are to be drilled and were not, as they are now."""
    if not any(one.procedure.drill_every for one in workspace.runbooks.values()):
        return []
    from opsctl.freshness import freshness_in

    due = {name for name, one in workspace.runbooks.items() if one.procedure.drill_every}
    return [one for one in freshness_in(db, workspace, now) if one.runbook in due and one.state != "proven"]


def _routines(db: sqlite3.Connection, workspace: Workspace, now: float) -> list[Point]:
    """The routines that are due, wait for people, or did not go well."""
    if not workspace.routines:
        return []
    from opsctl.agenda import agenda_in

    return [one for one in agenda_in(db, workspace, now) if one.state not in _SEEN_TO]


def exit_code(page: Page) -> ExitCode:
    """1 where a check is down, 3 where one is unknown or stale or there is none, 6 for a faulty store."""
    states = {one.state for one in page.stands}
    codes = [ExitCode.STORE] if page.fault else []
    codes += [ExitCode.NO] if State.DOWN in states else []
    return worst([*codes, ExitCode.UNKNOWN] if State.UNKNOWN in states or not states else codes)


def _stand(service: Service, check: CheckDefinition, standing: Standing | None, now: float) -> Stand:
    age = None if standing is None else max(0.0, now - standing.at)
    stale = age is None or age > check.lapse
    missed = 0 if age is None else int(age // check.every)
    return Stand(
        check=check.name,
        service=service.id,
        owner=service.owner,
        tier=service.tier,
        runbook=check.runbook,
        state=State.UNKNOWN if standing is None or stale else standing.state,
        since=standing.since if standing else None,
        age=age,
        stale=stale,
        missed=missed if stale else 0,
        cause=str(standing.cause) if standing and standing.cause else None,
        message=_message(standing, age, missed, stale=stale),
        explained_by=None,
    )


def _with_way(one: Stand, root: str | None, folder: Path) -> Stand:
    """The stand with what explains it, and where what to do about it is written."""
    way = None if one.state.good else procedure(folder, one.runbook)
    return one._replace(explained_by=root, procedure=way)


def _message(standing: Standing | None, age: float | None, missed: int, *, stale: bool) -> str:
    if standing is None or age is None:
        return "never checked"
    if stale:
        return f"no data: {missed} runs missed; it was {standing.state}"
    return standing.message
