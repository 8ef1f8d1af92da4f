"""`opsctl demo`: the tour that a newcomer finishes in five minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

\b
  opsctl demo                 in the new folder `opsctl-demo`
  opsctl demo tour --auto     in the new folder `tour`, without waiting

Ctrl-C ends it, and the shop with it. The folder stays; `./shop` in it opens the shop again.
"""


def register(app: typer.Typer) -> None:
    """Add `demo` to the application."""
    app.command(epilog=EPILOG)(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where; a folder that is not there yet.")] = Path(
        "opsctl-demo"
    ),
    auto: Annotated[bool, typer.Option("--auto", help="Wait for nobody.")] = False,
) -> None:
    """Open a small shop on this machine, break it, and show what opsctl is for, in five minutes."""
    from opsctl.touring import tour
    from opsctl.world import this_world

    tour(folder, this_world(), auto=auto)
