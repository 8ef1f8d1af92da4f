"""Lint reviews: the files that are named, or every draft of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError, WorkspaceMissingError
from opsctl.linting import lint
from opsctl.policies import Reviews, policies
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.linting import Finding


class Proof(NamedTuple):
    """The findings of one file, whose name is as people know it."""

    file: str
    findings: tuple[Finding, ...]


def proofread(where: Path | None, environ: Mapping[str, str], names: Sequence[str]) -> tuple[Proof, ...]:
    """Lint the files and the drafts of the incidents that are named, or all drafts there are.

    Files need no workspace; with one, its settings count. Raises UsageError where nothing is there to lint.
    """
    workspace = _workspace(where, environ)
    policy = policies(workspace).reviews if workspace else Reviews()
    files = [_file(workspace, name) for name in names] if names else _drafts(workspace)
    if not files:
        raise UsageError("there is no review to lint; name a file, or begin one with `opsctl review start 7`")
    return tuple(Proof(_shown(file), lint(text_of_file(file), policy)) for file in files)


def text_of_file(file: Path) -> str:
    """What is in the file, line ends as they are; UsageError where it cannot be read."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise UsageError(f"{_shown(file)} is not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{_shown(file)} cannot be read: {error.strerror}") from error


def _workspace(where: Path | None, environ: Mapping[str, str]) -> Workspace | None:
    from opsctl.finding import find
    from opsctl.workspace import load_workspace

    try:
        folder = find(where)
    except WorkspaceMissingError:
        return None
    return load_workspace(folder, environ, light=True)


def _file(workspace: Workspace | None, name: str) -> Path:
    path = Path(name)
    if path.exists() or "/" in name or name.endswith(".md"):
        return path
    if workspace is None:
        raise UsageError(f"there is no file `{line(name)}`, and no workspace whose incident it could be")
    from opsctl.ledger.names import number_of, subject_named

    number = number_of(subject_named(name, "PIR" if name.upper().startswith("PIR") else "INC"))
    return workspace.root / policies(workspace).reviews.folder / f"INC-{number}.md"


def _drafts(workspace: Workspace | None) -> list[Path]:
    if workspace is None:
        return []
    return sorted((workspace.root / policies(workspace).reviews.folder).glob("INC-*.md"))


def _shown(file: Path) -> str:
    """The file as seen from the current folder, where it is below it."""
    try:
        return str(file.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
