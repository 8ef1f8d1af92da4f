"""`opsctl history`: how checks stood over a time."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, opened, reader_of
from opsctl.commands.options import Format, Selectors, Where

EPILOG = """Examples:

\b
  opsctl history                     the last 7 days of everything
  opsctl history api/health --since 30d
  opsctl history tier:critical --since 2026-11-01 --until 2026-11-08 -o json
"""


def register(app: typer.Typer) -> None:
    """Add `history` to the application."""
    app.command(epilog=EPILOG)(history)


def history(
    selectors: Selectors = None,
    since: Annotated[
        str,
        typer.Option("--since", metavar="TIME", help="A time ago, as 7d, or a time in the workspace's zone."),
    ] = "7d",
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", help="The end, in the same forms.")
    ] = "now",
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show states, outages, availability by time and latencies; time without data is shown apart."""
    from opsctl.formats.history import write
    from opsctl.history import history_of

    world, workspace = opened(where, output, ("text", "json"))
    past = history_of(workspace, selectors or (), since, until, world.now)
    emit(world, write(past, output, reader_of(world)))
