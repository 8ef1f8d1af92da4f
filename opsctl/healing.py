"""Mend what a check found by the runbook that it names, within limits; the outage counts all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.checking import probe
from opsctl.errors import OpsctlError
from opsctl.execution import People
from opsctl.ledger.incident import ACTIVE
from opsctl.outcome import Kind, State
from opsctl.running import Start, begin
from opsctl.secrets import Secrets
from opsctl.store.ledger import records
from opsctl.store.opening import open_store
from opsctl.units import brief

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.policies import Remedy
    from opsctl.records import Checked
    from opsctl.world import World


class Attempt(NamedTuple):
    """What came of a remedy: its run, or why there was none, and what was found afterwards."""

    check: str
    run: str | None
    words: str


def heal(workspace: Workspace, world: World, checked: Sequence[Checked]) -> Iterator[Attempt]:
    """Run the remedy of every check that counts as down and has one; each attempt is kept as a run."""
    known = workspace.checks()
    for one in checked:
        definition = known[one.result.check][1]
        if definition.remedy is not None and one.standing.state is State.DOWN:
            yield _attempt(workspace, world, definition, definition.remedy)


def _attempt(workspace: Workspace, world: World, check: CheckDefinition, remedy: Remedy) -> Attempt:
    runbook = workspace.runbooks.get(remedy.runbook)
    if runbook is None:
        return Attempt(check.name, None, f"no runbook is called `{remedy.runbook}`")
    service = check.name.partition("/")[0]
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        why = _why_not(db, check.name, service, remedy, world.now)
        incident = next((one.subject for one in records(db, "INC", ACTIVE) if service in one.services), None)
    if why:
        return Attempt(check.name, None, why)
    start = Start(remedy.parameters, None, incident, remedy_of=check.name, only=remedy.steps)
    nobody = People(lambda _question: None, lambda _what, _words: None, lambda _data: None)
    try:
        run = begin(workspace, world, runbook, start, nobody)
    except OpsctlError as error:
        return Attempt(check.name, None, str(error))
    # Whether it helped is what the check says, not what the runbook thinks.
    found = probe(workspace, [check.name], world, Secrets(world.environ, workspace.root))[check.name]
    words = f"{remedy.runbook} is {run.state}; {check.name} is {found.state} afterwards"
    return Attempt(check.name, run.subject, words)


def _why_not(db: sqlite3.Connection, check: str, service: str, remedy: Remedy, now: float) -> str:
    """Why a remedy is not to be tried now; empty where it is."""
    for incident in records(db, "INC", ACTIVE):
        if service in incident.services and incident.acknowledged is not None:
            return f"somebody is on it ({incident.subject}), so its remedy was left alone"
    tried = [
        one for one in records(db, "RUN") if one.remedy_of == check and one.started > now - remedy.within
    ]
    if len(tried) >= remedy.attempts:
        span = brief(Kind.DURATION, remedy.within)
        return f"{remedy.runbook} was tried {len(tried)} times in {span}; a person has to look"
    last = max((one.ended or one.started for one in tried), default=None)
    if last is not None and now < last + remedy.cooldown:
        left = brief(Kind.DURATION, last + remedy.cooldown - now)
        return f"{remedy.runbook} was tried just now; again in {left}"
    return ""
