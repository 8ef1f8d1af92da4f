"""The `file` check: whether a file is there, how old and how large it is, and what is in it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
_MARKS = "*?["
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
        Doc("The file or folder, or a pattern of `*`, `?`, `[...]` and `**`; by the workspace's folder."),
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
        is_pattern = any(mark in self.path for mark in _MARKS)
        found = list(_matching(self.path, ask.root, deadline) if is_pattern else _one(ask.root / self.path))
        if not found:
            missing = _no_match(self.path, ask.root) if is_pattern else _missing(ask.root / self.path)
            return Observation({"exists": False, "count": 0}, missing)
        found.sort(key=lambda one: (one.status.st_mtime, one.path))
        chosen = found[-1 if self.which == "newest" else 0]
        values: dict[str, Value] = {"exists": True, **dict(_facts(chosen, ask))}
        if is_pattern or not chosen.is_a(stat.S_IFDIR):
            values["count"] = len(found)
            values["total_size"] = sum(one.status.st_size for one in found if one.is_a(stat.S_IFREG))
        elif "count" in ask.wanted:
            values["count"] = _entries(chosen.path, deadline)
        failure = _read(chosen, ask.wanted, values, deadline)
        return Observation(values, failure, _evidence(chosen, values))


class _Found(NamedTuple):
    path: Path
    status: os.stat_result
    linked: bool

    def is_a(self, type_: int) -> bool:
        return stat.S_IFMT(self.status.st_mode) == type_


def _one(path: Path) -> Iterator[_Found]:
    try:
        yield _Found(path, path.stat(), path.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return


def _matching(pattern: str, root: Path, deadline: float) -> Iterator[_Found]:
    from glob import iglob

    for path in iglob(pattern, root_dir=root, recursive=True):  # noqa: PTH207 - Path.glob refuses `/`
        _in_time(deadline)
        yield from _one(root / path)


def _no_match(pattern: str, root: Path) -> Failure:
    plain = next(
        folder for folder in Path(pattern).parents if not any(mark in str(folder) for mark in _MARKS)
    )
    folder = root / plain
    if folder.is_dir():
        # What may not be listed matches nothing, which says nothing about what is in it.
        os.scandir(folder).close()
    return Failure(Cause.MISSING, f"no file matches {pattern}")


def _missing(path: Path) -> Failure:
    if path.is_symlink():
        return Failure(Cause.MISSING, f"{path} is a link to {path.readlink()}, which does not exist")
    return Failure(Cause.MISSING, f"{path} does not exist")


def _unreadable(error: OSError) -> Failure:
    words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, PermissionError):
        return Failure(Cause.PERMISSION, f"{words}; let the user that runs opsctl read it")
    return Failure(Cause.UNREACHABLE, words)


def _facts(found: _Found, ask: Ask) -> Iterator[tuple[str, Value]]:
    status = found.status
    yield "type", "link" if found.linked else _TYPES.get(stat.S_IFMT(status.st_mode), "other")
    yield "mode", f"{stat.S_IMODE(status.st_mode):04o}"
    if found.is_a(stat.S_IFREG):
        yield "size", status.st_size
    age = ask.now - status.st_mtime
    if age >= -_SKEW:
        yield "age", max(0.0, age)
    if "owner" in ask.wanted:
        yield "owner", _user(status.st_uid)
    if "group" in ask.wanted:
        yield "group", _group(status.st_gid)


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _entries(folder: Path, deadline: float) -> int:
    count = 0
    with os.scandir(folder) as entries:
        for _ in entries:
            _in_time(deadline)
            count += 1
    return count


def _read(found: _Found, wanted: frozenset[str], values: dict[str, Value], deadline: float) -> Failure | None:
    """Add the `sha256` and the `content` that are wanted; what is not a plain file might block for ever."""
    if not wanted & {"sha256", "content"}:
        return None
    if not found.is_a(stat.S_IFREG):
        kind = _TYPES.get(stat.S_IFMT(found.status.st_mode), "other")
        return Failure(Cause.UNSUPPORTED, f"{found.path} is not a plain file ({kind}), so it is not read")
    digest, content = _content(found.path, deadline, hashed="sha256" in wanted)
    if "sha256" in wanted:
        values["sha256"] = digest
    if "content" not in wanted:
        return None
    if len(content) > _LONGEST_CONTENT:
        words = (
            f"{found.path} has {found.status.st_size} bytes, more than the {_LONGEST_CONTENT} that are judged"
        )
        return Failure(Cause.TOO_LARGE, words)
    values["content"] = content.decode("utf-8", "replace")
    return None


def _content(path: Path, deadline: float, *, hashed: bool) -> tuple[str, bytes]:
    """The digest of the whole file, and its first bytes, one more than are judged at most."""
    from hashlib import sha256

    digest, content = sha256(), b""
    # It may have become something else since it was looked at; opening that must not block either.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a plain file any more", str(path))
        while data := file.read(_CHUNK):
            _in_time(deadline)
            digest.update(data)
            if len(content) <= _LONGEST_CONTENT:
                content += data[: _LONGEST_CONTENT + 1 - len(content)]
            elif not hashed:
                break
    return digest.hexdigest(), content


def _in_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError


def _evidence(found: _Found, values: Mapping[str, Value]) -> Mapping[str, Value]:
    evidence: dict[str, Value] = {"path": str(found.path)}
    with suppress(OverflowError, ValueError, OSError):
        modified = time.gmtime(found.status.st_mtime)
        evidence["modified"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", modified)
    if "age" not in values:
        evidence["age"] = "not known: the file is from the future by this machine's clock"
    return evidence
