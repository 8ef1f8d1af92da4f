"""`opsctl freeze`: when changes are refused."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, opened, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.options import ConcernedEnvironment, Format, Out, Where

EPILOG = """Examples:

\b
  opsctl freeze list
  opsctl freeze list --at 2026-12-24      what is on then
  opsctl freeze next --env prod           when changes are refused, or allowed, next
  opsctl freeze list -o ics --out freezes.ics
"""
_At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As of then; now by default.")]


def register(app: typer.Typer) -> None:
    """Add the group `freeze` to the application."""
    group = add_group(app, "freeze", "Freezes and windows for changes: when changes are refused.", EPILOG)
    group.command("list")(list_)
    group.command("next")(next_)


def list_(
    at: _At = None,
    environment: ConcernedEnvironment = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or ics.")
    ] = "text",
    out: Out = None,
    where: Where = None,
) -> None:
    """List the freezes, with when each is on; as a calendar for the year to come with `-o ics`."""
    from opsctl.formats.freezes import write
    from opsctl.freezing import overview

    world, workspace = opened(where, output, ("text", "json", "ics"), light=False)
    reader = reader_of(world, to_file=out is not None)
    emit(world, write(overview(workspace, at, environment, world.now), output, reader), out)


def next_(
    at: _At = None, environment: ConcernedEnvironment = None, output: Format = "text", where: Where = None
) -> None:
    """Say whether changes are refused, and when that changes; exits 1 where they are."""
    from opsctl.formats.freezes import write_next
    from opsctl.freezing import turning

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = turning(workspace, at, environment, world.now)
    emit(world, write_next(found, output))
    raise typer.Exit(1 if found.refusals else 0)
