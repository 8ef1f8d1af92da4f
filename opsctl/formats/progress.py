"""Live progress on a terminal: one line that is drawn over and vanishes at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from opsctl.records import Result

_INTERVAL = 0.1


class Progress:
    """Counts results; draws only where `stream` is given, a terminal."""

    def __init__(self, total: int, stream: TextIO | None, width: int = 80) -> None:
        self._total = total
        self._stream = stream
        self._width = width
        self._done = 0
        self._bad: list[str] = []
        self._started = time.monotonic()
        # A quick run would only flicker.
        self._next = self._started + 2 * _INTERVAL
        self._drawn = False

    def note(self, result: Result) -> None:
        """Take a result into account."""
        self._done += 1
        if not result.state.good:
            self._bad.append(result.check)
        if self._stream is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + _INTERVAL
            bad = f", {len(self._bad)} not well, last {self._bad[-1]}" if self._bad else ""
            text = shorten(line(f"{self._done}/{self._total} checked{bad}"), self._width - 1)
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._drawn = True

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def close(self) -> None:
        """Take the line away."""
        if self._drawn and self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False
