"""Quantities with units: durations in seconds, sizes in bytes, percentages from 0 to 100."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsctl.outcome import Kind
from opsctl.prose import shorten, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

# Durations are counted in whole nanoseconds, so that what is shown is exactly what was written.
_SECOND = 10**9
_DURATIONS = {
    "us": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86400 * _SECOND,
    "w": 604800 * _SECOND,
}
_SIZES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
# Percentages are counted in billionths of a percent, as many decimals as may be written.
_PERCENTS = {"%": 10**9}
_UNITS: Mapping[Kind, Mapping[str, int]] = {
    Kind.DURATION: _DURATIONS,
    Kind.SIZE: _SIZES,
    Kind.PERCENT: _PERCENTS,
}
_EXAMPLES = {Kind.DURATION: "10s", Kind.SIZE: "10MB", Kind.PERCENT: "90%"}
_FINEST = {Kind.DURATION: "a nanosecond", Kind.SIZE: "a byte", Kind.PERCENT: "a billionth of a percent"}
# A duration of 3,000 years in nanoseconds, what SQLite keeps as an integer, a million percent.
_LARGEST = {Kind.DURATION: 10**20, Kind.SIZE: 2**63 - 1, Kind.PERCENT: 10**15}
_MEANT = {
    Kind.DURATION: {"sec": "s", "second": "s", "min": "m", "minute": "m", "hr": "h", "hour": "h", "day": "d",
                    "week": "w", "msec": "ms", "milli": "ms", "millisecond": "ms", "usec": "us", "µ": "us"},
    Kind.SIZE: {"byte": "B", "k": "kB", "m": "MB", "g": "GB", "t": "TB", "ki": "KiB", "mi": "MiB",
                "gi": "GiB"},
    Kind.PERCENT: {"percent": "%", "pct": "%"},
}  # fmt: skip
_PART = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,9}))?([^\W\d_]+|%)?")


def parse(kind: Kind, text: str) -> float:
    """The quantity in seconds, bytes (an int) or percent; ValueError says what to write instead.

    `kind` is DURATION, SIZE or PERCENT. A duration may have several parts from the largest unit to
    the smallest, as `1h30m`; a quantity may be negative.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    total, end, last = 0, 0, None
    while part := _PART.match(rest, end):
        factor = _factor(kind, part[3], text)
        if last is not None and (kind is not Kind.DURATION or factor >= last):
            raise ValueError(f"`{shorten(text, 40)}` mixes its units; write each once, the largest first")
        total += _count(kind, part, factor, text)
        end, last = part.end(), factor
    if not end or end != len(rest):
        raise ValueError(f"`{shorten(text, 40)}` is not a {kind}; write it as `{_EXAMPLES[kind]}`")
    if total > _LARGEST[kind]:
        raise ValueError(f"`{shorten(text, 40)}` is too large for a {kind}; write less")
    return sign * (total if kind is Kind.SIZE else total / 10**9)


def _count(kind: Kind, part: re.Match[str], factor: int, text: str) -> int:
    decimals = part[2] or ""
    scale: int = 10 ** len(decimals)
    whole, rest = divmod(int(part[1] + decimals) * factor, scale)
    if rest:
        raise ValueError(f"`{shorten(text, 40)}` is finer than {_FINEST[kind]}; write fewer decimals")
    return whole


def _factor(kind: Kind, unit: str | None, text: str) -> int:
    units = _UNITS[kind]
    if unit is None:
        raise ValueError(f"`{shorten(text, 40)}` has no unit; write a {kind} as `{_EXAMPLES[kind]}`")
    if unit not in units:
        known = ", ".join(f"`{name}`" for name in units)
        hint = _meant(kind, unit)
        words = f"{hint} the units are" if hint else "; the units are"
        raise ValueError(f"`{shorten(unit, 20)}` is not a unit of a {kind}{words} {known}")
    return units[unit]


def _meant(kind: Kind, unit: str) -> str:
    said = unit.lower()
    cased = {name.lower(): name for name in _UNITS[kind]}
    near = cased.get(said) or _MEANT[kind].get(said) or _MEANT[kind].get(said.removesuffix("s"))
    return f"; did you mean `{near}`?" if near else suggestion(unit, _UNITS[kind])


def show(kind: Kind, value: float) -> str:
    """The exact form: parsing it gives `value` again, for every value that came from parsing.

    Durations of other origin are shown to the nearest nanosecond.
    """
    if value < 0:
        return "-" + show(kind, -value)
    if kind is Kind.PERCENT:
        return f"{_trimmed(f'{value:.9f}')}%"
    return _show_size(int(value)) if kind is Kind.SIZE else _show_duration(value)


def _show_size(value: int) -> str:
    exact = [
        (_thousandths(value * 1000 // size), unit)
        for unit, size in reversed(_SIZES.items())
        if unit != "KB" and value >= size and value * 1000 % size == 0
    ]
    number, unit = min(exact, key=lambda one: len(one[0]), default=("0", "B"))
    return number + unit


def _thousandths(count: int) -> str:
    return _trimmed(f"{count // 1000}.{count % 1000:03}")


def _show_duration(value: float) -> str:
    numerator, denominator = value.as_integer_ratio()
    rest = (2 * numerator * _SECOND + denominator) // (2 * denominator)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        number, rest = divmod(rest, _DURATIONS[unit])
        if number:
            parts.append(f"{number}{unit}")
    if rest:
        parts.append(f"{_thousandths(rest)}us")
    return "".join(parts) or "0s"


def brief(kind: Kind, value: float) -> str:
    """The form for people, rounded to what matters: `213ms`, `1.23s`, `13d 4h`, `1.2MB`, `91.3%`."""
    if value < 0:
        return "-" + brief(kind, -value)
    if kind is Kind.PERCENT:
        return f"{_significant(value, 4)}%"
    if kind is Kind.SIZE:
        return _scaled(value, (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1)))
    # What rounds to a minute is one, and has no decimals.
    if float(f"{value:.3g}") >= _DURATIONS["m"] / _SECOND:
        return _two_parts(round(value))
    return _scaled(value, (("s", 1), ("ms", 1e-3), ("us", 1e-6))) if value else "0s"


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    rounded = float(f"{value:.3g}")
    unit, size = next((one for one in units if rounded >= one[1]), units[-1])
    return f"{_significant(value / size, 3)}{unit}"


def _significant(value: float, digits: int) -> str:
    """The value rounded to so many digits, but never before the point, and without an exponent."""
    before = len(str(int(value)))
    return _trimmed(f"{value:.{max(digits - before, 0)}f}")


def _two_parts(seconds: int) -> str:
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number}{unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0"))


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number
