"""Ask git about a repository: short questions, a deadline each, and no configuration of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commanding import Command, carry_out
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class UnknownError(Exception):
    """Git cannot tell; `str(error)` says why."""


class Repository:
    """The git repository that a folder is in."""

    def __init__(self, folder: Path, environ: Mapping[str, str], timeout: float) -> None:
        """`timeout` in seconds bounds each question."""
        self._folder, self._environ, self._timeout = folder, environ, timeout

    def commit(self, name: str) -> str:
        """The commit that a name means, in full."""
        return self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def author(self, commit: str) -> str:
        """The address of who made a commit."""
        return self._ask("show", "-s", "--format=%ae", commit)

    def dirty(self) -> list[str]:
        """The paths in the work tree that are changed or not tracked."""
        return [one[3:] for one in self._ask("status", "--porcelain").splitlines()]

    def branch(self) -> str:
        """The branch that is checked out; empty for none."""
        return self._ask("branch", "--show-current")

    def tags(self, commit: str) -> list[str]:
        """The tags of a commit."""
        return self._ask("tag", "--points-at", commit).splitlines()

    def signature(self, commit: str) -> str:
        """What git says of a commit's signature: `G` for a good one."""
        return self._ask("show", "-s", "--format=%G?", commit)

    def changed_since_tag(self, commit: str) -> list[str]:
        """The paths that changed since the last tag before the commit; all of them where there is none."""
        before = self._run("describe", "--tags", "--abbrev=0", f"{commit}^")
        if before is None:
            return self._ask("ls-tree", "-r", "--name-only", commit).splitlines()
        return self.changed(before, commit)

    def changed(self, before: str, commit: str) -> list[str]:
        """The paths that differ between two commits."""
        return self._ask("diff", "--name-only", before, commit).splitlines()

    def descends(self, ancestor: str, commit: str) -> bool:
        """Whether a commit descends from another, or is it."""
        self.commit(ancestor)
        return self._run("merge-base", "--is-ancestor", ancestor, commit) is not None

    def _ask(self, *arguments: str) -> str:
        answer = self._run(*arguments)
        if answer is None:
            raise UnknownError(f"git does not know: git {line(shorten(' '.join(arguments), 100))}")
        return answer

    def _run(self, *arguments: str) -> str | None:
        # Neither a pager nor a password prompt, and no program of the repository's own.
        safely = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
        variables = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        command = Command(["git", "--no-pager", *safely, *arguments], self._folder, variables)
        try:
            ran = carry_out(command, environ=self._environ, timeout=self._timeout)
        except (OSError, ValueError) as error:
            raise UnknownError(f"git cannot be run: {line(str(error))}") from error
        if ran.timed_out:
            raise UnknownError("git took too long")
        return ran.stdout.text.rstrip("\n") if ran.exit_code == 0 else None
