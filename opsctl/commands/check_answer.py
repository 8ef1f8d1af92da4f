"""What `opsctl check` answers: what counts, in a format, with an exit code, and what comes after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.commands.console import emit, open_workspace, reader_of
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from opsctl.checking import Options, Outcome
    from opsctl.comparing import Baseline
    from opsctl.definitions import Workspace
    from opsctl.errors import ExitCode
    from opsctl.records import Standing
    from opsctl.world import World

_FOR_PEOPLE = ("text", "github", "markdown")


class Shown(NamedTuple):
    """How an answer is given: its format and file, what fails, and what it is compared with or kept as."""

    output: str
    out: Path | None
    fail_on: str
    style: str
    baseline: str | None
    save_baseline: str | None


def baseline_of(workspace: Workspace, shown: Shown) -> Baseline | None:
    """The baseline to compare with, read before anything is checked and before one of its name is kept."""
    if shown.baseline is None:
        return None
    from opsctl.comparing import load_baseline

    return load_baseline(workspace, shown.baseline)


def newly(
    outcome: Outcome, counted: Mapping[str, Standing], before: Baseline, shown: Shown
) -> tuple[Outcome, dict[str, Standing]]:
    """The outcome with how it compares, and of what counts, what is newly broken."""
    from opsctl.comparing import compare

    # A monitoring system is warned of what is degraded, whatever fails.
    degraded = shown.fail_on == "degraded" or shown.style == "nagios"
    states = {check: standing.state for check, standing in counted.items()}
    comparison = compare(states, before, degraded=degraded)
    run = outcome.run._replace(comparison=comparison)
    return outcome._replace(run=run), {check: counted[check] for check in comparison.new}


def show(
    outcome: Outcome, counted: Mapping[str, Standing], shown: Shown, options: Options, world: World
) -> int:
    """Write the answer and what is to be said of it; the exit code that goes with it."""
    from opsctl.formats import load
    from opsctl.formats.comparison import write
    from opsctl.prose import safe

    reader = reader_of(world, quiet=options.quiet, explain=options.explain, to_file=shown.out is not None)
    code = _code(outcome, counted, shown)
    comparison = outcome.run.comparison
    # For cron, what is broken as it was is well enough.
    dull = options.quiet and comparison is not None and not comparison.new and not code
    if not (dull and shown.output in _FOR_PEOPLE):
        emit(world, load(shown.output).write(outcome.run, reader._replace(exit_code=code)), shown.out)
    if outcome.fault is not None:
        lost = "" if outcome.run.recorded else "not recorded: "
        world.stderr.write(f"opsctl: {lost}{safe(str(outcome.fault))}\n")
    if outcome.signal is not None:
        world.stderr.write("opsctl: ended early by a signal; what was not checked is not shown\n")
    if comparison is not None and not dull:
        world.stderr.write(write(comparison, outcome.run.timezone))
    if shown.style == "nagios":
        from opsctl.formats.nagios import code as nagios_code

        return nagios_code(code, degraded=any(one.state == "degraded" for one in counted.values()))
    return code


def show_none(workspace: Workspace, shown: Shown, options: Options, world: World) -> int:
    """Write that nothing had failed, so that nothing was looked at again; programs get an empty run."""
    from opsctl.errors import ExitCode
    from opsctl.formats import load
    from opsctl.records import CheckRun

    words = "" if options.quiet else "nothing was down, degraded or unknown last time\n"
    if shown.output not in _FOR_PEOPLE:
        run = CheckRun(workspace.name, world.now, world.now, (), recorded=False)
        reader = reader_of(world, to_file=shown.out is not None)._replace(exit_code=ExitCode.YES)
        words = load(shown.output).write(run, reader)
    emit(world, words, shown.out)
    return 0


def keep(workspace: Workspace, outcome: Outcome, shown: Shown, world: World) -> None:
    """Keep how all stands as a baseline, where that is wished."""
    if shown.save_baseline is None or outcome.signal is not None:
        return
    from opsctl.comparing import save_baseline

    save_baseline(workspace, shown.save_baseline, outcome.run)
    world.stderr.write(f"kept as baseline {line(shown.save_baseline)}\n")


def heal(workspace: Workspace, where: Path | None, outcome: Outcome, options: Options, world: World) -> None:
    """Try the remedies of what counts as down; what came of it is told on standard error."""
    known = workspace.checks()
    named = any(known[one.result.check][1].remedy for one in outcome.run.checked)
    if not (named and options.record and outcome.run.recorded) or outcome.signal is not None:
        return
    from opsctl.healing import heal

    whole = open_workspace(where, world.environ)
    for one in heal(whole, world, outcome.run.checked):
        name = f" ({one.run})" if one.run else ""
        world.stderr.write(f"remedy of {one.check}: {line(one.words)}{name}\n")


def _code(outcome: Outcome, counted: Mapping[str, Standing], shown: Shown) -> ExitCode:
    from opsctl.errors import ExitCode, worst
    from opsctl.outages import exit_code

    code = exit_code(counted, fail_on_degraded=shown.fail_on == "degraded")
    if not counted and outcome.run.checked:
        code = ExitCode.YES
    elif not counted and outcome.run.maintenance:
        code = ExitCode.UNKNOWN
    if outcome.fault is not None:
        code = worst([code, ExitCode.STORE])
    return code if outcome.signal is None else outcome.signal


def awaited(outcome: Outcome) -> Outcome:
    """The outcome of `--wait`, in which whatever was not up at its end counts as such, in every format."""
    # `fail_after` forgives a failure among passes, but who waited for a pass has seen none.
    checked = tuple(
        one if one.result.state.good else one._replace(standing=one.standing._replace(state=one.result.state))
        for one in outcome.run.checked
    )
    return outcome._replace(run=outcome.run._replace(checked=checked))
