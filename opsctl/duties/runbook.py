"""The `runbook` step: a procedure is run or drilled; what it asks people leaves it waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, Name, NotEmpty
from opsctl.prose import line
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.definitions import Workspace
    from opsctl.duty_kinds import Occasion
    from opsctl.ledger.run import Run
    from opsctl.ledger.slot import Outcome

_OUTCOMES: Mapping[str, Outcome] = {
    "done": "ok",
    "waiting": "waiting",
    "running": "waiting",
    "unknown": "unknown",
    "failed": "failed",
    "recovered": "failed",
    "aborted": "failed",
}


@dataclass(frozen=True, kw_only=True)
class RunbookDuty:
    """Run a runbook, or drill it."""

    SHORTHAND: ClassVar[str] = "name"
    EFFECT: ClassVar[Effect] = "change"
    ANSWERED: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"runbook": "name"}

    name: Annotated[Name, Doc("Which.")]
    parameters: Annotated[Mapping[str, str], Doc("What it is told.")] = field(default_factory=dict)
    drill: Annotated[bool, Doc("Whether it is run to practise.")] = False
    environment: Annotated[str | None, NotEmpty(), Doc("As prod.")] = None

    def perform(self, occasion: Occasion) -> Came:
        """Run it; where it was begun for this slot already, say how it stands."""
        from opsctl.execution import People
        from opsctl.running import Start, begin

        if occasion.before is not None and occasion.before.link is not None:
            return _came(_kept(occasion.workspace, occasion.before.link))
        people = People(lambda _question: None, lambda _what, _words: None, lambda _data: None)
        start = Start(self.parameters, self.environment, None, self.drill)
        runbook = occasion.workspace.runbooks[self.name]
        return _came(begin(occasion.workspace, occasion.world, runbook, start, people))


def _kept(workspace: Workspace, name: str) -> Run:
    from opsctl.procedures import run_named
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return run_named(db, name)


def _came(run: Run) -> Came:
    outcome = _OUTCOMES[run.state]
    words = f"{run.runbook} is {run.state}" + (f": {line(run.reason)}" if run.reason else "")
    if outcome == "waiting":
        words += f"; opsctl runbook resume {run.subject}"
    return Came(outcome, words, run.subject)
