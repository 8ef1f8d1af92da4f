"""Quantities with units: durations in seconds, sizes in bytes, percentages from 0 to 100."""

from __future__ import annotations

import re

from opsctl.outcome import Kind

_DURATIONS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
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
_UNITS = {Kind.DURATION: _DURATIONS, Kind.SIZE: _SIZES, Kind.PERCENT: {"%": 1}}
_EXAMPLES = {Kind.DURATION: "10s", Kind.SIZE: "10MB", Kind.PERCENT: "90%"}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([A-Za-z]+|%)?")


def parse(kind: Kind, text: str) -> float:
    """The quantity in seconds, bytes (whole) or percent; ValueError says what to write instead.

    `kind` is DURATION, SIZE or PERCENT. A duration may have several parts, as `1h30m`; a quantity
    may be negative.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    total, end = 0.0, 0
    for part in _PART.finditer(rest):
        if part.start() != end:
            break
        total += float(part[1]) * _factor(kind, part[2], text)
        end = part.end()
        if kind is not Kind.DURATION:
            break
    if not rest or end != len(rest):
        raise ValueError(f"`{text[:40]}` is not a {kind}; write it as `{_EXAMPLES[kind]}`")
    return sign * (round(total) if kind is Kind.SIZE else round(total, 9))


def _factor(kind: Kind, unit: str | None, text: str) -> float:
    if unit is None:
        raise ValueError(f"`{text[:40]}` has no unit; write a {kind} as `{_EXAMPLES[kind]}`")
    factor = _UNITS[kind].get(unit)
    if factor is None:
        known = ", ".join(f"`{name}`" for name in _UNITS[kind])
        raise ValueError(f"`{unit[:20]}` is not a unit of a {kind}; the units are {known}")
    return factor


def show(kind: Kind, value: float) -> str:
    """The exact form: parsing it gives `value` again (durations to the microsecond)."""
    if value < 0:
        return "-" + show(kind, -value)
    if kind is Kind.PERCENT:
        return f"{_plain(value)}%"
    if kind is Kind.SIZE:
        for unit in ("TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "kB"):
            if value and value % _SIZES[unit] == 0:
                return f"{int(value // _SIZES[unit])}{unit}"
        return f"{int(value)}B"
    return _show_duration(value)


def _show_duration(value: float) -> str:
    micros = round(value * 1e6)
    if micros == 0:
        return "0s"
    parts = []
    for unit, size in (
        ("d", 86400 * 10**6),
        ("h", 3600 * 10**6),
        ("m", 60 * 10**6),
        ("s", 10**6),
        ("ms", 1000),
        ("us", 1),
    ):
        number, micros = divmod(micros, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


def brief(kind: Kind, value: float) -> str:
    """The form for people, rounded to what matters: `213ms`, `1.23s`, `13d 4h`, `1.2MB`, `91.3%`."""
    if value < 0:
        return "-" + brief(kind, -value)
    if kind is Kind.PERCENT:
        return f"{value:.4g}%"
    if kind is Kind.SIZE:
        for unit in ("TB", "GB", "MB", "kB"):
            if value >= _SIZES[unit]:
                return f"{value / _SIZES[unit]:.3g}{unit}"
        return f"{int(value)}B"
    if value < 1:
        return f"{value * 1e3:.3g}ms"
    if value < 60:
        return f"{value:.3g}s"
    return _two_parts(round(value))


def _two_parts(seconds: int) -> str:
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number}{unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0"))


def _plain(value: float) -> str:
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return text or "0"
