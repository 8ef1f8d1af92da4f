"""What changed since a baseline, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.summary import short_moment
from opsctl.prose import line, listed

if TYPE_CHECKING:
    from opsctl.comparing import Comparison


def write(found: Comparison, timezone: str) -> str:
    """The checks that are newly broken, that still are, and that were mended."""
    rows = [("fixed", found.fixed), ("still", found.still), ("new", found.new)]
    head = f"since baseline {line(found.baseline)} of {short_moment(found.at, timezone)}:\n"
    return head + "".join(f"  {word}: {listed(list(names)) or 'none'}\n" for word, names in rows)
