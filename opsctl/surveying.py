"""What there is to look at in a review of one kind: each thing in one line, nothing where all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.prose import line
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.definitions import Workspace

_SOON = 14 * 86400.0


def survey(workspace: Workspace, of: str, since: float, now: float) -> list[str]:
    """The lines for a review of `of`, one of `KINDS`, over the time since (UTC epoch seconds).

    Raises StoreError where the store cannot be read.
    """
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return list(KINDS[of](workspace, db, since, now))


def _incidents(workspace: Workspace, db: sqlite3.Connection, since: float, now: float) -> Iterator[str]:
    from opsctl.caseload import Wanted, cases
    from opsctl.store.begun import begun

    recent = {one.subject for one in begun(db, since, now)}
    for case in cases(db, workspace, Wanted(everything=True), now):
        one = case.incident
        if one.subject in recent or case.pending:
            overdue = " (overdue)" if case.overdue(now) else ""
            yield f"{one.subject} {one.severity} {one.state}{overdue}: {line(one.title)}"


def _alerts(workspace: Workspace, db: sqlite3.Connection, since: float, now: float) -> Iterator[str]:
    from opsctl.store.history import outages_in

    for one in outages_in(db, list(workspace.checks()), since, now):
        still = "" if one.ended is not None else " (still)"
        yield f"{one.check}: {line(one.message)}{still}"


def _backlog(_workspace: Workspace, db: sqlite3.Connection, _since: float, now: float) -> Iterator[str]:
    from opsctl.backlog import OPEN, overdue
    from opsctl.store.ledger import records

    for item in records(db, "OPS", OPEN):
        late = " (overdue)" if overdue(item, now) else ""
        unrated = " (no impact or effort yet)" if item.impact is None or item.effort is None else ""
        if late or unrated or item.state == "started":
            yield f"{item.subject} {item.state}{late}{unrated}: {line(item.title)}"


def _waivers(_workspace: Workspace, db: sqlite3.Connection, _since: float, now: float) -> Iterator[str]:
    from opsctl.store.attested import open_waivers

    for one in open_waivers(db):
        if one.expires - now < _SOON:
            when = "has expired" if one.expires <= now else "expires soon"
            yield f"{one.subject} of {one.checklist}/{one.item} {when}: {line(one.reason)}"


def _freshness(workspace: Workspace, db: sqlite3.Connection, _since: float, now: float) -> Iterator[str]:
    from opsctl.freshness import freshness_in

    for one in freshness_in(db, workspace, now):
        if one.state != "proven":
            yield f"runbook {one.runbook}: {one.state}"


def _metrics(workspace: Workspace, _db: sqlite3.Connection, _since: float, _now: float) -> Iterator[str]:
    yield from (f"opsctl metrics show --service {name}" for name in workspace.services)


def _docs(workspace: Workspace, db: sqlite3.Connection, _since: float, now: float) -> Iterator[str]:
    from opsctl.knowledge import standing_of_documents

    for one in standing_of_documents(workspace, db, now):
        if one.state != "reviewed":
            yield f"{line(one.path)}: {one.state}"


KINDS: Mapping[str, Callable[[Workspace, sqlite3.Connection, float, float], Iterator[str]]] = {
    "incidents": _incidents,
    "alerts": _alerts,
    "backlog": _backlog,
    "waivers": _waivers,
    "freshness": _freshness,
    "metrics": _metrics,
    "docs": _docs,
}
