"""`opsctl search`: find what was written about something before."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of, opened, reader_of
from opsctl.commands.options import Format, Where

EPILOG = """Examples:

\b
  opsctl search connection pool          what holds both words
  opsctl search '"connection pool"'      the phrase
  opsctl search 'replica*' --kind incident --since 90d
  opsctl search timeout -s api -o json

Searched are incidents, notes, reviews, the backlog and every Markdown file of the workspace.
"""


def register(app: typer.Typer) -> None:
    """Add `search` to the application."""
    app.command(epilog=EPILOG)(search)


def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="What to search for.", metavar="[WORD]...")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="incident, note, review, item or document.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("-s", "--service", metavar="SERVICE", help="Only what is about it.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only since then, as 90d or a date.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many of the best.")] = 20,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Find what was written before: lessons, incidents, notes, improvements, documents."""
    from opsctl.formats.search import remarks, write
    from opsctl.moments import moment
    from opsctl.searching import KINDS, with_standing
    from opsctl.searching import search as find
    from opsctl.store.search_index import Filter

    world, workspace = opened(where, output, ("text", "json"))
    began = float("-inf") if since is None else moment(since, world.now, workspace.timezone, "--since")
    wanted = Filter(None if kind is None else one_of("--kind", kind, KINDS), service, began, limit)
    tell = (lambda said: world.stderr.write(f"{said} ...\n")) if world.interactive else None
    found = with_standing(find(workspace, " ".join(words or ()), wanted, tell), workspace, world.now)
    emit(world, write(found, output, workspace.timezone, reader_of(world)))
    if not found.hits and service is not None:
        from opsctl.selecting import known_services

        known_services(workspace.services, [service])
    if output == "text":
        world.stderr.write(remarks(found))
    raise typer.Exit(0 if found.hits else 1)
