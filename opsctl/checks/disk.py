"""The `disk` check: how full a file system is, as `df` counts it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask


@dataclass(frozen=True, kw_only=True)
class DiskCheck:
    """Look at the file system that a path is on."""

    path: Annotated[
        str, NotEmpty(), Doc("A folder or file on it; the workspace's folder is the base of a relative path.")
    ]

    SHORTHAND: ClassVar[str] = "path"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "used_percent": Subject(
            Kind.PERCENT, "What is used of the space that is not kept for root.", Cause.USAGE
        ),
        "free": Subject(Kind.SIZE, "The space that is free for ordinary users.", Cause.USAGE),
        "used": Subject(Kind.SIZE, "The space that is used.", Cause.USAGE),
        "total": Subject(Kind.SIZE, "The whole space, with what is kept for root.", Cause.USAGE),
        "inodes_used_percent": Subject(
            Kind.PERCENT, "What is used of the inodes, where the file system counts them.", Cause.USAGE
        ),
        "read_only": Subject(Kind.BOOLEAN, "Whether nothing can be written to it."),
        "mounted": Subject(
            Kind.BOOLEAN,
            "Whether the path itself is a mount point, so that its disk is there at all.",
            Cause.MISSING,
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("used_percent < 90%",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "\0" in self.path:
            yield "path", "a path cannot hold a NUL character"

    def target(self) -> str:
        """The path as it is written."""
        return self.path

    def probe(self, ask: Ask) -> Observation:
        """Ask the file system for its figures."""
        path = ask.root / self.path
        try:
            figures = os.statvfs(path)
            mounted = path.is_mount()
        except FileNotFoundError:
            return Observation(failure=Failure(Cause.MISSING, f"{path} does not exist"))
        except PermissionError:
            words = f"{path} cannot be reached; let the user that runs opsctl enter its folders"
            return Observation(failure=Failure(Cause.PERMISSION, words))
        except OSError as error:
            return Observation(failure=Failure(Cause.UNREACHABLE, f"{path}: {error.strerror}"))
        values: dict[str, Value] = {
            "read_only": bool(figures.f_flag & os.ST_RDONLY),
            "mounted": mounted,
            **dict(_space(figures)),
            **dict(_inodes(figures)),
        }
        if "used_percent" in values:
            return Observation(values)
        return Observation(values, Failure(Cause.UNSUPPORTED, f"{path} is on a file system without a size"))


def _space(figures: os.statvfs_result) -> Iterator[tuple[str, Value]]:
    used = figures.f_blocks - figures.f_bfree
    if used + figures.f_bavail > 0:
        yield "used_percent", 100 * used / (used + figures.f_bavail)
        yield "used", used * figures.f_frsize
        yield "free", figures.f_bavail * figures.f_frsize
        yield "total", figures.f_blocks * figures.f_frsize


def _inodes(figures: os.statvfs_result) -> Iterator[tuple[str, Value]]:
    used = figures.f_files - figures.f_ffree
    if figures.f_files > 0 and used + figures.f_favail > 0:
        yield "inodes_used_percent", 100 * used / (used + figures.f_favail)
