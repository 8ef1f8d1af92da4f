"""`opsctl check`: probe services and answer by exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.options import Out, Quiet, Selectors, Where

EPILOG = """Examples:

  opsctl check                          everything, recorded\n
  opsctl check api tier:critical        one service, and all critical ones\n
  opsctl check api/health --explain     all that was seen, and the same as a curl line\n
  opsctl check --failed                 what was not up last time\n
  opsctl check --quiet                  for cron: no output when all is well\n
  opsctl check -o junit --out out.xml   for CI
"""


def register(app: typer.Typer) -> None:
    """Add `check` to the application."""
    app.command(epilog=EPILOG)(check)


def check(  # noqa: PLR0917 - an argument for each option is how Typer reads them
    selectors: Selectors = None,
    exclude: Annotated[list[str] | None, typer.Option("-x", "--exclude", help="Leave these out.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was not up last time.")] = False,
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="text, json, ndjson, csv, junit, github, nagios, prometheus or markdown."),
    ] = "text",
    out: Out = None,
    quiet: Quiet = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show all that was seen, for a pass too.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Show what would be checked, and check nothing.")] = False,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Keep the results in the store.")] = True,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=500, help="How many checks run at once.")] = 500,
    timeout: Annotated[str | None, typer.Option("--timeout", help="Bound each attempt, as `5s`.")] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="down, or degraded to exit 1 for that too.")] = "down",
    exit_style: Annotated[str, typer.Option("--exit-style", help="opsctl or nagios (0, 1, 2, 3).")] = "opsctl",
    where: Where = None,
) -> None:
    """Probe services and say what is up, degraded, down or unknown."""
    from opsctl.checking import Request, run

    request = Request(
        tuple(selectors or ()), tuple(exclude or ()), failed, output, out, quiet, explain,
        listing, record, jobs, timeout, fail_on, exit_style, where,
    )  # fmt: skip
    raise typer.Exit(run(request))
