"""A review as a text: which lines are people's words, which are data, and the actions that stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.headings import heading_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGIN = re.compile(r"\s*<!-- opsctl:begin ([a-z-]+) -->\s*")
_END = re.compile(r"\s*<!-- opsctl:end ([a-z-]+) -->\s*")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_TARGET = re.compile(r"(?<=\])\([^)]*\)|<https?://[^>]*>|https?://\S+")
_COLUMNS = ("action", "owner", "due", "priority", "measure")


class Line(NamedTuple):
    """One line; `number` counts from 1, `section` is the last heading of level 2 in small letters.

    `words` is what people say in it, at the same columns: code, comments, quotes and data are blank.
    """

    number: int
    text: str
    words: str
    section: str
    heading: int = 0


class Cell(NamedTuple):
    """A cell of a table; `column` counts from 1."""

    line: int
    column: int
    text: str


class Action(NamedTuple):
    """A row of the actions: cells by the names of their columns."""

    line: int
    cells: dict[str, Cell]

    def of(self, name: str) -> str:
        """The text of a cell; empty where there is no such column."""
        return self.cells[name].text if name in self.cells else ""


class BrokenBlock(NamedTuple):
    """A mark of a data part that has no counterpart."""

    line: int
    words: str


def read(text: str) -> tuple[Line, ...]:
    """The lines of a review."""
    return tuple(_lines(text.splitlines()))


def front_matter(text: str) -> dict[str, str]:
    """The plain `key: value` lines at the top, between two lines of three dashes."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    found: dict[str, str] = {}
    for one in lines[1:]:
        if one.strip() == "---":
            return found
        key, _, value = one.partition(":")
        found[key.strip()] = value.strip().strip("\"'")
    return {}


def blocks(text: str) -> tuple[dict[str, tuple[int, int]], list[BrokenBlock]]:
    """Where each data part stands, as line numbers of its two marks, and the marks that are broken."""
    found: dict[str, tuple[int, int]] = {}
    broken: list[BrokenBlock] = []
    begun: tuple[str, int] | None = None
    for number, one in enumerate(text.splitlines(), 1):
        if begin := _BEGIN.fullmatch(one):
            if begun:
                broken.append(BrokenBlock(begun[1], f"the data part `{begun[0]}` begins and does not end"))
            begun = begin[1], number
        elif end := _END.fullmatch(one):
            if begun is None or begun[0] != end[1]:
                broken.append(BrokenBlock(number, f"the data part `{end[1]}` ends and does not begin"))
            elif begun[0] in found:
                broken.append(BrokenBlock(number, f"the data part `{end[1]}` is there twice"))
            else:
                found[begun[0]] = begun[1], number
            begun = None
    if begun:
        broken.append(BrokenBlock(begun[1], f"the data part `{begun[0]}` begins and does not end"))
    return found, broken


def actions(lines: Sequence[Line]) -> list[Action]:
    """The rows of the table in the section `Actions`, without those that are empty."""
    rows = [_cells(one) for one in lines if one.section == "actions" and one.words.lstrip().startswith("|")]
    if not rows:
        return []
    names = [cell.text.lower() for cell in rows[0]]
    found = []
    for row in rows[1:]:
        cells = {name: cell for name, cell in zip(names, row, strict=False) if name in _COLUMNS}
        ruled = all(set(cell.text) <= set("-: ") for cell in row)
        if not ruled and any(cell.text for cell in row):
            found.append(Action(row[0].line, cells))
    return found


def _lines(texts: Sequence[str]) -> Iterator[Line]:
    section, fence, data, comment = "", "", False, False
    matter = bool(texts) and texts[0].strip() == "---"
    for number, text in enumerate(texts, 1):
        words = ""
        if matter:
            matter = number == 1 or text.strip() != "---"
        elif data:
            data = _END.fullmatch(text) is None
        elif fence:
            found = _FENCE.match(text)
            if found and found[1].startswith(fence) and not text.strip().strip(fence[0]):
                fence = ""
        elif not comment and _BEGIN.fullmatch(text):
            data = True
        elif not comment and (found := _FENCE.match(text)):
            fence = found[1]
        else:
            words, comment = _uncommented(text, comment=comment)
            words = "" if words.lstrip().startswith(">") else _TARGET.sub(_blank, _CODE.sub(_blank, words))
        heading = heading_of(words) if words else None
        level = heading.level if heading else 0
        if heading and level <= 2:
            section = heading.title.lower() if level == 2 else ""
        yield Line(number, text, words, section, level)


def _uncommented(text: str, *, comment: bool) -> tuple[str, bool]:
    """The text with comments blank, and whether one goes on in the next line."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        mark = "-->" if comment else "<!--"
        found = text.find(mark, at)
        end = len(text) if found < 0 else found
        parts.append(" " * (end - at) if comment else text[at:end])
        if found < 0:
            break
        parts.append(" " * len(mark))
        at, comment = found + len(mark), not comment
    return "".join(parts).rstrip(), comment


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _cells(line: Line) -> list[Cell]:
    """The cells between the bars of a row; what follows the last bar is none."""
    bars = [found.start() for found in re.finditer(r"(?<!\\)\|", line.text)]
    ends = [*bars[1:], *([] if line.text.rstrip().endswith("|") else [len(line.text)])]
    return [_cell(line, begin + 1, end) for begin, end in zip(bars, ends, strict=False)]


def _cell(line: Line, begin: int, end: int) -> Cell:
    text = line.text[begin:end]
    return Cell(line.number, begin + 1 + len(text) - len(text.lstrip()), text.strip().replace("\\|", "|"))
