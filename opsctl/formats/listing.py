"""What would be checked, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean
from opsctl.formats.table import table
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.formats import Output


def listing(workspace: Workspace, names: Sequence[str], output: str, out: Output) -> str:
    """The checks called `names`, each with its type and what it looks at."""
    known = workspace.checks()
    rows = [(name, known[name][1].type, known[name][1].kind.target()) for name in names]
    if output == "json":
        checks = [dict(zip(("check", "type", "target"), map(clean, row), strict=True)) for row in rows]
        return json_text({"checks": checks})
    return table([(name, kind, line(target)) for name, kind, target in rows], out)
