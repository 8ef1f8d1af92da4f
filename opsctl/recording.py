"""What stands after a run of checks: recorded with all that follows, or by what this run alone has found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import StoreError
from opsctl.outages import Rules, exit_code, settle

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.records import Happening, Result, Standing
    from opsctl.world import World


class Settled(NamedTuple):
    """What stands after a run, whether that was recorded, what came of it for incidents, and what failed."""

    standings: Mapping[str, Standing]
    recorded: bool
    incidents: Sequence[Happening] = ()
    fault: StoreError | None = None


def recorded(
    workspace: Workspace,
    definitions: Sequence[CheckDefinition],
    results: Sequence[Result],
    world: World,
    selector: str,
) -> Settled:
    """Record a run of `selector`; where the store fails, what stands is by this run alone, with the fault."""
    try:
        return _record(workspace, definitions, results, world, selector)
    except StoreError as fault:
        return unrecorded(definitions, results, recorded=False, fault=fault)


def unrecorded(
    definitions: Sequence[CheckDefinition],
    results: Sequence[Result],
    *,
    recorded: bool,
    fault: StoreError | None,
) -> Settled:
    """What stands where only this run is known; a run that found nothing may count as `recorded`."""
    lapses = {one.name: one.lapse for one in definitions}
    standings = {
        result.check: settle(None, result, fail_after=1, ok_after=1, lapse=lapses[result.check])
        for result in results
    }
    return Settled(standings, recorded, fault=fault)


def _record(
    workspace: Workspace,
    definitions: Sequence[CheckDefinition],
    results: Sequence[Result],
    world: World,
    selector: str,
) -> Settled:
    import os

    from opsctl.store.opening import open_store
    from opsctl.store.results import Run, record
    from opsctl.watching import watch

    finished = world.now if "OPSCTL_NOW" in world.environ else max(world.now, time.time())
    run = Run(world.now, finished, os.uname().nodename, selector)
    rules = {one.name: Rules(one.fail_after, one.ok_after, one.lapse) for one in definitions}
    incidents: list[Happening] = []
    faults: list[StoreError] = []

    def follow(
        db: sqlite3.Connection, before: Mapping[str, Standing | None], after: Mapping[str, Standing]
    ) -> None:
        try:
            incidents.extend(watch(db, workspace, world, before, after))
        except StoreError as error:
            faults.append(error)

    with open_store(workspace.store, write=True) as store:
        standings = record(store, run, results, rules, exit_code, follow)
    return Settled(standings, True, incidents, next(iter(faults), None))
