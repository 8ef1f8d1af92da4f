"""`opsctl status`: the home page: what stands, since when, and what is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from opsctl.commands.console import emit, one_of, open_workspace, reader_of
from opsctl.commands.options import Format, Quiet, Where

if TYPE_CHECKING:
    from opsctl.definitions import Workspace
    from opsctl.world import World

EPILOG = """Examples:

\b
  opsctl status             what stands now, by the recorded results
  opsctl status -o json     the same for programs
  opsctl status --quiet     nothing where all is well
"""


def register(app: typer.Typer) -> None:
    """Add `status` to the application."""
    app.command(epilog=EPILOG)(status)


def status(output: Format = "text", quiet: Quiet = False, where: Where = None) -> None:
    """Show what stands by the recorded results; probes nothing, and a stale result counts as unknown."""
    from opsctl.formats import status as formats
    from opsctl.standing import exit_code, overview
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    page = overview(_workspace(where, world), world.now)
    emit(world, formats.write(page, output, reader_of(world, quiet=quiet)))
    raise typer.Exit(exit_code(page))


def _workspace(where: Where, world: World) -> Workspace:
    """All of the workspace; where a mistake in it keeps checklists or runbooks out, what checks need."""
    from opsctl.errors import WorkspaceInvalidError

    try:
        return open_workspace(where, world.environ)
    except WorkspaceInvalidError:
        return open_workspace(where, world.environ, light=True)
