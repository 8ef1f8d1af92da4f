"""A workspace as it was last understood, taken again for as long as nothing that it came of has changed.

It is kept where only this user writes, never in a checkout, and may be deleted at any time.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
import time
from binascii import crc32
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.finding import FILE, PAGE, PAGES, matching
from opsctl.plain_files import check_plain

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
# A machine that builds has a folder, and so a workspace, for every build.
_MOST = 100
_LARGEST = 64 * 1024 * 1024
# All that is ours in a folder that may be somebody's project.
_OURS = re.compile(r"[0-9a-f]{8}(\.light)?\.(workspace|\d+\.tmp)")


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
    """Its file in the user's own cache, by the convention of XDG; None where there is none to be trusted."""
    own = environ.get("XDG_CACHE_HOME")
    home = Path(own) if own else Path(environ.get("HOME", "")) / ".cache"
    if not home.is_absolute():
        return None
    place = home / "opsctl"
    try:
        if not _is_own(place) or Path(os.path.realpath(place)).is_relative_to(_checkout(folder)):
            return None
    except OSError:
        return None
    return place / f"{crc32(os.fsencode(folder)):08x}{'.light' if light else ''}.workspace"


def _is_own(place: Path) -> bool:
    """Whether only this user writes to a folder, or may make it where nobody else is at home."""
    user = os.geteuid()
    try:
        about = place.lstat()
    except OSError:
        # Root with the home of another would leave them a cache that they cannot write to.
        above = next(path for path in place.parents if path.exists())
        return above.stat().st_uid in {user, 0}
    return S_ISDIR(about.st_mode) and about.st_uid == user and not about.st_mode & 0o022


def _checkout(folder: Path) -> Path:
    """The checkout that the workspace is in, from which anything may come; its file where it is in none."""
    tops = (path for path in (folder, *folder.parents) if (path / ".git").exists())
    # Below a file there is nothing.
    return next(tops, folder / FILE)


def _origin(
    folder: Path, environ: Mapping[str, str], include: Sequence[str], code: Sequence[str], *, light: bool
) -> _Origin:
    """What a workspace with these globs comes of now, read by the code in these files.

    A service may name any page of a procedure; one that is not included is not read. Checks read none.
    """
    read = {folder / FILE: None, **dict.fromkeys(matching(folder, include))}
    paths = [*read, *(path for path in matching(folder, (PAGES,)) if path not in read)]
    return _Origin(
        store=environ.get("OPSCTL_DB", ""),
        python=sys.version,
        machine=_machine(environ),
        code=_stamps(code),
        include=tuple(include),
        files=tuple(
            (str(path), b"" if path not in read or (light and path.suffix == PAGE) else _content(path))
            for path in paths
        ),
    )


def _content(path: Path) -> bytes:
    check_plain(path)
    return path.read_bytes()


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
    # Images and packages give all files one time, and an update need not change a size.
    return tuple((path, one.st_ctime_ns, one.st_size) for path, one in found)


def _recall(place: Path, folder: Path, environ: Mapping[str, str], *, light: bool) -> Workspace | None:
    """What is kept, where it came of just what there is now; None in any doubt."""
    try:
        whole = _whole(place)
    except OSError:
        return None
    data = whole[_SUM:]
    if not data or whole[:_SUM] != _sum(data):
        return None
    try:
        return _fitting(data, folder, environ, light=light)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, what was written is still there to be read
        return None


def _whole(place: Path) -> bytes:
    """All of a file that only this user writes; empty for whatever else is there, which is not waited for."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(handle)
        # What others may write could be anything.
        own = S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077
        return os.read(handle, about.st_size) if own and about.st_size <= _LARGEST else b""
    finally:
        os.close(handle)


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
    if len(data) + _SUM > _LARGEST:
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    # A killed process of this number may have left one, and a link there would lead elsewhere.
    draft.unlink(missing_ok=True)
    try:
        with open(draft, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(_sum(data) + data)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    _sweep(place.parent)


def _sum(data: bytes) -> bytes:
    return crc32(data).to_bytes(_SUM, "big")


def _sweep(folder: Path) -> None:
    """Delete what was kept of workspaces that may be gone, and what a killed process left."""
    now = time.time()
    ours = (path for path in folder.iterdir() if _OURS.fullmatch(path.name))
    # A clock that was put back has left some of later than now.
    ages = sorted((abs(now - path.stat().st_mtime), path) for path in ours)
    for number, (age, path) in enumerate(ages):
        if number >= _MOST or age > _FORGOTTEN:
            path.unlink(missing_ok=True)
