"""The `file` check: whether a file is there, how old and how large it is, and what is in it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask

_LONGEST_CONTENT = 1024 * 1024
_CHUNK = 1024 * 1024
# A file may be written while the checks run, and a file server's clock is not quite ours.
_SKEW = 60.0
_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


@dataclass(frozen=True, kw_only=True)
class FileCheck:
    """Look at a file, or at the newest of those that a pattern matches."""

    path: Annotated[
        str,
        NotEmpty(),
        Doc("The file or folder, or a pattern with `*`, `?`, `[...]` or `**`; relative to the workspace's folder."),
    ]
    which: Annotated[
        Literal["newest", "oldest"], Doc("Which of the files that a pattern matches is looked at.")
    ] = "newest"

    SHORTHAND: ClassVar[str] = "path"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "exists": Subject(Kind.BOOLEAN, "Whether it is there; a link to nothing is not.", Cause.MISSING),
        "count": Subject(Kind.NUMBER, "How many files a pattern matches; how many entries a folder has."),
        "age": Subject(Kind.DURATION, "Since it was last written.", Cause.STALE),
        "size": Subject(Kind.SIZE, "The file's size."),
        "total_size": Subject(Kind.SIZE, "The sizes of all the files that match together."),
        "mode": Subject(Kind.TEXT, 'The permissions in octal: "0644".'),
        "owner": Subject(Kind.TEXT, "The owner's name, or number where there is no name."),
        "group": Subject(Kind.TEXT, "The group's name, or number where there is no name."),
        "type": Subject(Kind.TEXT, '"file", "directory", "link", "fifo", "socket" or "device".'),
        "sha256": Subject(Kind.TEXT, "The SHA-256 digest of the content in lower-case hexadecimal."),
        "content": Subject(Kind.TEXT, "The content as text, up to 1 MiB."),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("exists == true",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "\0" in self.path:
            yield "path", "a path cannot hold a NUL character"

    def target(self) -> str:
        """The path or pattern as it is written."""
        return self.path

    def probe(self, ask: Ask) -> Observation:
        """Look at the file, and into it only where that is wanted."""
        deadline = time.monotonic() + ask.timeout
        try:
            return self._look(ask, deadline)
        except TimeoutError:
            return Observation(failure=Failure(Cause.TIMEOUT, f"not done within {ask.timeout:g} s"))
        except OSError as error:
            return Observation(failure=_unreadable(error))

    def _look(self, ask: Ask, deadline: float) -> Observation:
        is_pattern = any(mark in self.path for mark in "*?[")
        path = str(ask.root / self.path)
        found = list(_matching(path, deadline)) if is_pattern else list(_one(path))
        if not found:
            return Observation(*_missing(path, is_pattern=is_pattern))
        found.sort(key=lambda one: (one.status.st_mtime, one.path))
        chosen = found[-1 if self.which == "newest" else 0]
        values: dict[str, Value] = {"exists": True, "count": len(found), **_facts(chosen, ask.wanted)}
        if not is_pattern and stat.S_ISDIR(chosen.status.st_mode):
            del values["count"]
            if "count" in ask.wanted:
                values["count"] = _entries(chosen.path, deadline)
        else:
            values["total_size"] = sum(one.status.st_size for one in found if stat.S_ISREG(one.status.st_mode))
        evidence: dict[str, Value] = {"path": chosen.path, "modified": _instant(chosen.status.st_mtime)}
        age = ask.now - chosen.status.st_mtime
        if age >= -_SKEW:
            values["age"] = max(0.0, age)
        else:
            evidence["age"] = "unknown: it was written in the future by this machine's clock"
        failure = _read(chosen, ask.wanted, values, deadline)
        return Observation(values, failure, evidence)


class _Found(NamedTuple):
    path: str
    status: os.stat_result
    linked: bool


def _one(path: str) -> Iterator[_Found]:
    try:
        linked = stat.S_ISLNK(Path(path).lstat().st_mode)
        yield _Found(path, Path(path).stat(), linked)
    except (FileNotFoundError, NotADirectoryError):
        return


def _matching(pattern: str, deadline: float) -> Iterator[_Found]:
    from glob import iglob

    for path in iglob(pattern, recursive=True, include_hidden=True):  # noqa: PTH207 - keeps absolute patterns
        _in_time(deadline)
        yield from _one(path)


def _missing(path: str, *, is_pattern: bool) -> tuple[dict[str, Value], Failure]:
    parent = Path(path)
    if is_pattern:
        parent = next(folder for folder in parent.parents if not any(mark in str(folder) for mark in "*?["))
        if parent.is_dir():
            # A folder that may not be listed matches nothing, which says nothing about what is in it.
            with os.scandir(parent):
                pass
        words = f"no file matches {path}"
    elif Path(path).is_symlink():
        words = f"{path} is a link to {Path(path).readlink()}, which does not exist"
    else:
        words = f"{path} does not exist"
    return {"exists": False, "count": 0, "total_size": 0}, Failure(Cause.MISSING, words)


def _facts(found: _Found, wanted: frozenset[str]) -> Iterator[tuple[str, Value]]:
    raise NotImplementedError
