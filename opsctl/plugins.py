"""What monitoring plugins print: a message, and performance data as numbers in base units."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

# 'label'=value[unit];warn;crit;min;max, where '' in a quoted label is one quote.
_ITEM = re.compile(r"(?:'(?P<quoted>(?:[^']|'')*+)'|(?P<plain>[^\s='][^\s=]*+))=(?P<rest>\S*+)")
_VALUE = re.compile(r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?P<unit>[^\d\s.,;+-]+)?(?:;|$)")
_UNNAMED = re.compile(r"[^\w.-]|(?<![\w-])\.|\.(?![\w-])", re.ASCII)
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"\S*")
_PER_SECOND = {"ms": 1e3, "us": 1e6, "\u00b5s": 1e6, "ns": 1e9}
_BYTES = {
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgtpe", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgtpe", 1)},
}


class Printed(NamedTuple):
    """A plugin's output taken apart: its first line, the lines after it, and its measurements."""

    message: str
    details: str
    perfdata: Mapping[str, float]


def state(exit_code: int) -> str:
    """The word for an exit code, one of `STATES`; a code that means nothing is UNKNOWN."""
    return STATES[exit_code] if 0 <= exit_code < len(STATES) else "UNKNOWN"


def parse(output: str) -> Printed:
    """Take a plugin's output apart; anything that is not in the format is left out, never guessed.

    The format is that of the Monitoring Plugins development guidelines: text before the first `|`
    of the first line is the message; text after it, and after the next `|` in the lines below, is
    performance data. Its labels become names that expectations can hold: in lower case, with `_`
    for whatever is not an ASCII letter, a digit, `-` or a `.` between them. Its values come in base
    units: times in seconds, sizes in bytes (`KB` is 1000 and `KiB` 1024 of them), others as they are
    written. A value that is not a finite number (`U` stands for one that could not be determined),
    and a name that two different values go by, are left out.
    """
    first, _, below = output.partition("\n")
    message, _, measured = first.partition("|")
    details, _, more = below.partition("|")
    found: dict[str, set[float]] = {}
    for label, value in _items(f"{measured}\n{more}"):
        found.setdefault(label, set()).add(value)
    perfdata = {label: values.pop() for label, values in found.items() if len(values) == 1}
    return Printed(message.strip(), details.strip(), perfdata)


def _items(text: str) -> Iterator[tuple[str, float]]:
    at = 0
    while (at := _end(_SPACE, text, at)) < len(text):
        item = _ITEM.match(text, at)
        if not item:
            at = _end(_WORD, text, at)
            continue
        at = item.end()
        value = _value(item["rest"])
        label = item["plain"] or item["quoted"].replace("''", "'")
        if value is not None and label:
            yield _UNNAMED.sub("_", label.lower()), value


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _value(written: str) -> float | None:
    found = _VALUE.match(written)
    if not found:
        return None
    unit = found["unit"] or ""
    value = float(found["number"]) / _PER_SECOND.get(unit, 1) * _BYTES.get(unit.lower(), 1)
    return value if math.isfinite(value) else None
