"""Wait for a while, in pieces, so that a signal that comes just before a piece begins ends the wait soon."""

from __future__ import annotations

import time

_PIECE = 0.5


def pause(seconds: float) -> None:
    """Wait that long. Python may miss a signal that comes between its last look and the sleep itself."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _PIECE))
