"""`opsctl log`: who decided what, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, opened, reader_of
from opsctl.commands.options import Where

EPILOG = """Examples:

\b
  opsctl log                            the newest 50 events, the newest last
  opsctl log INC-7 --undone             all that was ever decided on INC-7
  opsctl log --actor alice --since 1d
  opsctl log --kind 'incident.*' -o csv
  opsctl log --command 31 -o json       one command, with the seals of its events

Times are shown in the time zone of the workspace.
"""


def register(app: typer.Typer) -> None:
    """Add `log` to the application."""
    app.command(epilog=EPILOG)(log)


def log(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(help="Incidents, reviews or backlog items, as INC-7.", metavar="[SUBJECT]..."),
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="NAME", help="Only what this person did.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only incident.resolved, or incident.*.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Recorded since, as 2h, 14:54 or a date.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Recorded until, in the same forms.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="N", help="Only what this command did.")
    ] = None,
    undone: Annotated[bool, typer.Option("--undone", help="Also what was undone, marked so.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="How many of the newest; 0 for all.")
    ] = 50,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json, ndjson or csv.")
    ] = "text",
    where: Where = None,
) -> None:
    """Show who decided what and when: every event, as it was recorded."""
    from opsctl.event_log import look_up
    from opsctl.formats.log import write
    from opsctl.store.entries import Wanted

    world, workspace = opened(where, output, ("text", "json", "ndjson", "csv"), light=False)
    wanted = Wanted(actor=actor, kind=kind, undone=undone, limit=limit)
    looked = look_up(workspace, world.now, subjects or (), since, until, command, wanted)
    emit(world, write(looked, output, reader_of(world)))
    if output == "text":
        world.stderr.writelines(f"{hint}\n" for hint in looked.hints)
