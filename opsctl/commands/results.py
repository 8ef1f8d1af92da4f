"""`opsctl results`: results of several places, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands.console import emit, open_workspace, opened, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.options import Format, Out, Quiet, Selectors, Where

EPILOG = """Examples:

\b
  opsctl results export --place berlin --since 1h --out berlin.ndjson
  opsctl results import berlin.ndjson rome.ndjson
  ssh rome opsctl results export --since 10m | opsctl results import -
  opsctl results quorum tier:critical --quorum 2
"""
Place = Annotated[
    str | None,
    typer.Option("--place", metavar="NAME", help="What this machine is called; the host's name by default."),
]


def register(app: typer.Typer) -> None:
    """Add the group `results` to the application."""
    group = add_group(app, "results", "Put results of several places together.", EPILOG)
    group.command()(export)
    group.command("import")(import_)
    group.command()(quorum)


def export(
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Results since then.")] = "30d",
    place: Place = None,
    out: Out = None,
    where: Where = None,
) -> None:
    """Write this machine's results as lines of JSON to import elsewhere; exits 3 where there are none."""
    from opsctl.pooling import exported, this_place
    from opsctl.world import this_world

    world = this_world()
    lines = exported(open_workspace(where, world.environ, light=True), since, this_place(place), world.now)
    if out is None:
        world.stdout.writelines(lines)
    else:
        emit(world, "".join(lines), out)


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="What other places exported; `-` for standard input.", metavar="FILE..."),
    ],
    where: Where = None,
) -> None:
    """Keep results of other places, apart from this machine's own; exits 1 where a line was refused."""
    from opsctl.formats.pooling import write_notes, write_taken
    from opsctl.pooling import take_in
    from opsctl.world import this_world

    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    whole = True
    for file in files:
        taken = take_in(workspace, file, world.stdin, world.now)
        emit(world, write_taken(taken))
        world.stderr.write(write_notes(taken))
        whole = whole and taken.whole
    raise typer.Exit(0 if whole else 1)


def quorum(
    selectors: Selectors = None,
    places: Annotated[
        int, typer.Option("--quorum", min=1, max=1000, help="How many places must see it down.")
    ] = 2,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Name places as silent that were heard since then.")
    ] = "1h",
    place: Place = None,
    output: Format = "text",
    quiet: Quiet = False,
    where: Where = None,
) -> None:
    """Say what is down for enough places, up, or heard of by too few; exits as `opsctl check`."""
    from opsctl.formats.pooling import write
    from opsctl.pooling import pool, this_place

    world, workspace = opened(where, output, ("text", "json"))
    found = pool(workspace, selectors or (), places, since, this_place(place), world.now)
    emit(world, write(found, output, reader_of(world, quiet=quiet)))
    raise typer.Exit(found.exit_code)
