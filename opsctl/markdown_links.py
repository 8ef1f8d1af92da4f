"""The links and the anchors of a Markdown page, as GitHub reads it: the part of CommonMark that they need.

Everything takes time in proportion to the page, whatever stands in it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import partial
from html import unescape
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from opsctl.headings import heading_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

_FENCE = re.compile(r"[ ]*(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r"(?:[ ]{0,3}>[ ]?)*")
_UNDERLINE = re.compile(r"[ ]{0,3}(?:=+|-+)[ \t]*")
_ITEM = re.compile(r"[ ]*(?:[-+*]|[0-9]{1,9}[.)])(?:[ \t]|$)")
_RAW = re.compile(r"[ ]{0,3}<(pre|script|style|textarea)(?=[\s>])", re.IGNORECASE)
_TICKS = re.compile("`+")
_SPANS = re.compile(r"\\.|`+|<!--", re.DOTALL)
_BRACKETS = re.compile(r"\\.|[\[\]]", re.DOTALL)
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_POINTED = re.compile(r"<((?:[^<>\n\\]|\\.)*)>")
_PLAIN = re.compile(r"(?:[^\s()\\]|\\.)+")
_TITLE = re.compile(r"\s+(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))", re.DOTALL)
_SPACE = re.compile(r"\s*")
_DEFINITION = re.compile(r"[ ]{0,3}\[((?!\^)[^\[\]]{1,999})\]:[ \t]*(?:<([^<>]*)>|([^\s<]\S*))")
_TAG = re.compile(r"<(/?[A-Za-z][A-Za-z0-9-]*)((?:\s[^<>]*)?)>")
_ATTRIBUTE = re.compile(r"(?<![\w-])(href|src|id|name)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=`]+))")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_EMPHASIS = re.compile(r"(?<![^\W_])(?<!\\)(_{1,3})(?=\S)([^_]+)(?<=[^\s\\])\1(?![^\W_])")
# So deep may lists and the parentheses of a target be nested.
_DEEPEST_LIST, _DEEPEST = 10, 32


class Link(NamedTuple):
    """Where a link or an image leads; `line` and `column` count from 1, and are those of the target.

    `label` stands in place of a target for a reference that nothing defines.
    """

    line: int
    column: int
    target: str
    label: str = ""


class Marks(NamedTuple):
    """What of a page leads somewhere, in its order, and what in it can be led to."""

    links: tuple[Link, ...]
    anchors: frozenset[str]


class _Line(NamedTuple):
    """A line of text: its number in the page, from 0, and the column from 0 at which the text begins."""

    number: int
    offset: int
    text: str


class _Block(NamedTuple):
    """Lines that belong together; `visible` has blanks where code and comments are, at the same places."""

    lines: tuple[_Line, ...]
    text: str
    visible: str
    title: str | None


class _Bracket(NamedTuple):
    """`[text](target)` or `[text][label]`: where it begins, its text ends and all of it ends."""

    begin: int
    close: int
    end: int
    target: str
    at: int
    label: str | None = None


def marks_of(lines: Sequence[str]) -> Marks:
    """The links and anchors of a page; a front matter is to be given as empty lines."""
    blocks = list(_blocks(lines))
    defined = {_plain_label(found[1]) for one in blocks for _, found in _definitions(one)}
    links = sorted(link for one in blocks for link in _links(one, defined))
    anchors = _numbered(slug(title) for one in blocks for title in _titles(one))
    return Marks(tuple(links), frozenset(anchors).union(name for one in blocks for name in _named(one)))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading (as Markdown), but for the number of one that comes again."""
    kept = (one for one in _shown(heading).lower() if one in " -" or unicodedata.category(one) in _KEPT)
    return "".join(kept).replace(" ", "-")


_KEPT = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Pc"})


def _numbered(slugs: Iterable[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for one in slugs:
        number = seen.get(one, 0)
        seen[one] = number + 1
        yield f"{one}-{number}" if number else one


# From lines to blocks.


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    held: list[_Line] = []
    for one in _prose(lines):
        heading = heading_of(one.text[_after_items(one.text) :])
        title = heading.title if heading else None
        if title is None and held and _UNDERLINE.fullmatch(one.text) and not _apart(held[0].text):
            yield _block(held, "\n".join(line.text for line in held))
            held = []
            continue
        quoted = bool(held) and bool(held[-1].offset) != bool(one.offset)
        if held and (title is not None or not one.text.strip() or quoted or _apart(one.text)):
            yield _block(held)
            held = []
        if title is not None:
            yield _block([one], title)
        elif one.text.strip():
            held.append(one)
    if held:
        yield _block(held)


def _block(lines: Sequence[_Line], title: str | None = None) -> _Block:
    text = "\n".join(one.text for one in lines)
    visible = _blanked(text, [(begin, end) for begin, end, _ in _hidden(text)])
    return _Block(tuple(lines), text, visible, title)


def _apart(text: str) -> bool:
    """Whether the line is an item of a list or a row of a table, which nothing inline reaches beyond."""
    return _ITEM.match(text) is not None or text.lstrip().startswith("|")


def _prose(lines: Sequence[str]) -> Iterator[_Line]:
    """Every line; one that is code, a comment or HTML as it is written is empty."""
    over: Callable[[str], bool] | None = None
    quoted = in_list = False
    before = ""
    for number, line in enumerate(lines):
        offset = _end_of(_QUOTE, line)
        if over is not None and quoted and not offset:
            over = None
        if over is not None:
            over = None if over(line[offset:] if quoted else line) else over
            yield _Line(number, offset, "")
            continue
        text = line[offset:]
        in_list = _in_list(text, before, in_list=in_list)
        over, quoted = _opened(text, in_list=in_list), offset > 0
        hidden = over is not None or (not in_list and not before.strip() and _indented(text))
        # What follows code that is indented may be more of it.
        before = "" if hidden else text
        yield _Line(number, offset, before)


def _in_list(text: str, before: str, *, in_list: bool) -> bool:
    if _ITEM.match(text):
        return in_list or not _indented(text)
    return in_list and (before.strip() != "" or not text.strip() or text[0] in " \t")


def _indented(text: str) -> bool:
    return text.startswith(("    ", "\t"))


def _opened(text: str, *, in_list: bool) -> Callable[[str], bool] | None:
    """What tells the last line of the code, comment or HTML that begins here; None where none does."""
    at = _after_items(text)
    fence = _FENCE.match(text, at)
    if fence and (in_list or not _indented(text)):
        return partial(_closes, fence[1])
    if text.lstrip(" ").startswith("<!--") and not _indented(text):
        return None if "-->" in text else (lambda line: "-->" in line)
    raw = _RAW.match(text)
    end = f"</{raw[1].lower()}" if raw else ""
    return (lambda line: end in line.lower()) if raw and end not in text.lower() else None


def _closes(fence: str, line: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and text == fence[0] * len(text)


def _after_items(text: str) -> int:
    """Where the text begins behind the marks of the list items that begin with it."""
    at = 0
    for _ in range(_DEEPEST_LIST):
        at = _end_of(_ITEM, text, at)
    return at


def _end_of(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


# From text to what is inside of it.


def _hidden(text: str) -> Iterator[tuple[int, int, int]]:
    """Where code and comments begin and end, and how many marks are around the code; 0 for a comment."""
    runs: dict[int, list[int]] = {}
    for run in _TICKS.finditer(text):
        runs.setdefault(len(run[0]), []).append(run.start())
    at, open_ended = 0, False
    while found := _SPANS.search(text, at):
        begin, at = found.span()
        if found[0] == "<!--" and not open_ended:
            end = text.find("-->", at)
            open_ended = end < 0
            if not open_ended:
                at = end + 3
                yield begin, at, 0
        elif found[0][0] == "`":
            same = runs.get(at - begin, [])
            number = bisect_left(same, at)
            if number < len(same):
                width, at = at - begin, same[number] + at - begin
                yield begin, at, width


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, last = [], 0
    for begin, end in spans:
        parts += [text[last:begin], "".join("\n" if one == "\n" else " " for one in text[begin:end])]
        last = end
    return "".join([*parts, text[last:]])


def _brackets(text: str) -> Iterator[_Bracket]:
    opened: list[int] = []
    at = 0
    while found := _BRACKETS.search(text, at):
        at = found.end()
        if found[0] == "[":
            opened.append(found.start())
        elif found[0] == "]" and opened:
            bracket = _bracket(text, opened.pop(), found.start())
            if bracket is not None:
                at = bracket.end
                yield bracket


def _bracket(text: str, begin: int, close: int) -> _Bracket | None:
    if text[close + 1 : close + 2] == "(":
        return _inline(text, begin, close)
    found = _LABEL.match(text, close + 1)
    if found is None:
        return None
    label = found[1] if found[1] or close - begin > 1000 else text[begin + 1 : close]
    return _Bracket(begin, close, found.end(), "", close + 2, label)


def _inline(text: str, begin: int, close: int) -> _Bracket | None:
    at = _end_of(_SPACE, text, close + 2)
    pointed = _POINTED.match(text, at)
    after = pointed.end() if pointed else _end_of_plain(text, at)
    if after is None:
        return None
    end = _end_of(_SPACE, text, _end_of(_TITLE, text, after))
    if text[end : end + 1] != ")":
        return None
    return _Bracket(begin, close, end + 1, pointed[1] if pointed else text[at:after], at)


def _end_of_plain(text: str, at: int) -> int | None:
    """Where a target without angle brackets ends; None where its parentheses are nested too deep."""
    depth = 0
    while True:
        at = _end_of(_PLAIN, text, at)
        char = text[at : at + 1]
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char not in {"(", ")"} or depth < 0:
            return at
        if depth > _DEEPEST:
            return None
        at += 1


def _links(block: _Block, defined: Collection[str]) -> Iterator[Link]:
    starts = [0, *accumulate(len(one.text) + 1 for one in block.lines)]
    for at, target, label in _targets(block, defined):
        index = bisect_right(starts, at) - 1
        line = block.lines[index]
        yield Link(line.number + 1, line.offset + at - starts[index] + 1, target, label)


def _targets(block: _Block, defined: Collection[str]) -> Iterator[tuple[int, str, str]]:
    """Where in the text a target or a label stands, and which."""
    for at, found in _definitions(block):
        group = 2 if found[3] is None else 3
        yield at + found.start(group), _meant(found[group]), ""
    for one in _brackets(block.visible):
        if one.label is None:
            yield one.at, _meant(one.target), ""
        elif _is_dangling(block.visible, one, defined):
            yield one.at, "", one.label.strip()
    for tag in _TAG.finditer(block.visible):
        for found in _ATTRIBUTE.finditer(tag[2]):
            if found[1] in {"href", "src"}:
                yield tag.start(2) + found.start(), unescape(_value(found)), ""


def _definitions(block: _Block) -> Iterator[tuple[int, re.Match[str]]]:
    """The lines that define references, with where each begins in the text."""
    at = 0
    for line in block.visible.split("\n"):
        if found := _DEFINITION.match(line):
            yield at, found
        at += len(line) + 1


def _is_dangling(text: str, one: _Bracket, defined: Collection[str]) -> bool:
    """Whether a reference is meant and not defined; `row[0][1]` and footnotes are none."""
    label, shown = _plain_label(one.label or ""), text[one.begin + 1 : one.close].strip()
    meant = label and shown and not label.startswith("^") and not shown.isdigit()
    return bool(meant) and label not in defined and not re.match(r"[\w\])]", text[one.begin - 1 : one.begin])


def _plain_label(label: str) -> str:
    return " ".join(label.casefold().split())


def _meant(target: str) -> str:
    return unescape(_ESCAPED.sub(r"\1", target))


def _value(found: re.Match[str]) -> str:
    return next(one for one in found.groups()[1:] if one is not None)


def _named(block: _Block) -> Iterator[str]:
    """The anchors that HTML gives."""
    for tag in _TAG.finditer(block.visible):
        for found in _ATTRIBUTE.finditer(tag[2]):
            if found[1] in {"id", "name"}:
                yield unescape(_value(found))


def _titles(block: _Block) -> Iterator[str]:
    """The texts of the headings of a block."""
    if block.title is not None:
        yield block.title
        return
    begun: dict[str, int] = {}
    for tag in _TAG.finditer(block.visible):
        name = tag[1].lower()
        if re.fullmatch("h[1-6]", name):
            begun[name] = tag.end()
        elif name[1:] in begun:
            yield block.text[begun.pop(name[1:]) : tag.start()].strip()


def _shown(heading: str) -> str:
    """What people see of a heading: code as it is, links as their texts, no images and no marks."""
    hidden = list(_hidden(heading))
    gone = [0] * (len(heading) + 1)
    for one in _brackets(_blanked(heading, [(begin, end) for begin, end, _ in hidden])):
        image = one.begin > 0 and heading[one.begin - 1] == "!"
        cuts = [(one.begin - 1, one.end)] if image else [(one.begin, one.begin + 1), (one.close, one.end)]
        for begin, end in cuts:
            gone[begin] += 1
            gone[end] -= 1
    kept = [not depth for depth in accumulate(gone)]
    parts, last = [], 0
    for begin, end, width in [*hidden, (len(heading), len(heading), 0)]:
        parts.append(_plain("".join(heading[at] for at in range(last, begin) if kept[at])))
        inner = range(begin + width, end - width) if width else ()
        parts.append("".join(heading[at] for at in inner if kept[at]))
        last = end
    return "".join(parts)


def _plain(text: str) -> str:
    return unescape(_ESCAPED.sub(r"\1", _EMPHASIS.sub(r"\2", _TAG.sub("", text))))
