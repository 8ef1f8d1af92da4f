"""Whether runbooks were shown to work: as they are now, how long ago, and by how many people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.store.ledger import records

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Run
    from opsctl.runbooks import Runbook


class Fresh(NamedTuple):
    """The proof that a runbook works; `age` is seconds since `last`, `people` are all who ran it to its end.

    `state` is `proven`, `stale`, `changed` or `never`; `costs` is the manual step that took most time.
    """

    runbook: str
    state: str
    last: Run | None
    age: float | None
    people: tuple[str, ...]
    runs: int
    scripts: tuple[str, ...]
    costs: tuple[str, float] | None


def freshness(workspace: Workspace, now: float) -> list[Fresh]:
    """The proof of every runbook, by its runs; StoreError where the store cannot be read."""
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return freshness_in(db, workspace, now)


def freshness_in(db: sqlite3.Connection, workspace: Workspace, now: float) -> list[Fresh]:
    """As `freshness`, inside a transaction."""
    known = records(db, "RUN") if workspace.runbooks else []
    return [
        fresh(workspace, one, [run for run in known if run.runbook == name], now)
        for name, one in workspace.runbooks.items()
    ]


def fresh(workspace: Workspace, runbook: Runbook, known: Sequence[Run], now: float) -> Fresh:
    """The proof of one runbook, by its runs, at `now` in UTC epoch seconds."""
    # A remedy of some steps shows nothing of the others.
    done = [one for one in known if one.state == "done" and one.ended is not None and not one.only]
    last = max(done, key=lambda one: one.ended or 0.0, default=None)
    age = None if last is None else max(0.0, now - (last.ended or now))
    every = runbook.procedure.drill_every
    scripts = () if last is None else tuple(_changed_since(workspace, runbook, last.ended or now))
    if last is None:
        state = "never"
    elif last.digest != runbook.digest or scripts:
        state = "changed"
    else:
        state = "stale" if every is not None and age is not None and age > every else "proven"
    people = tuple(dict.fromkeys(one.by for one in done))
    return Fresh(runbook.id, state, last, age, people, len(known), scripts, _costs(runbook, done))


def _changed_since(workspace: Workspace, runbook: Runbook, at: float) -> list[str]:
    """The scripts that it relies on and that changed since, or are gone."""
    found = []
    for name in runbook.procedure.scripts:
        path = workspace.root / name
        if not path.is_file() or path.stat().st_mtime > at:
            found.append(name)
    return found


def _costs(runbook: Runbook, done: list[Run]) -> tuple[str, float] | None:
    """The manual step that took people most time in all runs: the one to automate next."""
    manual = {step.id for step in runbook.procedure.steps if step.kind.ASKS}
    spent: dict[str, float] = {}
    for run in done:
        for ran in run.steps:
            if ran.step in manual and ran.ended is not None:
                spent[ran.step] = spent.get(ran.step, 0.0) + ran.ended - ran.began
    return max(spent.items(), key=lambda pair: pair[1], default=None)
