"""The matrix of impact and effort: two by two in a terminal, a table in Markdown, lists in JSON."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.markdown import escape
from opsctl.matrix import QUADRANTS
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.formats import Output
    from opsctl.ledger.item import Item
    from opsctl.matrix import Quadrant

    Placed = Mapping[Quadrant | None, Sequence[Item]]

_ROWS: tuple[tuple[str, Quadrant, Quadrant], ...] = (
    ("high impact", "quick win", "major project"),
    ("low impact", "filler", "defer"),
)


def write(placed: Placed, output: str, out: Output) -> str:
    """The items by where they stand; `output` is text, markdown or json."""
    if output == "json":
        named = {str(place or "effort unknown"): placed[place] for place in (*QUADRANTS, None)}
        document = {place: [one.subject for one in items] for place, items in named.items()}
        return json_text({"matrix": document})
    if output == "markdown":
        return "".join(f"{one}\n" for one in _markdown(placed))
    lines = _pipe(placed) if out.width is None else _grid(placed, out.width, ascii_only=out.ascii)
    return "".join(f"{one}\n" for one in lines)


def _pipe(placed: Placed) -> Iterator[str]:
    for place in (*QUADRANTS, None):
        for item in placed[place]:
            yield f"{place or 'effort unknown'}\t{item.subject}\t{line(item.title)}"


def _grid(placed: Placed, width: int, *, ascii_only: bool) -> Iterator[str]:
    side, bar = max(20, (width - 7) // 2), "|" if ascii_only else "│"
    rule = ("+{0}+{0}+" if ascii_only else "├{0}┼{0}┤").format(("-" if ascii_only else "─") * (side + 2))
    top, bottom = (rule, rule) if ascii_only else (
        rule.translate(str.maketrans("├┼┤", "┌┬┐")),
        rule.translate(str.maketrans("├┼┤", "└┴┘")),
    )  # fmt: skip
    yield f"  {'little effort':<{side}}   much effort"
    yield top
    for at, (impact, little, much) in enumerate(_ROWS):
        if at:
            yield rule
        cells = [_cell(impact, place, placed[place], side) for place in (little, much)]
        for left, right in zip_longest(*cells, fillvalue=""):
            yield f"{bar} {left:<{side}} {bar} {right:<{side}} {bar}"
    yield bottom
    if unknown := placed[None]:
        yield f"effort unknown: {', '.join(one.subject for one in unknown)}"


def _cell(impact: str, place: Quadrant, items: Sequence[Item], side: int) -> list[str]:
    shown = [shorten(f"{one.subject} {line(one.title)}", side) for one in items]
    return [f"{place.upper()} ({impact}, {len(items)})", *(shown or ["none"])]


def _markdown(placed: Placed) -> Iterator[str]:
    yield "| | little effort | much effort |"
    yield "| --- | --- | --- |"
    for impact, little, much in _ROWS:
        yield f"| **{impact}** | {_entries(little, placed)} | {_entries(much, placed)} |"
    if unknown := placed[None]:
        yield ""
        yield f"Effort unknown: {', '.join(one.subject for one in unknown)}"


def _entries(place: Quadrant, placed: Placed) -> str:
    items = [f"{one.subject} {escape(one.title)}" for one in placed[place]]
    return "<br>".join([f"*{place}*", *(items or ["None."])])
