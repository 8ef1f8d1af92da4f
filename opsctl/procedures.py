"""Runs and runbooks as people look at them, and what they say to a run: answers, approvals, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.attesting import may
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.names import subject_named
from opsctl.ledger.run import OVER
from opsctl.prose import line, shorten, suggestion
from opsctl.store.entries import Wanted, look_for
from opsctl.store.ledger import get, records
from opsctl.store.locks import is_held, run_lock
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.run import Run
    from opsctl.runbooks import Runbook, Step
    from opsctl.store.ledger import Ledger


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
        raise UsageError(f"there is no {subject}; `opsctl runbook runs --all` shows what there is")
    return cast("Run", found)


class Said(NamedTuple):
    """What a step printed: the start and the end of it, and how many bytes between them are left out."""

    head: str
    tail: str
    left_out: int


def story(workspace: Workspace, name: str) -> tuple[Run, Mapping[str, Said]]:
    """A run, and what each of its steps printed the last time; UsageError where there is none."""
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        run = run_named(db, name)
        found = look_for(db, Wanted(subjects=[run.subject], kind="run.step_*", limit=0)).entries
    said = {}
    for entry in found:
        body = entry.event.body
        if "head" in body:
            said[str(body["step"])] = Said(body["head"], body["tail"], body["left_out"])
    return _left(workspace, run), {step: one for step, one in said.items() if one.head or one.tail}


def incident_named(workspace: Workspace, name: str) -> str:
    """The incident that a run is to belong to; UsageError where there is none."""
    subject = subject_named(name, "INC")
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        if get(db, subject) is None:
            raise UsageError(f"there is no {subject}; `opsctl incident list` shows what is on")
    return subject


def answer(ledger: Ledger, workspace: Workspace, name: str, step: str, value: str) -> Run:
    """Answer a run's question, which somebody else may have begun.

    Raises RefusedError where it asks nothing, UsageError for what is no answer to it.
    """
    run = _waiting(ledger, name, step)
    known = _step_of(workspace, run, step)
    kind: Any = known.kind if known is not None else None
    if kind is not None and kind.ASKS and (wrong := kind.wrong(value)):
        raise UsageError(wrong)
    ledger.append("run.answered", run.subject, {"step": step, "value": text_of(value, "the answer")})
    return run_named(ledger.db, name)


def approve(ledger: Ledger, workspace: Workspace, name: str, step: str) -> Run:
    """Approve a step that needs it; RefusedError for who may not, and for who runs it."""
    run = _waiting(ledger, name, step)
    known = _step_of(workspace, run, step)
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


def settle(ledger: Ledger, workspace: Workspace, name: str, step: str, *, done: bool) -> Run:
    """Say what became of a step that nobody knew of; RefusedError where that is known or still going on."""
    run = run_named(ledger.db, name)
    with run_lock(workspace.store, run.subject.lower()) as free:
        if not free:
            raise RefusedError(f"another process is on {run.subject}; wait for it")
    ran = run.ran(step)
    if ran is not None and ran.undone == "begun":
        body = {"step": step, "outcome": "ok" if done else "failed"}
        ledger.append("run.undo_settled", run.subject, body)
        return run_named(ledger.db, name)
    if ran is None or ran.outcome not in {None, "unknown"}:
        known = "was never begun" if ran is None else f"is {ran.outcome}"
        raise RefusedError(f"{step} of {run.subject} {known}, so there is nothing to settle")
    words = "a person saw that it was done" if done else "a person saw that it was not done"
    body = {"step": step, "outcome": "ok" if done else "failed", "message": words}
    ledger.append("run.settled", run.subject, body)
    return run_named(ledger.db, name)


def abort(ledger: Ledger, name: str, reason: str) -> Run:
    """End a run for good, and say why; nothing is undone by that.

    Where another process is on it, that one ends the step that it is in and stops.
    """
    run = run_named(ledger.db, name)
    if run.state in OVER:
        raise RefusedError(f"{run.subject} is {run.state} already")
    ledger.append("run.ended", run.subject, {"state": "aborted", "reason": text_of(reason, "--reason")})
    return run_named(ledger.db, name)


def _step_of(workspace: Workspace, run: Run, step: str) -> Step | None:
    """The step as the runbook has it now, if it has it."""
    steps = runbook_named(workspace, run.runbook).procedure.steps
    return next((one for one in steps if one.id == step), None)


def _waiting(ledger: Ledger, name: str, step: str) -> Run:
    run = run_named(ledger.db, name)
    ran = run.ran(step)
    if run.state in OVER or ran is None or ran.outcome != "waiting":
        known = [one.step for one in run.steps if one.outcome == "waiting"]
        waits = bool(known) and run.state not in OVER
        hint = f"; it waits for {', '.join(known)}" if waits else f"; it is {run.state}"
        raise RefusedError(f"{run.subject} does not wait for {line(shorten(step, 40))}{hint}")
    return run


def runs(workspace: Workspace, runbook: str | None, *, everything: bool) -> list[Run]:
    """The runs that are not over, or all; the newest first. UsageError for a runbook that never was."""
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = [one for one in records(db, "RUN") if runbook in (None, one.runbook)]
    if runbook is not None and not found:
        runbook_named(workspace, runbook)
    return [_left(workspace, one) for one in reversed(found) if everything or one.state not in OVER]


def _left(workspace: Workspace, run: Run) -> Run:
    """A run that its process left without a word says so."""
    if run.state != "running" or is_held(workspace.store, run.subject.lower()):
        return run
    return run._replace(reason=f"its process is gone; go on: opsctl runbook resume {run.subject}")
