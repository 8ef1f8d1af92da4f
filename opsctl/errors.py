"""What can go wrong in opsctl itself: each error carries its data, its words and its exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.composing import Problem


class ExitCode(IntEnum):
    """The exit codes of every command; where several apply, `worst` decides."""

    YES = 0
    NO = 1
    USAGE = 2
    UNKNOWN = 3
    WAITING = 4
    CONFIG = 5
    STORE = 6
    INTERRUPTED = 130
    TERMINATED = 143


_PRECEDENCE = (
    ExitCode.CONFIG,
    ExitCode.STORE,
    ExitCode.USAGE,
    ExitCode.NO,
    ExitCode.UNKNOWN,
    ExitCode.WAITING,
)


def worst(codes: Sequence[ExitCode]) -> ExitCode:
    """The code to exit with where several apply; `YES` where none does."""
    return next((code for code in _PRECEDENCE if code in codes), ExitCode.YES)


class OpsctlError(Exception):
    """opsctl could not do its job; `str(error)` says what happened and what to do next."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN


class UsageError(OpsctlError):
    """The command line is wrong, or it selected nothing."""

    exit_code = ExitCode.USAGE


class WorkspaceMissingError(OpsctlError):
    """No `opsctl.yaml` in this folder or any above it."""

    exit_code = ExitCode.CONFIG

    def __init__(self, start: str) -> None:
        self.start = start
        super().__init__(
            f"no opsctl.yaml in {start} or any folder above it; "
            "run `opsctl init` to make one, or name a workspace with `-C DIR`"
        )


class WorkspaceInvalidError(OpsctlError):
    """The workspace has problems, all of them listed."""

    exit_code = ExitCode.CONFIG

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TemplateInvalidError(OpsctlError):
    """A template cannot be used, or fails on what it is given; `line` counts from 1, 0 where it has none."""

    exit_code = ExitCode.CONFIG

    def __init__(self, file: str, line: int, message: str) -> None:
        self.file, self.line, self.message = file, line, message
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")


class RefusedError(OpsctlError):
    """What stands does not allow it."""

    exit_code = ExitCode.NO


class StoreError(OpsctlError):
    """The store is locked, read-only, too new, full or damaged."""

    exit_code = ExitCode.STORE


class OutputError(OpsctlError):
    """A file that was asked for could not be written."""

    exit_code = ExitCode.UNKNOWN


class Terminated(BaseException):
    """SIGTERM has come: end now, in order."""
