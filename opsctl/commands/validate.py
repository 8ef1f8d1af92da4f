"""`opsctl validate`: every problem of every file of the workspace, and whether its secrets are there."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of, reader_of
from opsctl.commands.options import Where

EPILOG = """Examples:

\b
  opsctl validate                 problems with file, line and column
  opsctl validate -o github       as annotations of a pull request
  opsctl validate --allow-unset   where the secrets are not at hand
"""


def register(app: typer.Typer) -> None:
    """Add `validate` to the application."""
    app.command(epilog=EPILOG)(validate)


def validate(
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or github.")
    ] = "text",
    allow_unset: Annotated[
        bool,
        typer.Option(
            "--allow-unset",
            help="Do not ask whether variables, secret files and a template's values are there.",
        ),
    ] = False,
    where: Where = None,
) -> None:
    """Check the workspace's files; exit 5 where something is wrong, with all problems at once."""
    from opsctl.errors import ExitCode
    from opsctl.formats.problems import write
    from opsctl.validating import validate as find_problems
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json", "github"))
    world = this_world()
    found = find_problems(where, world.environ, secrets=not allow_unset)
    emit(world, write(found, output, reader_of(world)))
    raise typer.Exit(ExitCode.CONFIG if found.problems else ExitCode.YES)
