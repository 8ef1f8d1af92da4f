"""Validation for people and CI: what a workspace holds, or all that is wrong with it."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, NamedTuple

from opsctl.composing import Problem
from opsctl.errors import WorkspaceInvalidError
from opsctl.finding import FILE, find
from opsctl.places import Located
from opsctl.secrets import Secrets, Template
from opsctl.workspace import load_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from opsctl.definitions import Workspace

_PLACEHOLDER = re.compile(r"unset-[a-z0-9-]+\.invalid")


class Found(NamedTuple):
    """The problems of a workspace, and how much it declares where it could be read."""

    folder: str
    problems: tuple[Problem, ...]
    services: int
    checks: int


def validate(where: Path | None, environ: Mapping[str, str], *, secrets: bool) -> Found:
    """Read the workspace; with `secrets`, what nobody has given yet is a problem too.

    That is a variable, a secret file, or a value of the template that the workspace was made of.
    Raises WorkspaceMissingError where there is no workspace.
    """
    folder = find(where)
    try:
        workspace = load_workspace(folder, environ)
    except WorkspaceInvalidError as error:
        return Found(str(folder), error.problems, 0, 0)
    problems = (*_unset(workspace, environ), *_placeholders(workspace)) if secrets else ()
    problems = tuple(sorted(problems, key=lambda one: (one.file != FILE, *one[:3])))
    return Found(str(folder), problems, len(workspace.services), len(workspace.checks()))


def _unset(workspace: Workspace, environ: Mapping[str, str]) -> Iterator[Problem]:
    reader = Secrets(environ, workspace.root)
    missing = {
        reference: why
        for definition in _definitions(workspace)
        for template in _templates(definition)
        for reference, why in reader.missing(template)
    }
    for path in workspace.files:
        for number, text in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
            for reference, why in missing.items():
                if reference in text:
                    file = str(path.relative_to(workspace.root))
                    yield Problem(file, number, text.index(reference) + 1, why, text)


def _placeholders(workspace: Workspace) -> Iterator[Problem]:
    for path in workspace.files:
        file = str(path.relative_to(workspace.root))
        for number, text in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
            if text.lstrip().startswith("#"):
                continue
            for found in _PLACEHOLDER.finditer(text):
                why = f"`{found[0]}` stands for a value that nobody has given yet; write the real one"
                yield Problem(file, number, found.start() + 1, why, text)


def _definitions(workspace: Workspace) -> Iterator[object]:
    """Everything that may fetch a secret."""
    yield from (check.kind for _, check in workspace.checks().values())
    yield from (item.kind for one in workspace.checklists.values() for item in one.items.values())
    yield from (step for one in workspace.runbooks.values() for step in one.procedure.steps)
    yield from (duty.kind for one in workspace.routines.values() for duty in one.plan.steps)


def _templates(value: object) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _templates(getattr(value, field.name))
    elif isinstance(value, tuple) and not isinstance(value, Located):
        # What only has a place would lead to every line of its file.
        for member in value:
            yield from _templates(member)
    elif isinstance(value, dict):
        for member in value.values():
            yield from _templates(member)
