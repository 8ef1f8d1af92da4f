"""`opsctl report`: what happened in a period, for people who read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import emit, opened
from opsctl.commands.groups import add_group
from opsctl.commands.options import Out, Where
from opsctl.periods import LENGTHS

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """Examples:

\b
  opsctl report daily
  opsctl report weekly -o html --out weekly.html
  opsctl report monthly --last           the last whole month, in the workspace's zone
  opsctl report quarterly --last -o html --out quarter.html
  opsctl report yearly -o json
  opsctl report standup
  opsctl report handover --period 8h
  opsctl report incident INC-7 -o markdown

A workspace replaces a template by templates/weekly.md.j2 or templates/weekly.html.j2 of its own.
"""
_Output = Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="markdown, html or json.")]
_HELP = {
    "daily": "The last 24 hours: services against target, outages, incidents, what is owed.",
    "weekly": "The last 7 days.",
    "monthly": "The last 30 days.",
    "quarterly": "The last 91 days.",
    "yearly": "The last 365 days.",
    "handover": "For who takes over: what stands now, what changed in 12 hours, what is due.",
    "standup": "For the team: by person what was done since yesterday and what is late.",
}


def register(app: typer.Typer) -> None:
    """Add the group `report` to the application."""
    group = add_group(
        app, "report", "Reports of a period, or of one incident, as Markdown, HTML or JSON.", EPILOG
    )
    for kind in LENGTHS:
        group.command(kind, help=_HELP[kind])(_command(kind))
    group.command()(incident)


def incident(
    name: Annotated[
        str, typer.Argument(autocompletion=recorded("INC"), help="As INC-7 or 7.", metavar="INCIDENT")
    ],
    output: _Output = "markdown",
    out: Out = None,
    where: Where = None,
) -> None:
    """One incident: its facts, its impact by the checks, its times against targets, its timeline."""
    from opsctl.examining import facts_of
    from opsctl.formats.incident_report import write

    world, workspace = opened(where, output, ("markdown", "html", "json"))
    emit(world, write(facts_of(workspace, name, world.now), output, workspace.root), out)


def _command(kind: str) -> Callable[..., None]:
    def command(
        period: Annotated[
            str | None, typer.Option("--period", metavar="LENGTH", help="How long, as 8h or 14d.")
        ] = None,
        until: Annotated[
            str | None, typer.Option("--until", metavar="TIME", help="The end; now by default.")
        ] = None,
        last: Annotated[bool, typer.Option("--last", help="The last whole one by the calendar.")] = False,
        output: _Output = "markdown",
        out: Out = None,
        where: Where = None,
    ) -> None:
        from opsctl.formats.reports import CHARTED, write
        from opsctl.periods import period as named
        from opsctl.reporting import gather

        world, workspace = opened(where, output, ("markdown", "html", "json"))
        asked = named(kind, period, until, world.now, workspace.timezone, last=last)
        found = gather(workspace, asked, world.now, charts=output == "html" and kind in CHARTED)
        emit(world, write(found, kind, output, workspace.root), out)

    return command
