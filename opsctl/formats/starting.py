"""The templates there are, and what a new workspace has and still needs, in words."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from opsctl.prose import count, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.formats import Output
    from opsctl.starting import Plan
    from opsctl.templating import Template, Value


def templates(found: Sequence[Template], out: Output) -> str:
    """Every template with its values: laid out for people, one value a line for programs."""
    if out.width is None:
        return "".join(map(_rows, found))
    return "\n".join(_block(one, out.width) for one in found)


def _block(template: Template, width: int) -> str:
    manifest = template.manifest
    lines = [f"{template.name}: {manifest.title}", *_wrapped(manifest.text, "  ", width)]
    for name, value in manifest.values.items():
        lines += [f"  --set {name}=", *_wrapped(f"{value.ask} ({_else(value)})", "      ", width)]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, before: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, initial_indent=before, subsequent_indent=before, break_on_hyphens=False)


def _rows(template: Template) -> str:
    manifest = template.manifest
    rows = [(template.name, "", manifest.title, "", "")]
    rows += [
        (template.name, name, value.ask, value.default or "", value.example or "")
        for name, value in manifest.values.items()
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


def introduction(missing: Mapping[str, Value]) -> str:
    """What a person is told before the questions."""
    values = count("value", len(missing))
    return f"{values} to give; Enter takes what stands after `otherwise`, or leaves it unset\n"


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
