"""`opsctl export`: take your checks along."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of, open_workspace
from opsctl.commands.options import Out, Selectors, Where

EPILOG = """Examples:

\b
  opsctl export prometheus-rules --out /etc/prometheus/rules/opsctl.yml
  opsctl export gatus tier:critical --out gatus.yaml
  opsctl export blackbox --out blackbox.yml
  opsctl export blackbox-targets --out targets/opsctl.yml
"""


def register(app: typer.Typer) -> None:
    """Add `export` to the application."""
    app.command(epilog=EPILOG)(export)


def export(
    target: Annotated[
        str, typer.Argument(help="prometheus-rules, gatus, blackbox or blackbox-targets.", metavar="TARGET")
    ],
    selectors: Selectors = None,
    out: Out = None,
    where: Where = None,
) -> None:
    """Write the checks as a file of another tool; exits 1 where it cannot say all of them."""
    from opsctl.exporters import TARGETS
    from opsctl.exporting import as_yaml, give
    from opsctl.formats.exporting import write_lost
    from opsctl.world import this_world

    one_of("TARGET", target, TARGETS)
    world = this_world()
    found = give(open_workspace(where, world.environ, light=True), target, selectors or ())
    emit(world, as_yaml(found, target), out)
    world.stderr.write(write_lost(found))
    raise typer.Exit(1 if found.lost else 0)
