"""`opsctl docs`: the documents that are owned, whether they are right, and who has read them."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.console import emit, one_of, opened, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Format, Quiet, Where

EPILOG = """Examples:

\b
  opsctl docs list --state stale
  opsctl docs lint -o github               dead links, front matter, reviews that are owed
  opsctl docs review docs/restore.md --note "tried every step"
  opsctl docs due --within 14d --quiet     for cron: exits 1 where one is due now

Which documents there are says `docs:` in opsctl.yaml; each begins with its owner and `review_every`.
"""
_File = Annotated[str, typer.Argument(help="Its path.", metavar="FILE")]


def register(app: typer.Typer) -> None:
    """Add the group `docs` to the application."""
    group = add_group(
        app, "docs", "Documents that have an owner and are reviewed: list, lint and review them.", EPILOG
    )
    group.command("list")(list_)
    group.command()(show)
    group.command()(lint)
    group.command()(review)
    group.command()(due)


def list_(
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="reviewed, stale, changed or never.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Only those of theirs.")
    ] = None,
    output: Format = "text",
    where: Where = None,
) -> None:
    """List the documents with owner, age of the last review, and state."""
    from opsctl.documenting import chosen
    from opsctl.formats.docs import write_list
    from opsctl.knowledge import STATES

    world, workspace = opened(where, output, ("text", "json"))
    wanted = None if state is None else one_of("--state", state, STATES)
    found = chosen(workspace, world.now, wanted, owner)
    emit(world, write_list(found, output, world.now, workspace.timezone, reader_of(world)))


def show(file: _File, output: Format = "text", where: Where = None) -> None:
    """Show one document with its last review."""
    from opsctl.documenting import one_of_them
    from opsctl.formats.docs import write_one

    world, workspace = opened(where, output, ("text", "json"))
    found = one_of_them(workspace, file, world.now)
    emit(world, write_one(found, output, world.now, workspace.timezone))


def lint(
    files: Annotated[
        list[str] | None, typer.Argument(help="Documents; all by default.", metavar="[FILE]...")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or github.")
    ] = "text",
    quiet: Quiet = False,
    where: Where = None,
) -> None:
    """Find dead local links, front matter that is wrong, and reviews that are owed; exits 1 with findings."""
    from opsctl.documenting import lint_code, linted
    from opsctl.formats.docs import sentence, write_lint

    world, workspace = opened(where, output, ("text", "json", "github"))
    found = linted(workspace, files or (), world.now)
    emit(world, write_lint(found, output))
    if output != "json" and not (quiet and not found.findings):
        world.stderr.write(sentence(found))
    raise typer.Exit(lint_code(found))


def review(
    files: Annotated[list[str], typer.Argument(help="Documents that were read.", metavar="FILE...")],
    by: Annotated[
        str | None, typer.Option("--reviewed-by", metavar="NAME", help="Who read them; you by default.")
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was found or tried.")] = "",
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Keep that documents were read and are right, as they are now: the record is bound to their text."""
    from opsctl.commands.deciding import desk_at
    from opsctl.documenting import review as reviewed
    from opsctl.formats.docs import write_reviewed

    desk = desk_at(where, output, dry_run=dry_run)
    kept = reviewed(desk.workspace, desk.world, files, by, note, dry_run=dry_run)
    emit(desk.world, write_reviewed(kept, output, dry_run=dry_run))


def due(
    within: Annotated[
        str | None, typer.Option("--within", metavar="LENGTH", help="Also what is due so soon, as 14d.")
    ] = None,
    output: Format = "text",
    quiet: Quiet = False,
    where: Where = None,
) -> None:
    """List the documents that are to be reviewed now, or soon; exits 1 where one is due now."""
    from opsctl.documenting import due_code, due_within
    from opsctl.formats.docs import write_list

    world, workspace = opened(where, output, ("text", "json"))
    found = due_within(workspace, world.now, within)
    if found or not quiet:
        emit(world, write_list(found, output, world.now, workspace.timezone, reader_of(world)))
    raise typer.Exit(due_code(found, world.now))
