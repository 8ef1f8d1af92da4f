"""`opsctl import`: bring your checks along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of
from opsctl.commands.options import Out

EPILOG = """Examples:

\b
  opsctl import gatus config.yaml --out services/gatus.yaml
  opsctl import goss goss.yaml                  the YAML, and a note on every line on standard error
  opsctl import uptime-kuma kuma.db -o json

Every line says what it became, or why not; and what passed there when it must not. Then: opsctl check --prove
"""


def register(app: typer.Typer) -> None:
    """Add `import` to the application."""
    app.command("import", epilog=EPILOG)(import_)


def import_(
    tool: Annotated[
        str, typer.Argument(help="gatus, goss, uptime-kuma, blackbox or nagios.", metavar="TOOL")
    ],
    file: Annotated[Path, typer.Argument(help="Its configuration.", metavar="FILE")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="yaml, or json with the notes.")
    ] = "yaml",
    out: Out = None,
) -> None:
    """Write the checks of another tool as YAML of a workspace; exits 1 where something of them was lost."""
    from opsctl.formats.importing import write_json, write_notes
    from opsctl.importers import TOOLS
    from opsctl.importing import as_yaml, take
    from opsctl.world import this_world

    one_of("TOOL", tool, TOOLS)
    one_of("--output", output, ("yaml", "json"))
    world = this_world()
    found = take(tool, file)
    emit(world, write_json(found) if output == "json" else as_yaml(found, tool), out)
    if output == "yaml":
        world.stderr.write(write_notes(found))
    raise typer.Exit(1 if any(one.lost for one in found.notes) else 0)
