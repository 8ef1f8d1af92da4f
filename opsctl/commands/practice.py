"""`opsctl practice`: everything that is claimed, and what of it is proven."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, opened, reader_of
from opsctl.commands.options import Out, Quiet, Where

EPILOG = """Examples:

\b
  opsctl practice                          every claim with its proof, what failed last
  opsctl practice api tag:prod --only stale,never,failed
  opsctl practice --by owner
  opsctl practice --min 80% --quiet        for CI: exits 1 below, 3 where nothing is claimed
  opsctl practice --trend 12w -o html --out practice.html
  opsctl practice --at 2026-10-01          as it stood then

A selector is kind:K, tag:T, owner:O, tier:T, all, or a glob of a service, a checklist or a claim's name.
"""


def register(app: typer.Typer) -> None:
    """Add `practice` to the application."""
    app.command(epilog=EPILOG)(practice)


def practice(
    selectors: Annotated[
        list[str] | None, typer.Argument(help="Which claims; all by default.", metavar="[SELECTOR]...")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHAT", help="Scores by service, owner, tag or kind.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="STATES", help="Show only these, as stale,never.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As of then.")] = None,
    trend: Annotated[
        str | None, typer.Option("--trend", metavar="WEEKS", help="The score week by week, as 12w.")
    ] = None,
    least: Annotated[
        str | None, typer.Option("--min", metavar="PERCENT", help="Which score is enough; 100% by default.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, markdown, html or json.")
    ] = "text",
    out: Out = None,
    quiet: Quiet = False,
    where: Where = None,
) -> None:
    """Show everything that is claimed, from checks to documents, with its proof, and the score of it all."""
    from opsctl.formats.practice import write
    from opsctl.practising import Asked, exit_code
    from opsctl.practising import practice as look

    world, workspace = opened(where, output, ("text", "markdown", "html", "json"), light=False)
    found = look(workspace, Asked(selectors or (), by, only, at, trend, least), world.now)
    text = write(found, output, reader_of(world, quiet=quiet, to_file=out is not None), workspace.root)
    if text:
        emit(world, text, out)
    raise typer.Exit(exit_code(found))
