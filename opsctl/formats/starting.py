"""The templates there are, and what a new workspace has and still needs, in words."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from opsctl.prose import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.formats import Output
    from opsctl.starting import Plan
    from opsctl.templating import Template, Value


def templates(found: Sequence[Template], out: Output) -> str:
    """Every template with its values: laid out for people, one value a line for programs."""
    return "\n".join(map(_block, found)) if out.width else "".join(map(_rows, found))


def _block(template: Template) -> str:
    manifest = template.manifest
    lines = [f"{template.name}: {manifest.title}", *([f"  {manifest.text.strip()}"] if manifest.text else ())]
    for name, value in manifest.values.items():
        lines += [f"  --set {name}=", f"      {value.ask} ({_else(value)})"]
    return "\n".join(lines) + "\n"


def _rows(template: Template) -> str:
    manifest = template.manifest
    rows = [(template.name, "", manifest.title, "", "")]
    rows += [
        (template.name, name, value.ask, value.default or "", value.example or "")
        for name, value in manifest.values.items()
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


def question(name: str, value: Value) -> str:
    """How a person is asked for a value."""
    return f"{name}: {value.ask} ({_else(value)}): "


def _else(value: Value) -> str:
    if value.default is not None:
        return f"otherwise {value.default}"
    return f"for example {value.example}" if value.example else "unset where none is given"


def told(planned: Plan, *, dry_run: bool, from_templates: bool) -> str:
    """The files of a new workspace, and what to do next."""
    verb = "would write" if dry_run else "wrote"
    lines = [f"{verb} {path}" for path in planned.paths()]
    if not dry_run:
        lines += [f"next: {step}" for step in (_next(planned) if from_templates else ["opsctl check"])]
    return "\n".join(lines) + "\n"


def _next(planned: Plan) -> list[str]:
    steps = []
    if planned.folder.resolve() != planned.folder.cwd():
        steps.append(f"cd {shlex.quote(str(planned.folder))}")
    if planned.unset:
        steps.append(f"give {listed(planned.unset)} a value (`opsctl validate` shows where `unset-` stands)")
    if planned.variables:
        steps.append(f"set in the environment: {listed(planned.variables)}")
    if planned.secret_files:
        steps.append(f"write the secret files: {listed(planned.secret_files)}")
    return [*steps, "opsctl validate", "opsctl check"]
