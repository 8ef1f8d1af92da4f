"""What commands do at the console: open the workspace, ask, and write the answer."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from opsctl.errors import RefusedError, UsageError
from opsctl.prose import suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.formats import Output
    from opsctl.world import World


def open_workspace(where: Path | None, environ: Mapping[str, str], *, light: bool = False) -> Workspace:
    """The workspace that a command acts on; `light` for what needs services and settings only."""
    from opsctl.compiling import load_compiled
    from opsctl.finding import find

    workspace = load_compiled(find(where), environ, light=light)
    # It stays until the end, so that looking through it for garbage, again and again, finds nothing.
    gc.freeze()
    return workspace


def opened(
    where: Path | None, output: str, formats: Collection[str], *, light: bool = True
) -> tuple[World, Workspace]:
    """The machine and the workspace that a command acts on; UsageError for another output."""
    from opsctl.world import this_world

    one_of("--output", output, formats)
    world = this_world()
    return world, open_workspace(where, world.environ, light=light)


def one_of(option: str, value: str, allowed: Collection[str]) -> str:
    """`value`, where it is allowed; UsageError otherwise."""
    if value not in allowed:
        raise UsageError(f"`{option} {value}` is not one of {ticked(allowed)}{suggestion(value, allowed)}")
    return value


def confirm(world: World, question: str, *, yes: bool) -> None:
    """Ask before something is done, unless `yes`; RefusedError where the answer is not yes.

    Raises UsageError, which names `--yes`, where nobody can be asked.
    """
    if yes:
        return
    if not world.interactive:
        raise UsageError(f"nobody can be asked `{question}` here; add `--yes` to do it")
    world.stderr.write(f"{question} [y/N] ")
    world.stderr.flush()
    if world.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise RefusedError("the answer was not yes, so nothing was done")


def asked(world: World, value: str | None, question: str, way: str) -> str:
    """`value`, or what a person answers where it is missing; empty where they answer nothing.

    Raises UsageError, which says `way` to give it, where nobody can be asked.
    """
    if value is not None:
        return value
    if not world.interactive:
        raise UsageError(f"{question} is missing; {way}")
    world.stderr.write(f"{question}: ")
    world.stderr.flush()
    return world.stdin.readline().strip()


def reader_of(world: World, *, quiet: bool = False, explain: bool = False, to_file: bool = False) -> Output:
    """Who reads standard output: a person at a terminal, or a program."""
    from opsctl.formats import Output

    terminal = world.stdout.isatty() and not to_file
    return Output(
        colour=terminal and world.coloured(world.stdout),
        width=_columns(world) if terminal else None,
        ascii="utf" not in (world.stdout.encoding or "").lower(),
        quiet=quiet,
        explain=explain,
        environ=world.environ,
    )


def _columns(world: World) -> int:
    import shutil

    return shutil.get_terminal_size((80, 24)).columns if world.stdout.isatty() else 80


def none_found(noun: str, *, everything: bool) -> str:
    """What to say where a list is empty, with the way to more where there is one."""
    return f"no {noun} fits\n" if everything else f"no {noun}; --all shows every one\n"


def emit(world: World, text: str, out: Path | None = None) -> None:
    """Write an answer to standard output, or to a file as a whole."""
    if out is not None:
        from opsctl.writing import write_whole

        write_whole(out, text)
    elif text:
        world.stdout.write(text)
        world.stdout.flush()
