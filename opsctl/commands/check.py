"""`opsctl check`: probe services and answer by exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.check_run import Asked, answer
from opsctl.commands.options import Out, Quiet, Selectors, Where

_UNLESS = Asked()

EPILOG = """Examples:

\b
  opsctl check                          everything, recorded
  opsctl check api tier:critical        one service, and all critical ones
  opsctl check api/health --explain     all that was seen, and the same as a curl line
  opsctl check --failed                 what was not up last time
  opsctl check --quiet                  for cron: no output when all is well
  opsctl check -o junit --out out.xml   for CI
  opsctl check tier:critical --wait 5m  after a deploy: until all are up, or not in time
  opsctl check --prove                  which failures would nobody notice?
  opsctl check --replay --since 30d     what would these expectations have said of what was recorded?
  opsctl check --save-baseline monday   and later: opsctl check --since-baseline monday
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
    ] = _UNLESS.output,
    out: Out = None,
    quiet: Quiet = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show all seen, of a pass too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--list", "--dry-run", help="Show what would be checked, and check nothing.")
    ] = False,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Keep the results.")] = True,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, max=500, help="How many checks run at once.")
    ] = _UNLESS.jobs,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Bound each attempt, as `5s`.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="STATE", help="down, or degraded to exit 1 for that too.")
    ] = _UNLESS.fail_on,
    exit_style: Annotated[
        str, typer.Option("--exit-style", metavar="STYLE", help="opsctl, or nagios for 0, 1, 2 and 3.")
    ] = _UNLESS.exit_style,
    wait: Annotated[
        str | None, typer.Option("--wait", metavar="LENGTH", help="Check until all are up, as long as `5m`.")
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="LENGTH", help="The pause of --wait and --watch; 10s by default."),
    ] = _UNLESS.every,
    watch: Annotated[bool, typer.Option("--watch", help="Check again and again, until Ctrl-C.")] = False,
    baseline: Annotated[
        str | None,
        typer.Option("--since-baseline", metavar="NAME", help="Fail only on what is newly broken."),
    ] = None,
    save_baseline: Annotated[
        str | None, typer.Option("--save-baseline", metavar="NAME", help="Keep how all stands, by a name.")
    ] = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="Which failures would each check still call up? Asks nobody.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Judge what was recorded by the expectations now. Asks nobody.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="From when on --replay looks; 30d by default."),
    ] = _UNLESS.since,
    where: Where = None,
) -> None:  # fmt: skip
    """Probe services and say what is up, degraded, down or unknown."""
    asked = Asked(
        tuple(selectors or ()), tuple(exclude or ()), failed, output, out, quiet, explain, dry_run, record,
        jobs, timeout, fail_on, exit_style, wait, every, watch, baseline, save_baseline, prove, replay, since,
        where,
    )  # fmt: skip
    raise typer.Exit(answer(asked))
