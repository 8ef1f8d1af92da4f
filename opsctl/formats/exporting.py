"""What of the checks another tool cannot say, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.prose import count, line

if TYPE_CHECKING:
    from opsctl.exporters import Exported


def write_lost(found: Exported) -> str:
    """What was lost, then how much; nothing where nothing was."""
    if not found.lost:
        return ""
    lines = (f"lost\t{one.check}\t{line(one.said)}: {line(one.why)}\n" for one in found.lost)
    return "".join(lines) + f"{count('line', len(found.lost))} lost\n"
