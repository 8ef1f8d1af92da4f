"""Compare a run with a baseline: what is newly broken, what still is, and what was mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import ExitCode, UsageError, worst
from opsctl.outcome import State
from opsctl.prose import line, listed, shorten, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.records import CheckRun


class Comparison(NamedTuple):
    """The checks that are not well now and were, that are not and were not, and that are and were not.

    What the baseline does not know was not shown to be broken before, so that it is new.
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


def load_baseline(workspace: Workspace, name: str) -> tuple[float, dict[str, State]]:
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
    return found


def compare(run: CheckRun, name: str, at: float, before: Mapping[str, State]) -> Comparison:
    """What changed since a baseline."""
    now = {one.result.check: one.standing.state for one in run.checked}
    broken = [check for check, state in now.items() if not state.good]
    return Comparison(
        name,
        at,
        new=tuple(check for check in broken if before.get(check, State.UP).good),
        still=tuple(check for check in broken if not before.get(check, State.UP).good),
        fixed=tuple(
            check for check, state in now.items() if state.good and not before.get(check, State.UP).good
        ),
    )


def exit_code(run: CheckRun, comparison: Comparison) -> ExitCode:
    """As of a run in which only what is newly broken counts; 2 where nothing was checked."""
    if not run.checked:
        return ExitCode.USAGE
    states = {one.standing.state for one in run.checked if one.result.check in comparison.new}
    codes = [ExitCode.NO] if State.DOWN in states else []
    return worst([*codes, ExitCode.UNKNOWN] if State.UNKNOWN in states else codes)
