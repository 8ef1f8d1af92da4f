"""Runs and runbooks as people look at them, and what they say to a run: answers, approvals, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.attesting import may
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.names import subject_named
from opsctl.ledger.run import OVER
from opsctl.prose import line, shorten, suggestion
from opsctl.store.ledger import get, records
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    import sqlite3

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Run
    from opsctl.runbooks import Runbook
    from opsctl.store.ledger import Ledger


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


def runbook_named(workspace: Workspace, name: str) -> Runbook:
    """The runbook of a name; UsageError where there is none."""
    found = workspace.runbooks.get(name)
    if found is None:
        hint = suggestion(name, workspace.runbooks) or "; `opsctl runbook list` shows what there is"
        raise UsageError(f"no runbook is called `{line(shorten(name, 60))}`{hint}")
    return found


def run_named(db: sqlite3.Connection, name: str) -> Run:
    """The run of a name; UsageError where there is none."""
    subject = subject_named(name, "RUN")
    found = get(db, subject)
    if found is None:
        raise UsageError(f"there is no {subject}; `opsctl runbook runs` shows what there is")
    return cast("Run", found)


def answer(ledger: Ledger, name: str, step: str, value: str) -> Run:
    """Answer a run's question, which somebody else may have begun; RefusedError where it asks nothing."""
    run = _waiting(ledger, name, step)
    ledger.append("run.answered", run.subject, {"step": step, "value": text_of(value, "the answer")})
    return run_named(ledger.db, name)


def approve(ledger: Ledger, workspace: Workspace, name: str, step: str) -> Run:
    """Approve a step that needs it; RefusedError for who may not, and for who runs it."""
    run = _waiting(ledger, name, step)
    known = next(
        (one for one in runbook_named(workspace, run.runbook).procedure.steps if one.id == step), None
    )
    needs = known.terms.needs if known else None
    who = ledger.actor.name
    if needs is None:
        raise RefusedError(
            f"{step} needs no approval; answer it: opsctl runbook answer {run.subject} {step} yes"
        )
    if who == run.by:
        raise RefusedError(f"{line(who)} runs it, so somebody else has to approve")
    if not may(workspace, who, needs):
        raise RefusedError(f"{line(who)} is not {needs}")
    ledger.append("run.approved", run.subject, {"step": step})
    return run_named(ledger.db, name)


def settle(ledger: Ledger, name: str, step: str, *, done: bool) -> Run:
    """Say what became of a step that nobody knew of; RefusedError where that is known."""
    run = run_named(ledger.db, name)
    ran = run.ran(step)
    if ran is None or ran.outcome not in {None, "unknown"}:
        known = "was never begun" if ran is None else f"is {ran.outcome}"
        raise RefusedError(f"{step} of {run.subject} {known}, so there is nothing to settle")
    words = "a person saw that it was done" if done else "a person saw that it was not done"
    body = {"step": step, "outcome": "ok" if done else "failed", "message": words}
    ledger.append("run.settled", run.subject, body)
    return run_named(ledger.db, name)


def abort(ledger: Ledger, name: str, reason: str) -> Run:
    """End a run for good, and say why; nothing is undone by that."""
    run = run_named(ledger.db, name)
    if run.state in OVER:
        raise RefusedError(f"{run.subject} is {run.state} already")
    ledger.append("run.ended", run.subject, {"state": "aborted", "reason": text_of(reason, "--reason")})
    return run_named(ledger.db, name)


def _waiting(ledger: Ledger, name: str, step: str) -> Run:
    run = run_named(ledger.db, name)
    ran = run.ran(step)
    if run.state in OVER or ran is None or ran.outcome != "waiting":
        known = [one.step for one in run.steps if one.outcome == "waiting"]
        hint = f"; it waits for {', '.join(known)}" if known and run.state not in OVER else ""
        raise RefusedError(f"{run.subject} does not wait for {line(shorten(step, 40))}{hint}")
    return run


def runs(workspace: Workspace, runbook: str | None, *, everything: bool) -> list[Run]:
    """The runs that are not over, or all; the newest first."""
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = [one for one in records(db, "RUN") if runbook in (None, one.runbook)]
    return [one for one in reversed(found) if everything or one.state not in OVER]


def freshness(workspace: Workspace, now: float) -> list[Fresh]:
    """The proof of every runbook, by its runs; StoreError where the store cannot be read."""
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        known = records(db, "RUN")
    return [_fresh(workspace, one, [run for run in known if run.runbook == name], now)
            for name, one in workspace.runbooks.items()]  # fmt: skip


def _fresh(workspace: Workspace, runbook: Runbook, known: list[Run], now: float) -> Fresh:
    done = [one for one in known if one.state == "done" and one.ended is not None]
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
