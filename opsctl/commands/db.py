"""`opsctl db`: the store as a file: where it is, its backups, its health and its size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import emit, one_of, open_workspace
from opsctl.commands.groups import add_group
from opsctl.commands.options import Format, Out, Where

if TYPE_CHECKING:
    from opsctl.definitions import Workspace
    from opsctl.world import World

EPILOG = """Examples:

\b
  opsctl db path
  opsctl db info
  opsctl db backup /var/backups/opsctl.db
  opsctl db verify
  opsctl db restore /var/backups/opsctl.db --dry-run
  opsctl db prune
  opsctl db export --out results.ndjson
"""
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def register(app: typer.Typer) -> None:
    """Add the group `db` to the application."""
    group = add_group(app, "db", "Look after the store.", EPILOG)
    for command in (path, info, backup, restore, verify, prune, export):
        group.command()(command)


def _here(where: Path | None) -> tuple[World, Workspace]:
    from opsctl.world import this_world

    world = this_world()
    return world, open_workspace(where, world.environ)


def path(where: Where = None) -> None:
    """Print the store's path."""
    world, workspace = _here(where)
    emit(world, f"{workspace.store}\n")


def info(output: Format = "text", where: Where = None) -> None:
    """Show the store's size, versions and numbers of rows."""
    from opsctl.formats.storage import write_info
    from opsctl.store.upkeep import info as look

    one_of("--output", output, ("text", "json"))
    world, workspace = _here(where)
    emit(world, write_info(look(workspace.store), output))


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    where: Where = None,
) -> None:
    """Copy the store to a file, whole or not at all, while others may use it."""
    from opsctl.store.backups import backup as copy

    world, workspace = _here(where)
    copy(workspace.store, target, overwrite=overwrite)
    emit(world, f"wrote {target}\n")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup.")], dry_run: DryRun = False, where: Where = None
) -> None:
    """Put a backup in the store's place; the backup is verified first, and the old store is kept."""
    from opsctl.storage import require_backup
    from opsctl.store.backups import restore as put

    world, workspace = _here(where)
    require_backup(source, workspace.store)
    if dry_run:
        emit(world, f"{source} is sound and would replace {workspace.store}, which would be kept beside it\n")
        return
    kept = put(workspace.store, source, world.now)
    emit(
        world, f"restored {workspace.store} from {source}\n" + (f"the old store is {kept}\n" if kept else "")
    )


def verify(where: Where = None) -> None:
    """Check the file, its references, and that everything derived follows from the results."""
    from opsctl.storage import require_sound

    world, workspace = _here(where)
    require_sound(workspace.store, world.now)
    emit(world, f"sound: {workspace.store}\n")


def prune(
    compact: Annotated[
        bool, typer.Option("--compact", help="Give the room back to the file system.")
    ] = False,
    dry_run: DryRun = False,
    where: Where = None,
) -> None:
    """Delete what is older than `retention:` says; failures live longer than passes."""
    from opsctl.storage import prune as delete

    world, workspace = _here(where)
    emit(world, delete(workspace, world.now, compact=compact, dry_run=dry_run))


def export(out: Out = None, where: Where = None) -> None:
    """Write every result as a line of JSON."""
    from opsctl.storage import exported

    world, workspace = _here(where)
    if out is None:
        world.stdout.writelines(exported(workspace))
    else:
        emit(world, "".join(exported(workspace)), out)
