"""`opsctl routine export`: what other schedulers are told, and whether they still are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import emit, one_of
from opsctl.commands.deciding import desk_at
from opsctl.commands.options import Where
from opsctl.errors import ExitCode, OutputError, UsageError
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.commands.deciding import Desk
    from opsctl.formats.schedulers import Site
    from opsctl.scheduler_exports import Target

EPILOG = """Examples:

\b
  opsctl routine export crontab --program /usr/local/bin/opsctl
  opsctl routine export systemd --out /etc/systemd/system
  opsctl routine export kubernetes --image registry.example.com/opsctl:1 --each
  crontab -l | opsctl routine export crontab --check -

One entry runs everything that is due, every five minutes; that is all a machine needs. With `--each` every
routine has an entry at its own times, for several machines. What a scheduler cannot say is run more often,
which does nothing when nothing is due. What is worth knowing of it goes to standard error.

`--check` exits 1 where something that is run, or a time, differs; other lines of a file are its owner's.
"""


def register(group: typer.Typer) -> None:
    """Add `export` to the group `routine`."""
    group.command(epilog=EPILOG)(export)


def export(
    target: Annotated[
        str, typer.Argument(metavar="SCHEDULER", help="crontab, systemd, github, gitlab or kubernetes.")
    ],
    each: Annotated[bool, typer.Option("--each", help="An entry for every routine, at its times.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Write this file; for systemd, this folder.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="PATH", help="Compare with this file, or `-`; for systemd, folder."),
    ] = None,
    program: Annotated[
        str, typer.Option("--program", metavar="NAME", help="What opsctl is called there.")
    ] = "opsctl",
    folder: Annotated[
        str | None, typer.Option("--folder", metavar="DIR", help="Where the workspace is there.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="IMAGE", help="A container image that has opsctl.")
    ] = None,
    where: Where = None,
) -> None:
    """Write what another scheduler needs to run routines, or check that it still has it."""
    from opsctl.formats.schedulers import command, write
    from opsctl.scheduler_exports import TARGETS, differences, entries_of

    wanted = next(one for one in TARGETS if one == one_of("scheduler", target, TARGETS))
    if out is not None and check is not None:
        raise UsageError("`--out` and `--check` exclude each other; leave one out")
    desk = desk_at(where, "text", light=False)
    entries, notes = entries_of(desk.workspace, wanted, desk.world.now, program, each=each)
    files = write(wanted, entries, _site(desk, wanted, program, folder, image))
    if check is None:
        desk.world.stderr.writelines(f"note: {line(one)}\n" for one in notes)
        return _put(desk, files, out)
    found = differences(check, files, desk.world.stdin, command(wanted, entries))
    emit(desk.world, "".join(f"{one}\n" for one in found))
    raise typer.Exit(ExitCode.NO if found else ExitCode.YES)


def _site(desk: Desk, target: Target, program: str, folder: str | None, image: str | None) -> Site:
    from opsctl.formats.schedulers import Site

    if image is None and target in {"gitlab", "kubernetes"}:
        raise UsageError(f"{target} runs containers; name an image that has opsctl with `--image`")
    if target == "systemd" and set(program) & set("\"'\\"):
        raise UsageError("systemd runs no program whose name has a quote or a backslash; name another")
    root, store = desk.workspace.root.resolve(), desk.workspace.store.resolve()
    kept = store.relative_to(root).parts[0] if store.is_relative_to(root) else ".opsctl"
    usual = {"crontab": str(root), "systemd": str(root), "kubernetes": "/ops"}
    there = usual.get(target, _in_repository(root)) if folder is None else folder
    return Site(program, there, kept, image)


def _in_repository(root: Path) -> str:
    """Where a folder is in the git repository that it is in; empty for its top."""
    tops = (top for top in (root, *root.parents) if (top / ".git").exists())
    inside = root.relative_to(next(tops, root)).as_posix()
    return "" if inside == "." else inside


def _put(desk: Desk, files: Mapping[str, str], out: Path | None) -> None:
    """Write files to standard output, to one file, or where they have names to a folder."""
    from opsctl.formats.schedulers import joined

    if out is None or "" in files:
        return emit(desk.world, joined(files), out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made: {error.strerror}; name another folder") from error
    for name, text in files.items():
        emit(desk.world, text, out / name)
    return None
