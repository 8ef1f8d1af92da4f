"""A workspace as it was last understood, taken again for as long as nothing that it came of has changed.

It is kept where only this user writes, never in a checkout, and may be deleted at any time.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from binascii import crc32
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.finding import FILE, PAGE, PAGES, matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Workspace

# Where systems keep the time zones that a workspace may name.
_ZONES = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
_SUM = 4
# Code that was changed later than a moment before (nanoseconds) may not be the code that runs.
_CODE_IS_OF = time.time_ns() - 1_000_000_000
# What was kept this long ago (seconds) may be of a workspace that is gone; keeping another sweeps it away.
_FORGOTTEN = 30 * 86400.0


class _Origin(NamedTuple):
    """All that a workspace comes of, with every byte of its files; equal ones mean equal workspaces."""

    store: str
    python: str
    machine: tuple[tuple[str, int], ...]
    code: tuple[tuple[str, int, int], ...]
    include: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]


class _Before(NamedTuple):
    """What must still be so when a workspace has been read."""

    machine: tuple[tuple[str, int], ...]
    pages: list[Path]


def load_compiled(folder: Path, environ: Mapping[str, str], *, light: bool = False) -> Workspace:
    """The workspace in `folder` as `load_workspace` reads it, from what is kept where that is the same.

    Raises WorkspaceInvalidError with every problem where it is not valid, which is never kept.
    """
    place = _place(folder, environ, light=light)
    found = _recall(place, folder, environ, light=light) if place else None
    if found is not None:
        return found
    from opsctl.workspace import load_workspace

    before, read = _Before(_machine(environ), matching(folder, (PAGES,))), dict[str, bytes]()

    def read_bytes(path: Path) -> bytes:
        return read.setdefault(str(path), path.read_bytes())

    workspace = load_workspace(folder, environ, light=light, read_bytes=read_bytes)
    if place is not None:
        # Nobody waits for it: what cannot be kept is read again.
        with suppress(Exception):
            origin = _origin(folder, environ, workspace.include, _code(), light=light)
            if _steady(origin, workspace, read, before):
                _keep(place, origin, workspace)
    return workspace


def _place(folder: Path, environ: Mapping[str, str], *, light: bool) -> Path | None:
    """Its file in the user's own cache, by the convention of XDG; None where the user has none."""
    own = environ.get("XDG_CACHE_HOME")
    home = Path(own) if own else Path(environ.get("HOME", "")) / ".cache"
    if not home.is_absolute():
        return None
    name = f"{crc32(os.fsencode(folder)):08x}{'.light' if light else ''}.workspace"
    return home / "opsctl" / name


def _origin(
    folder: Path, environ: Mapping[str, str], include: Sequence[str], code: Sequence[str], *, light: bool
) -> _Origin:
    """What a workspace with these globs comes of now, read by the code in these files.

    A service may name any page of a procedure, also one that is not included; checks read none.
    """
    paths = [folder / FILE, *matching(folder, (*include, PAGES))]
    return _Origin(
        store=environ.get("OPSCTL_DB", ""),
        python=sys.version,
        machine=_machine(environ),
        code=_stamps(code),
        include=tuple(include),
        files=tuple(
            (str(path), b"" if light and path.suffix == PAGE else path.read_bytes()) for path in paths
        ),
    )


def _machine(environ: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """When libraries or time zones last came or went, which decide what can be read."""
    zones = environ.get("PYTHONTZPATH")
    places = [*sys.path, *_ZONES, *(zones.split(os.pathsep) if zones else ())]
    return tuple((place, _changed(place)) for place in places)


def _changed(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _code() -> list[str]:
    """The files of this project's code that is in use."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == __package__]
    return [module.__file__ for module in modules if module.__file__]


def _stamps(paths: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    found = ((path, os.stat(path)) for path in paths)  # noqa: PTH116 - of a hundred files, at every start
    return tuple((path, one.st_mtime_ns, one.st_size) for path, one in found)


def _recall(place: Path, folder: Path, environ: Mapping[str, str], *, light: bool) -> Workspace | None:
    """What is kept, where it came of just what there is now; None in any doubt."""
    try:
        with place.open("rb") as file:
            about = os.fstat(file.fileno())
            # What others may write could be anything.
            if about.st_uid != os.geteuid() or about.st_mode & 0o077:
                return None
            told, data = file.read(_SUM), file.read()
    except OSError:
        return None
    if told != _sum(data):
        return None
    try:
        return _fitting(data, folder, environ, light=light)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, what was written is still there to be read
        return None


def _fitting(data: bytes, folder: Path, environ: Mapping[str, str], *, light: bool) -> Workspace | None:
    size = int.from_bytes(data[:_SUM], "big")
    kept = _Origin(*pickle.loads(data[_SUM : _SUM + size]))  # noqa: S301 - our own file, that nobody else may write
    now = _origin(folder, environ, kept.include, [path for path, _, _ in kept.code], light=light)
    return cast("Workspace", pickle.loads(data[_SUM + size :])) if now == kept else None  # noqa: S301 - as above


def _steady(origin: _Origin, workspace: Workspace, read: Mapping[str, bytes], before: _Before) -> bool:
    """Whether what was read is what is there, and was so all the time."""
    return (
        max(changed for _, changed, _ in origin.code) <= _CODE_IS_OF
        and _Before(origin.machine, matching(workspace.root, (PAGES,))) == before
        and matching(workspace.root, workspace.include) == [*workspace.files[1:]]
        and all(read.get(path, data) == data for path, data in origin.files)
    )


def _keep(place: Path, origin: _Origin, workspace: Workspace) -> None:
    """Keep it in place of what was kept."""
    head = pickle.dumps(tuple(origin))
    data = len(head).to_bytes(_SUM, "big") + head + pickle.dumps(workspace)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    try:
        with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(_sum(data) + data)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    _sweep(place.parent)


def _sum(data: bytes) -> bytes:
    return crc32(data).to_bytes(_SUM, "big")


def _sweep(folder: Path) -> None:
    """Delete what was kept of workspaces that may be gone, and what a killed process left."""
    oldest = time.time() - _FORGOTTEN
    for path in folder.iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
