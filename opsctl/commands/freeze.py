"""`opsctl freeze`: when changes are refused."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of, open_workspace
from opsctl.commands.options import Format, Out, Where

EPILOG = """Examples:

\b
  opsctl freeze list
  opsctl freeze list --at 2026-12-24      what is on then
  opsctl freeze next --env prod           when changes are refused, or allowed, next
  opsctl freeze list -o ics --out freezes.ics
"""
_At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As of then; now by default.")]
_Environment = Annotated[str | None, typer.Option("--env", metavar="NAME", help="Only what concerns it.")]


def register(app: typer.Typer) -> None:
    """Add the group `freeze` to the application."""
    group = typer.Typer(
        help="Freezes and windows for changes: when changes are refused.",
        epilog=EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_)
    group.command("next")(next_)
    app.add_typer(group, name="freeze")


def list_(
    at: _At = None,
    environment: _Environment = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or ics.")
    ] = "text",
    out: Out = None,
    where: Where = None,
) -> None:
    """List the freezes, with when each is on; as a calendar for the year to come with `-o ics`."""
    from opsctl.formats.freezes import write
    from opsctl.freezing import overview
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json", "ics"))
    world = this_world()
    workspace = open_workspace(where, world.environ)
    emit(world, write(overview(workspace, at, environment, world.now), output), out)


def next_(
    at: _At = None, environment: _Environment = None, output: Format = "text", where: Where = None
) -> None:
    """Say whether changes are refused, and when that changes; exits 1 where they are."""
    from opsctl.formats.freezes import write_next
    from opsctl.freezing import turning
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    found = turning(open_workspace(where, world.environ), at, environment, world.now)
    emit(world, write_next(found, output))
    raise typer.Exit(1 if found.refusals else 0)
