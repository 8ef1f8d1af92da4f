"""`opsctl schema`: the JSON Schema of workspace files, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit
from opsctl.commands.options import Where

EPILOG = """Examples:

\b
  opsctl schema            print it
  opsctl schema --write    put it in the workspace, where `# yaml-language-server: $schema=` finds it
"""


def register(app: typer.Typer) -> None:
    """Add `schema` to the application."""
    app.command(epilog=EPILOG)(schema)


def schema(
    write: Annotated[
        bool, typer.Option("--write", help="Write it to .opsctl/schema.json of the workspace.")
    ] = False,
    where: Where = None,
) -> None:
    """Print the JSON Schema of opsctl.yaml and its further files."""
    from opsctl.finding import find
    from opsctl.starting import SCHEMA, schema_text
    from opsctl.world import this_world
    from opsctl.writing import write_whole

    if not write:
        emit(this_world(), schema_text())
        return
    path = find(where) / SCHEMA
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, schema_text())
    emit(this_world(), f"wrote {path}\n")
