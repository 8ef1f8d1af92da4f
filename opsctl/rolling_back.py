"""Undo what a run has really done, the last first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opsctl.journal import Journal
    from opsctl.ledger.run import Ran, Run
    from opsctl.performing import Performer
    from opsctl.runbooks import Runbook, Step

# How a step stands that was interrupted, and of which nobody has said yet what became of it.
_HALFWAY = frozenset({None, "unknown"})


class RollBack(NamedTuple):
    """What it takes to undo the steps of a run."""

    runbook: Runbook
    performer: Performer
    journal: Journal
    show: Callable[[str, str], None]


def began(run: Run) -> bool:
    """Whether something of a run was undone already: it can only be undone further."""
    return any(ran.undone for ran in run.steps)


def roll_back(what: RollBack, because: str) -> tuple[str, str]:
    """Undo it; the state of the run then, and why: `recovered` where all of it worked, never more.

    An undo that was interrupted halfway is `unknown`, and a person settles it.
    """
    left: list[str] = []
    for ran in _changes(what):
        if ran.undone == "begun":
            return "unknown", f"nobody knows whether {ran.step} was undone; {_say_so(what, ran)}"
        trouble = _take_back(what, ran)
        left += [trouble] if trouble else []
    if left:
        return "failed", f"after {because} not all was undone: {'; '.join(left)}"
    return "recovered", f"{because} failed, and what was done before was undone"


def _changes(what: RollBack) -> Iterator[Ran]:
    """What was changed, or may have been, and is not undone; the last first."""
    for ran in reversed(what.journal.run().steps):
        done = ran.outcome in {"ok", *_HALFWAY} or ran.acted
        if done and ran.effect == "change" and ran.undone != "ok":
            yield ran


def _take_back(what: RollBack, ran: Ran) -> str:
    """Why it could not be undone; empty where it was."""
    if ran.outcome in _HALFWAY:
        return f"nobody knows whether {ran.step} was done; {_say_so(what, ran)}"
    step = next((one for one in what.runbook.procedure.steps if one.id == ran.step), None)
    if step is None:
        return f"{ran.step} is not in the runbook any more; take it back by hand"
    return _undo(what, step)


def _say_so(what: RollBack, ran: Ran) -> str:
    return f"say so: opsctl runbook settle {what.journal.name} {ran.step} done"


def _undo(what: RollBack, step: Step) -> str:
    if step.terms.undo is None:
        return f"{step.id} has no undo"
    what.journal.keep("undo_begun", {"step": step.id})
    what.journal.run()
    what.show("undo", f"{step.id}: {what.performer.describe(step.terms.undo)}")
    done = what.performer.inner(step.terms.undo, f"{step.id}/undo", what.performer.values)
    message = what.performer.secrets.mask(done.message)
    worked = done.outcome in {"ok", "skipped"}
    body = {"step": step.id, "outcome": "ok" if worked else "failed", "message": message}
    what.journal.keep("step_undone", body)
    return "" if worked else f"{step.id}: {message}"
