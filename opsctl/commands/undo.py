"""`opsctl undo`: take back what a command decided."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import confirm, emit, opened, reader_of
from opsctl.commands.options import DryRun, Format, Where

EPILOG = """Examples:

\b
  opsctl undo              the last thing that you decided and that still counts
  opsctl undo 31 --dry-run
  opsctl undo 31 --yes     without asking, as in a script
  opsctl undo 32 --yes     an undo is a command too: this brings 31 back

Nothing is deleted: what was undone stays in the log and counts no more. What was sent or written
elsewhere stays as it is. `opsctl log` shows the numbers.
"""


def register(app: typer.Typer) -> None:
    """Add `undo` to the application."""
    app.command(epilog=EPILOG)(undo)


def undo(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            help="A command's number; by default the last of your own that counts.", metavar="[N]"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Take back one whole command, after showing what that changes."""
    from opsctl.formats.undo import done, write
    from opsctl.undo import plan, take_back

    world, workspace = opened(where, output, ("text", "json"), light=False)
    taking = plan(workspace, world, " ".join(command or ()))
    if output == "text" or (not dry_run and not yes):
        shown = write(taking, "text", reader_of(world))
        emit(world, shown) if output == "text" else world.stderr.write(shown)
    if not dry_run:
        confirm(world, f"undo command {taking.undo.command}?", yes=yes)
        taking = take_back(workspace, world, taking)
    emit(
        world,
        write(taking, output, reader_of(world)) if output == "json" else "" if dry_run else done(taking),
    )
