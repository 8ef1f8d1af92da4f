"""`opsctl check`: probe services and answer by exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.options import Out, Quiet, Selectors, Where, emit, one_of, open_workspace, reader_of

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checking import Options, Outcome
    from opsctl.definitions import Workspace
    from opsctl.errors import OpsctlError
    from opsctl.world import World

EPILOG = """Examples:

\b
  opsctl check                          everything, recorded
  opsctl check api tier:critical        one service, and all critical ones
  opsctl check api/health --explain     all that was seen, and the same as a curl line
  opsctl check --failed                 what was not up last time
  opsctl check --quiet                  for cron: no output when all is well
  opsctl check -o junit --out out.xml   for CI
"""


def register(app: typer.Typer) -> None:
    """Add `check` to the application."""
    app.command(epilog=EPILOG)(check)


def check(
    selectors: Selectors = None,
    exclude: Annotated[
        list[str] | None, typer.Option("-x", "--exclude", metavar="SELECTOR", help="Leave these out.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was not up last time.")] = False,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FORMAT",
            help="text, json, ndjson, csv, junit, github, nagios, prometheus or markdown.",
        ),
    ] = "text",
    out: Out = None,
    quiet: Quiet = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show all seen, of a pass too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--list", "--dry-run", help="Show what would be checked, and check nothing.")
    ] = False,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Keep the results.")] = True,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=500, help="How many checks run at once.")] = 500,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Bound each attempt, as `5s`.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="STATE", help="down, or degraded to exit 1 for that too.")
    ] = "down",
    exit_style: Annotated[
        str, typer.Option("--exit-style", metavar="STYLE", help="opsctl, or nagios for 0, 1, 2 and 3.")
    ] = "opsctl",
    where: Where = None,
) -> None:  # fmt: skip
    """Probe services and say what is up, degraded, down or unknown."""
    from opsctl.checking import Options
    from opsctl.errors import OpsctlError
    from opsctl.formats import FORMATS

    one_of("--output", output, FORMATS)
    one_of("--fail-on", fail_on, ("down", "degraded"))
    one_of("--exit-style", exit_style, ("opsctl", "nagios"))
    options = Options(
        tuple(selectors or ()), tuple(exclude or ()), failed, jobs, _seconds(timeout), record, explain, quiet
    )
    try:
        code = _check(
            options, where, dry_run=dry_run, output=output, out=out, fail_on=fail_on, style=exit_style
        )
    except OpsctlError as error:
        if exit_style != "nagios":
            raise
        code = _unknown(error)
    raise typer.Exit(code)


def _check(
    options: Options,
    where: Path | None,
    *,
    dry_run: bool,
    output: str,
    out: Path | None,
    fail_on: str,
    style: str,
) -> int:
    from opsctl.checking import selected
    from opsctl.world import this_world

    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    names = selected(workspace, options)
    if dry_run:
        emit(world, _listing(workspace, names), out)
    elif not names:
        emit(world, "" if options.single else "nothing was down, degraded or unknown last time\n", out)
    else:
        outcome = _run(workspace, names, options, world)
        _show(outcome, output, out, options, world)
        _heal(workspace, where, outcome, options, world)
        return _code(outcome, fail_on, style)
    return 0


def _unknown(error: OpsctlError) -> int:
    """A monitoring system reads one line and 3 for whatever kept us from checking."""
    from opsctl.prose import line
    from opsctl.world import this_world

    emit(this_world(), f"OPSCTL UNKNOWN - {line(str(error)).replace('|', '/')}\n")
    return 3


def _seconds(text: str | None) -> float | None:
    from opsctl.errors import UsageError
    from opsctl.outcome import Kind
    from opsctl.units import parse

    if text is None:
        return None
    try:
        seconds = parse(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from error
    if not 0 < seconds <= 3600:
        raise UsageError("--timeout must be more than 0s and at most 1h")
    return seconds


def _listing(workspace: Workspace, names: list[str]) -> str:
    known = workspace.checks()
    return "".join(f"{name}\t{known[name][1].type}\t{known[name][1].kind.target()}\n" for name in names)


def _run(workspace: Workspace, names: list[str], options: Options, world: World) -> Outcome:
    from opsctl.checking import check as run
    from opsctl.formats.progress import Progress

    live = world.stderr.isatty() and not options.single and world.environ.get("TERM") != "dumb"
    return run(workspace, names, options, world, Progress(len(names), world.stderr if live else None))


def _show(outcome: Outcome, output: str, out: Path | None, options: Options, world: World) -> None:
    from opsctl.formats import load
    from opsctl.prose import safe

    reader = reader_of(world, quiet=options.single, explain=options.explain, to_file=out is not None)
    emit(world, load(output).write(outcome.run, reader), out)
    if outcome.fault is not None:
        lost = "" if outcome.run.recorded else "not recorded: "
        world.stderr.write(f"opsctl: {lost}{safe(str(outcome.fault))}\n")
    if outcome.signal is not None:
        world.stderr.write("opsctl: ended early by a signal; what was not checked is not shown\n")


def _heal(workspace: Workspace, where: Path | None, outcome: Outcome, options: Options, world: World) -> None:
    """Try the remedies of what counts as down; what came of it is told on standard error."""
    known = workspace.checks()
    named = any(known[one.result.check][1].remedy for one in outcome.run.checked)
    if not (named and options.record and outcome.run.recorded) or outcome.signal is not None:
        return
    from opsctl.healing import heal
    from opsctl.prose import line

    whole = open_workspace(where, world.environ)
    for one in heal(whole, world, outcome.run.checked):
        name = f" ({one.run})" if one.run else ""
        world.stderr.write(f"remedy of {one.check}: {line(one.words)}{name}\n")


def _code(outcome: Outcome, fail_on: str, exit_style: str) -> int:
    from opsctl.checking import exit_code
    from opsctl.errors import ExitCode, worst

    standings = {one.result.check: one.standing for one in outcome.run.checked}
    code = exit_code(standings, fail_on_degraded=fail_on == "degraded")
    if not standings and outcome.run.maintenance:
        code = ExitCode.UNKNOWN
    if outcome.fault is not None:
        code = worst([code, ExitCode.STORE])
    if outcome.signal is not None:
        code = outcome.signal
    if exit_style == "nagios":
        from opsctl.formats.nagios import code as nagios_code

        return nagios_code(code, degraded=any(one.state == "degraded" for one in standings.values()))
    return code
