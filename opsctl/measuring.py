"""What `opsctl metrics` is asked: which figures, of what, over which period."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from opsctl import figures
from opsctl.errors import ExitCode, UsageError
from opsctl.formulas import DEFINITIONS, definition_of, quantile
from opsctl.moments import moment
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.selecting import select
from opsctl.units import parse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from opsctl.definitions import Workspace
    from opsctl.metrics import Figure
    from opsctl.selecting import Known

MONTH = "30d"


class Period(NamedTuple):
    """What is asked for, as it was typed; None for what was not."""

    length: str | None
    since: str | None
    until: str | None


class Measured(NamedTuple):
    """A figure, of a service or check, or of everything (None)."""

    target: str | None
    figure: Figure


class Sheet(NamedTuple):
    """Figures of a workspace over [since, until), UTC epoch seconds."""

    workspace: str
    timezone: str
    since: float
    until: float
    measured: tuple[Measured, ...]


def window(workspace: Workspace, period: Period, now: float) -> tuple[float, float]:
    """The period in UTC epoch seconds: a length up to its end, or from its beginning; by default 30 days.

    Raises UsageError for texts that say no time, and where the period is empty.
    """
    until = moment(period.until or "now", now, workspace.timezone, "--until")
    if period.since is not None:
        if period.length is not None:
            raise UsageError("`--period` and `--since` both say where the period begins; leave one out")
        since = moment(period.since, now, workspace.timezone, "--since")
    else:
        since = until - _seconds(period.length or MONTH)
    if not 0 <= since < until:
        raise UsageError("the period ends before it begins, or begins before 1970; name a time in between")
    return since, until


def show(workspace: Workspace, selectors: Sequence[str], period: Period, now: float) -> Sheet:
    """All figures of the selected services, or checks; of all services, and of them together, by default."""
    targets: list[str | None] = [*_targets(workspace, selectors), *([] if selectors else [None])]
    return _measure(workspace, period, now, partial(_all, targets=targets))


def explain(workspace: Workspace, name: str, target: str | None, period: Period, now: float) -> Sheet:
    """The one figure that is asked for."""
    target = target or _only(workspace, name)

    def measure(db: sqlite3.Connection, workspace: Workspace, since: float, until: float) -> list[Measured]:
        return [Measured(target, figures.figure(db, workspace, name, since, until, target))]

    return _measure(workspace, period, now, measure)


def exit_code(sheet: Sheet) -> ExitCode:
    """3 where nothing at all can be said of a figure."""
    silent = any(one.figure.value is None and one.figure.low is None for one in sheet.measured)
    return ExitCode.UNKNOWN if silent else ExitCode.YES


def _measure(
    workspace: Workspace, period: Period, now: float, measure: Callable[..., Iterable[Measured]]
) -> Sheet:
    from opsctl.store.opening import open_store

    since, until = window(workspace, period, now)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return Sheet(
            workspace.name, workspace.timezone, since, until, tuple(measure(db, workspace, since, until))
        )


def _all(
    db: sqlite3.Connection, workspace: Workspace, since: float, until: float, targets: Sequence[str | None]
) -> Iterator[Measured]:
    begun = figures.incidents(db, workspace, since, until)
    for target in targets:
        if target is not None:
            yield from _of_checks(db, workspace, since, until, target)
        if target is None or "/" not in target:
            of_them = begun if target is None else figures.of_service(begun, target)
            # Where there were no incidents, there is nothing to say about their times.
            for name in figures.OF_INCIDENTS if of_them or target is None else figures.OF_INCIDENTS[:1]:
                yield Measured(target, figures.figure_of(of_them, name))


def _of_checks(
    db: sqlite3.Connection, workspace: Workspace, since: float, until: float, target: str
) -> Iterator[Measured]:
    objectives = workspace.services[target.partition("/")[0]].objectives
    promised = objectives is not None and objectives.availability is not None
    asked = {one.name: q for one in DEFINITIONS.values() if (q := quantile(one)) is not None}
    latencies = figures.latencies(db, workspace, target, list(asked.values()), since, until)
    read = dict(zip(asked, latencies, strict=True))
    for name in DEFINITIONS:
        if name not in figures.OF_INCIDENTS and (promised or name != "error-budget"):
            figure = read.get(name) or figures.figure(db, workspace, name, since, until, target)
            yield Measured(target, figure)


def _targets(workspace: Workspace, selectors: Sequence[str]) -> list[str]:
    if not selectors:
        return list(workspace.services)
    known = workspace.checks()
    found = [name for selector in selectors for name in _selected(known, selector)]
    return list(dict.fromkeys(found))


def _selected(known: Known, selector: str) -> list[str]:
    """What one selector means: checks where it has a slash, and otherwise services."""
    names = select(known, [selector])
    return names if "/" in selector else [known[name][0].id for name in names]


def _only(workspace: Workspace, name: str) -> str | None:
    """The service that is meant where none was named: the only one, where the figure is of a service."""
    several = len(workspace.services) != 1 or definition_of(name).name in figures.OF_INCIDENTS
    return None if several else next(iter(workspace.services))


def _seconds(text: str) -> float:
    try:
        seconds = parse(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"--period: {error}") from error
    if seconds <= 0:
        raise UsageError(f"--period `{line(shorten(text, 40))}` is not a length of time; write {MONTH}")
    return seconds
