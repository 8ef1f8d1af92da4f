"""The problems of a workspace, as text with carets, JSON, or GitHub annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.composing import summary
from opsctl.formats.github import MOST_ANNOTATIONS
from opsctl.formats.json_text import json_text
from opsctl.prose import count, safe

if TYPE_CHECKING:
    from opsctl.composing import Problem
    from opsctl.formats import Output
    from opsctl.validating import Found


def write(found: Found, output: str, _out: Output) -> str:
    """What `opsctl validate` prints; `output` is text, json or github."""
    return {"text": _text, "json": _json, "github": _github}[output](found)


def _text(found: Found) -> str:
    if not found.problems:
        return f"valid: {count('service', found.services)}, {count('check', found.checks)}\n"
    blocks = [safe(problem.render()) for problem in found.problems]
    return "\n".join([*blocks, "", _totals(found)]) + "\n"


def _totals(found: Found) -> str:
    return summary(len(found.problems), len({problem.file for problem in found.problems}))


def _json(found: Found) -> str:
    document = {
        "valid": not found.problems,
        "services": found.services,
        "checks": found.checks,
        "problems": [
            {"file": one.file, "line": one.line, "column": one.column, "message": safe(one.message)}
            for one in found.problems
        ],
    }
    return json_text(document)


def _github(found: Found) -> str:
    lines = [_annotation(problem) for problem in found.problems[:MOST_ANNOTATIONS]]
    lines += [safe(str(problem)) for problem in found.problems[MOST_ANNOTATIONS:]]
    return "\n".join([*lines, _totals(found) if found.problems else _text(found).strip()]) + "\n"


def _annotation(problem: Problem) -> str:
    from opsctl.formats.github import data, property_

    place = f"file={property_(safe(problem.file))},line={problem.line},col={problem.column}"
    return f"::error {place}::{data(safe(problem.message))}"
