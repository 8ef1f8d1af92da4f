"""Where a workspace is, and which files it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.errors import UsageError, WorkspaceMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "opsctl.yaml"
# Procedures for people; no check is in them.
PAGE = ".md"
PAGES = f"runbooks/*{PAGE}"
INCLUDED = ("services/*.yaml", "checklists/*.yaml", "runbooks/*.yaml", PAGES, "routines/*.yaml")


def find(directory: Path | None) -> Path:
    """The folder of the workspace that `directory` (or the current folder) is in, walking up.

    Raises WorkspaceMissingError where there is none, UsageError where `directory` is no folder.
    """
    if directory is not None and not directory.is_dir():
        raise UsageError(f"`{directory}` is not a folder; name one with `-C DIR`")
    try:
        start = (directory or Path.cwd()).resolve()
    except FileNotFoundError:
        raise UsageError("the current folder was deleted; go to another, or name one with `-C DIR`") from None
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise WorkspaceMissingError(str(start))


def procedure(root: Path, runbook: str | None) -> str | None:
    """Where a runbook is read, as a path in the workspace, or the command that runs one without a page."""
    if runbook is None:
        return None
    return f"runbooks/{runbook}{PAGE}" if is_page(root, runbook) else f"opsctl runbook run {runbook}"


def is_page(root: Path, runbook: str) -> bool:
    """Whether a runbook is a page of Markdown in its folder of the workspace."""
    return "/" not in runbook and "\0" not in runbook and (root / f"runbooks/{runbook}{PAGE}").is_file()


def matching(folder: Path, globs: Iterable[str]) -> list[Path]:
    """The files below the workspace that the globs mean, each once, without the root.

    Raises ValueError or NotImplementedError where one is no glob.
    """
    found = dict.fromkeys(path for glob in globs for path in sorted(folder.glob(glob)))
    return [path for path in found if path != folder / FILE]
