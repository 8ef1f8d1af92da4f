"""`opsctl init`: a new workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands.options import emit

EPILOG = """Examples:

\b
  opsctl init                  in the current folder
  opsctl init ops --name Shop  in the folder `ops`
"""


def register(app: typer.Typer) -> None:
    """Add `init` to the application."""
    app.command(epilog=EPILOG)(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where; made where it is missing.")] = Path(),
    name: Annotated[
        str | None, typer.Option("--name", help="What is operated; by default the folder's name.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
) -> None:
    """Write a small, valid workspace; never overwrites one."""
    from opsctl.starting import plan, start
    from opsctl.world import this_world

    paths = plan(folder) if dry_run else start(folder, name)
    verb = "would write" if dry_run else "wrote"
    emit(
        this_world(),
        "".join(f"{verb} {path}\n" for path in paths) + ("" if dry_run else "next: opsctl check\n"),
    )
