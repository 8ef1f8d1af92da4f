"""Rows in columns: aligned and wrapped for a terminal, one uncut record a line for a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output

_WIDEST = 40
_LEAST = 30


def table(rows: Sequence[Sequence[str]], out: Output) -> str:
    """The rows, each of as many cells; the last cell is wrapped, below the others where there is no room."""
    if out.width is None:
        return "".join("\t".join(row).rstrip("\t") + "\n" for row in rows)
    widths = [min(_WIDEST, max(map(len, column))) for column in list(zip(*rows, strict=True))[:-1]]
    return "".join(f"{text}\n" for row in rows for text in _lines(row, widths, out.width))


def _lines(row: Sequence[str], widths: Sequence[int], width: int) -> Iterator[str]:
    head = "  ".join(f"{cell:<{room}}" for cell, room in zip(row, widths, strict=False))
    yield from hung(head, row[-1], width)


def hung(head: str, words: str, width: int) -> Iterator[str]:
    """Words behind a head, wrapped; below it where it leaves no room for them on the line."""
    from textwrap import wrap

    lead = f"{head}  " if head else ""
    if len(lead) + len(words) <= width:
        yield f"{lead}{words}".rstrip()
        return
    indent = len(lead)
    if width - indent < _LEAST:
        yield head.rstrip()
        lead, indent = "    ", 4
    first, *rest = wrap(words, max(_LEAST, width - indent), break_on_hyphens=False) or [""]
    yield f"{lead}{first}".rstrip()
    yield from (f"{'':<{indent}}{text}" for text in rest)
