"""Which checks are in maintenance now: by the windows that the workspace declares, and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.acting import text_of
from opsctl.calendars import stretches
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.names import subject_named
from opsctl.selecting import select
from opsctl.store.ledger import records
from opsctl.store.maintained import cut, maintained, note
from opsctl.store.rows import millis

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.maintenance import Maintenance
    from opsctl.store.ledger import Ledger

_FAR = 400 * 86_400.0


class Maintained(NamedTuple):
    """That a check is in maintenance: by which window, why, from when until when (UTC epoch seconds)."""

    check: str
    window: str
    reason: str
    since: float
    until: float


class Planned(NamedTuple):
    """A window, on now or to come: its checks, and its next stretch of time (UTC epoch seconds)."""

    window: str
    reason: str
    checks: tuple[str, ...]
    since: float
    until: float
    by: str | None = None


def declared(workspace: Workspace, now: float) -> dict[str, Maintained]:
    """The checks in maintenance by what the workspace declares, by name."""
    return _first(
        Maintained(check, one.window, one.reason, one.since, one.until)
        for one in _windows(workspace, now, now)
        for check in one.checks
    )


def maintained_now(workspace: Workspace, db: sqlite3.Connection, now: float) -> dict[str, Maintained]:
    """The checks in maintenance, by name; a group is where one of its members is."""
    by_hand = (
        Maintained(check, one.window, one.reason, one.since, one.until)
        for one in _by_hand(workspace, db, now)
        if one.since <= now
        for check in one.checks
    )
    found = _first((*by_hand, *declared(workspace, now).values()))
    known = workspace.checks()
    for name, (_, check) in known.items():
        if check.type == "group" and name not in found:
            members = select(known, check.kind.members)  # type: ignore[attr-defined]  # a group has members
            first = next((found[member] for member in members if member in found), None)
            if first is not None:
                found[name] = first._replace(check=name)
    return found


def maintained_between(
    workspace: Workspace, db: sqlite3.Connection, since: float, until: float
) -> dict[str, list[tuple[float, float]]]:
    """For each check when it was in maintenance between two times, or is to be (UTC epoch seconds)."""
    known = workspace.checks()
    found: dict[str, list[tuple[float, float]]] = {
        name: [(begin / 1000, end / 1000) for begin, end in kept]
        for name, kept in maintained(db, known, millis(since), millis(until)).items()
    }
    for one in (*_windows(workspace, since, until), *_by_hand(workspace, db, since)):
        for name in one.checks:
            found[name].append((one.since, one.until))
    for name, (_, check) in known.items():
        if check.type == "group":
            members = select(known, check.kind.members)  # type: ignore[attr-defined]  # a group has members
            found[name] += [times for member in members for times in found[member]]
    return found


def planned(workspace: Workspace, db: sqlite3.Connection, now: float) -> list[Planned]:
    """The windows that are on, and those to come, each with its next stretch; what comes first is first."""
    nexts: dict[str, Planned] = {}
    for one in _windows(workspace, now, now + _FAR):
        nexts.setdefault(one.window, one)
    return sorted([*_by_hand(workspace, db, now), *nexts.values()], key=lambda one: one.since)


def start(
    ledger: Ledger, workspace: Workspace, selectors: Sequence[str], reason: str, until: float, now: float
) -> Maintenance:
    """Put checks into maintenance until a time (UTC epoch seconds); UsageError for what selects nothing."""
    select(workspace.checks(), selectors)
    if until <= now:
        raise UsageError("maintenance ends in the future; name a later time, or `--for 2h`")
    name = ledger.name("MNT")
    body = {"select": list(selectors), "reason": text_of(reason, "--reason"), "planned": until}
    ledger.append("maintenance.started", name, body)
    begun: Maintenance = ledger.get(name)
    checks = select(workspace.checks(), selectors)
    note(ledger.db, [Maintained(one, name, begun.reason, begun.since, begun.until) for one in checks])
    return begun


def end(ledger: Ledger, name: str | None, now: float) -> list[Maintenance]:
    """End maintenance that was begun by hand: one, or all that is on; RefusedError where none is."""
    wanted = None if name is None else subject_named(name, "MNT")
    running = [one for one in records(ledger.db, "MNT") if one.until > now and wanted in (None, one.subject)]
    if not running:
        what = "no maintenance that was begun by hand" if wanted is None else wanted
        raise RefusedError(f"{what} is not on; `opsctl maintenance list` shows what is")
    for one in running:
        ledger.append("maintenance.ended", one.subject, {})
        cut(ledger.db, one.subject, ledger.get(one.subject).until)
    return [ledger.get(one.subject) for one in running]


def _windows(workspace: Workspace, since: float, until: float) -> Iterator[Planned]:
    known = workspace.checks()
    for name, window in workspace.maintenance.items():
        checks = tuple(select(known, window.select))
        for begin, finish in stretches(window, workspace.timezone, since, until):
            yield Planned(name, window.reason, checks, begin, finish)


def _by_hand(workspace: Workspace, db: sqlite3.Connection, now: float) -> Iterator[Planned]:
    known = workspace.checks()
    for one in records(db, "MNT"):
        if one.until > now:
            try:
                checks = tuple(select(known, one.select))
            except UsageError:
                # What was put into maintenance is no more.
                continue
            yield Planned(one.subject, one.reason, checks, one.since, one.until, one.by)


def _first(found: Iterable[Maintained]) -> dict[str, Maintained]:
    """For each check the window that ends last."""
    kept: dict[str, Maintained] = {}
    for one in found:
        other = kept.get(one.check)
        if other is None or other.until < one.until:
            kept[one.check] = one
    return kept


def by_check(found: Mapping[str, Maintained], names: Sequence[str]) -> tuple[Maintained, ...]:
    """What of it concerns these checks, in their order."""
    return tuple(found[name] for name in names if name in found)
