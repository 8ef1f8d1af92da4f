"""`opsctl metrics`: figures of a period, and what each of them means and is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import emit, one_of, open_workspace, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.options import Format, Selectors, Where

if TYPE_CHECKING:
    from opsctl.definitions import Workspace
    from opsctl.measuring import Period
    from opsctl.world import World

EPILOG = """Examples:

\b
  opsctl metrics show                          every figure of the last 30 days
  opsctl metrics show api --period 7d -o csv
  opsctl metrics show tier:critical --since 2026-10-01 --until 2026-11-01
  opsctl metrics explain availability --service api
  opsctl metrics explain mttr -o json          all incidents, time to recover
  opsctl metrics list                          what there is, with formulas
"""
Length = Annotated[
    str | None, typer.Option("--period", metavar="LENGTH", help="How long, as 30d (by default) or 12h.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="The beginning: 7d ago as 7d, a date or time.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="The end; now by default.")]


def register(app: typer.Typer) -> None:
    """Add the group `metrics` to the application."""
    group = add_group(app, "metrics", "Figures of a period, with what they are made of.", EPILOG)
    group.command("list")(list_)
    group.command()(show)
    group.command()(explain)


def list_(output: Format = "text") -> None:
    """List the metrics with their formulas."""
    from opsctl.formats.metrics import write_list
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    emit(world, write_list(output, reader_of(world)))


def show(
    selectors: Selectors = None,
    period: Length = None,
    since: Since = None,
    until: Until = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or csv.")
    ] = "text",
    where: Where = None,
) -> None:
    """Show the figures of services over a period, with bounds where something is not known."""
    from opsctl import measuring
    from opsctl.formats.metrics import write_sheet

    one_of("--output", output, ("text", "json", "csv"))
    world, workspace, asked = _asked(where, period, since, until)
    sheet = measuring.show(workspace, selectors or (), asked, world.now)
    emit(world, write_sheet(sheet, output, reader_of(world)))


def explain(
    name: Annotated[str, typer.Argument(help="A metric of `opsctl metrics list`, as availability.")],
    service: Annotated[
        str | None, typer.Option("--service", metavar="SERVICE", help="A service, or service/check.")
    ] = None,
    period: Length = None,
    since: Since = None,
    until: Until = None,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show what a figure means, the numbers put in, and the rows that were counted and left out."""
    from opsctl import measuring
    from opsctl.formats.metrics import write_explanation

    one_of("--output", output, ("text", "json"))
    world, workspace, asked = _asked(where, period, since, until)
    sheet = measuring.explain(workspace, name, service, asked, world.now)
    emit(world, write_explanation(sheet, output, reader_of(world)))
    raise typer.Exit(measuring.exit_code(sheet))


def _asked(
    where: Path | None, period: str | None, since: str | None, until: str | None
) -> tuple[World, Workspace, Period]:
    from opsctl.measuring import Period
    from opsctl.world import this_world

    world = this_world()
    return world, open_workspace(where, world.environ, light=True), Period(period, since, until)
