"""Run a runbook: begin a run, or go on with one that was left, exactly where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.acting import actor_of
from opsctl.errors import ExitCode, RefusedError, UsageError
from opsctl.execution import Execution
from opsctl.journal import tell_incident
from opsctl.ledger.run import OVER
from opsctl.parameters import check_environment, hidden_in, values_of
from opsctl.store.ledger import deciding
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.execution import People
    from opsctl.ledger.run import Run
    from opsctl.runbooks import Runbook
    from opsctl.world import World

CODES = {
    "done": ExitCode.YES,
    "waiting": ExitCode.WAITING,
    "unknown": ExitCode.UNKNOWN,
    "failed": ExitCode.NO,
    "recovered": ExitCode.NO,
    "aborted": ExitCode.NO,
}


class Start(NamedTuple):
    """What a run is begun with."""

    values: Mapping[str, str]
    environment: str | None = None
    incident: str | None = None
    drill: bool = False
    remedy_of: str | None = None
    only: tuple[str, ...] = ()


def begin(workspace: Workspace, world: World, runbook: Runbook, start: Start, people: People) -> Run:
    """Begin a run and go on until it is over or has to stop; UsageError for parameters that do not fit."""
    values = values_of(runbook.procedure, start.values)
    check_environment(runbook, start.environment)
    hidden = hidden_in(runbook)
    with open_store(workspace.store, write=True) as store:
        with deciding(store, actor_of(world), world.now) as ledger:
            name = ledger.name("RUN")
            if start.incident is not None and ledger.get(start.incident) is None:
                raise UsageError(f"there is no {start.incident}; `opsctl incident list` shows what is on")
            body = {
                "runbook": runbook.id,
                "digest": runbook.digest,
                "parameters": {key: value for key, value in values.items() if key not in hidden},
                "environment": start.environment,
                "incident": start.incident,
                "drill": start.drill,
                "remedy_of": start.remedy_of,
                "only": list(start.only),
            }
            ledger.append("run.started", name, body)
            tell_incident(ledger, ledger.get(name), f"runbook {runbook.id} was begun ({name})")
        return Execution(workspace, world, runbook, store, name, values, people).go()


def resume(
    workspace: Workspace,
    world: World,
    runbook: Runbook,
    run: Run,
    said: Mapping[str, str],
    people: People,
    *,
    changed: bool,
) -> Run:
    """Go on with a run exactly where it stopped.

    Raises RefusedError where it is over, where another process is on it, and where the runbook was changed
    since and `changed` does not allow that; UsageError where a parameter is missing or is not what it was.
    """
    if run.state in OVER:
        raise RefusedError(f"{run.subject} is {run.state}; begin a new one: opsctl runbook run {run.runbook}")
    if run.digest != runbook.digest and not changed:
        raise RefusedError(
            f"{runbook.id} was changed since {run.subject} stopped; look at it, then add `--changed` to go on"
        )
    hidden = hidden_in(runbook)
    missing = [name for name in hidden if name not in said and runbook.procedure.parameters[name].required]
    if missing:
        raise UsageError(f"secrets are not kept; give them again: --set {missing[0]}=VALUE")
    other = [name for name, value in said.items() if run.parameters.get(name, value) != value]
    if other:
        # What was done, answered and approved was so for the value that is kept.
        words = f"{run.subject} was begun with another `{other[0]}`, and keeps it"
        raise UsageError(f"{words}; begin a new one: opsctl runbook run {run.runbook}")
    values = values_of(runbook.procedure, {**run.parameters, **said})
    with open_store(workspace.store, write=True) as store:
        execution = Execution(workspace, world, runbook, store, run.subject, values, people)
        return execution.go(resumed={"digest": runbook.digest})
