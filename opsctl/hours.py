"""Work in hours, as people say it: `4h`, `90m`, `2d` for two working days of eight hours, or a bare `4`."""

from __future__ import annotations

import re

from opsctl.errors import UsageError
from opsctl.prose import line, shorten

_DAY = 8.0
_WEEK = 5 * _DAY
_UNITS = {"m": 1 / 60, "h": 1.0, "": 1.0, "d": _DAY, "w": _WEEK}
_SAID = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([mhdw]?)")
_MOST = 100_000.0


def hours(text: str, option: str) -> float:
    """The hours of work that `text` says; UsageError, which names `option`, for any other text."""
    found = _SAID.fullmatch(text.strip().lower())
    said = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not 0 <= said <= _MOST:
        raise UsageError(
            f"{option} `{line(shorten(text, 40))}` is no amount of work; write 4h, 90m or 2d (8 hours a day)"
        )
    return said


def worded(amount: float) -> str:
    """Hours for people: `4h`, `1.5h`, `12h`."""
    return f"{amount:.4g}h"
