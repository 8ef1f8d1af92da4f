"""Compare a run with a baseline: what is newly broken, what still is, and what was mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.outcome import State
from opsctl.prose import line, listed, shorten, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.records import CheckRun


class Baseline(NamedTuple):
    """How the checks stood when that was kept (UTC epoch seconds)."""

    name: str
    at: float
    states: Mapping[str, State]


class Comparison(NamedTuple):
    """The checks that are not well now and were, that are not and were not, and that are and were not.

    What the baseline does not know, or could not tell, was not shown to be broken before, so that it is new.
    """

    baseline: str
    at: float
    new: tuple[str, ...]
    still: tuple[str, ...]
    fixed: tuple[str, ...]


def save_baseline(workspace: Workspace, name: str, run: CheckRun) -> None:
    """Keep how the checks of a run stand; StoreError where that cannot be kept."""
    from opsctl.store.baselines import save
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=True) as store, store.writing() as db:
        save(db, name, run.started, {one.result.check: one.standing.state for one in run.checked})


def load_baseline(workspace: Workspace, name: str) -> Baseline:
    """A baseline by name; UsageError where there is none."""
    from opsctl.store.baselines import load, names
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = load(db, name)
        if found is None:
            known = names(db)
            hint = suggestion(name, known) or (f"; there is {listed(known)}" if known else "")
            way = hint or "; keep one with `opsctl check --save-baseline NAME`"
            raise UsageError(f"no baseline is called `{line(shorten(name, 40))}`{way}")
    return Baseline(name, *found)


def compare(now: Mapping[str, State], before: Baseline, *, degraded: bool = False) -> Comparison:
    """What changed since a baseline; whether what is `degraded` counts as broken."""
    broken = [check for check, state in now.items() if _broken(state, degraded=degraded)]
    # Only what was down was shown to be broken: unknown excuses no more than unknown.
    known = {check for check in broken if before.states.get(check) in (State.DOWN, now[check])}
    return Comparison(
        before.name,
        before.at,
        new=tuple(check for check in broken if check not in known),
        still=tuple(check for check in broken if check in known),
        fixed=tuple(
            check
            for check, state in now.items()
            if not _broken(state, degraded=degraded)
            and _broken(before.states.get(check, State.UP), degraded=degraded)
        ),
    )


def _broken(state: State, *, degraded: bool) -> bool:
    return not state.good or (degraded and state is State.DEGRADED)
