"""What became of another tool's lines, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean
from opsctl.prose import count, line

if TYPE_CHECKING:
    from opsctl.importers import Imported


def write_notes(found: Imported) -> str:
    """A line for each line that was read; what was lost, and what could not fail there, comes last."""
    ordered = sorted(found.notes, key=lambda one: (one.lost, bool(one.open)))
    text = "".join(
        f"{'lost' if one.lost else 'taken'}\t{line(one.where)}\t{line(one.text)}"
        + (f"; CAREFUL: {line(one.open)}" if one.open else "")
        + "\n"
        for one in ordered
    )
    checks = sum(len(service["checks"]) for service in found.services.values())
    lost = sum(one.lost for one in found.notes)
    open_ = sum(bool(one.open) for one in found.notes)
    careful = f"{count('line', open_)} that passed when it must not"
    return f"{text}{count('check', checks)}; {count('line', lost)} lost; {careful}\n"


def write_json(found: Imported) -> str:
    """All of it."""
    notes = [{name: clean(value) for name, value in one._asdict().items()} for one in found.notes]
    return json_text({"services": found.services, "notes": notes})
