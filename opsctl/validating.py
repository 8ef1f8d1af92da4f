"""Validation for people and CI: what a workspace holds, or all that is wrong with it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, NamedTuple

from opsctl.composing import Problem
from opsctl.errors import WorkspaceInvalidError
from opsctl.secrets import Secrets, Template
from opsctl.workspace import find, load_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from opsctl.definitions import Workspace


class Found(NamedTuple):
    """The problems of a workspace, and how much it declares where it could be read."""

    folder: str
    problems: tuple[Problem, ...]
    services: int
    checks: int


def validate(where: Path | None, environ: Mapping[str, str], *, secrets: bool) -> Found:
    """Read the workspace; with `secrets`, a variable or secret file that is missing is a problem too.

    Raises WorkspaceMissingError where there is no workspace.
    """
    folder = find(where)
    try:
        workspace = load_workspace(folder, environ)
    except WorkspaceInvalidError as error:
        return Found(str(folder), error.problems, 0, 0)
    problems = tuple(_unset(workspace, environ)) if secrets else ()
    return Found(str(folder), problems, len(workspace.services), len(workspace.checks()))


def _unset(workspace: Workspace, environ: Mapping[str, str]) -> Iterator[Problem]:
    reader = Secrets(environ, workspace.root)
    missing = {
        reference: why
        for _, check in workspace.checks().values()
        for template in _templates(check.kind)
        for reference, why in reader.missing(template)
    }
    for path in workspace.files:
        for number, text in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
            for reference, why in missing.items():
                if reference in text:
                    file = str(path.relative_to(workspace.root))
                    yield Problem(file, number, text.index(reference) + 1, why, text)


def _templates(value: object) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _templates(getattr(value, field.name))
    elif isinstance(value, tuple):
        for member in value:
            yield from _templates(member)
    elif isinstance(value, dict):
        for member in value.values():
            yield from _templates(member)
