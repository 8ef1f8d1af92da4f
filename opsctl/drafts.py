"""Put new data into a draft: what people wrote around the data parts stays, byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.review_text import blocks

if TYPE_CHECKING:
    from collections.abc import Mapping


def begin(name: str) -> str:
    """The line that begins a data part."""
    return f"<!-- opsctl:begin {name} -->"


def end(name: str) -> str:
    """The line that ends a data part."""
    return f"<!-- opsctl:end {name} -->"


def refresh(text: str, parts: Mapping[str, str], file: str) -> str:
    """The draft with each data part that it still has as it is now; parts that people removed stay away.

    Raises UsageError, with `file` and line, where a mark of a data part has no counterpart.
    """
    places, broken = blocks(text)
    if broken:
        words = "\n".join(f"{file}:{one.line}:1: {one.words}" for one in broken)
        raise UsageError(f"the marks of data parts are damaged, so nothing was changed:\n{words}")
    lines = text.splitlines(keepends=True)
    for name, (first, last) in sorted(places.items(), key=lambda one: -one[1][0]):
        if name in parts:
            newline = "\r\n" if lines[first - 1].endswith("\r\n") else "\n"
            lines[first : last - 1] = [part + newline for part in parts[name].splitlines()]
    return "".join(lines)
