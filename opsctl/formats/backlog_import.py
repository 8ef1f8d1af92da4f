"""What came of taking items in, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.prose import count

if TYPE_CHECKING:
    from opsctl.backlog_import import Taken


def write(taken: Taken, output: str, *, dry_run: bool) -> str:
    """Which items are new and which were changed; `output` is text or json."""
    if output == "json":
        document = {
            "dry_run": dry_run,
            "added": [one.subject for one in taken.added],
            "changed": [one.subject for one in taken.changed],
            "same": taken.same,
        }
        return json_text(document)
    added, changed = (count("item", len(items)) for items in (taken.added, taken.changed))
    would = "would be " if dry_run else ""
    return f"{added} {would}added, {changed} {would}changed, {taken.same} as before\n"
