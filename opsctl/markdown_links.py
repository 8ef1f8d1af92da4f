"""The links and the anchors of a Markdown page, as GitHub reads it: CommonMark with tables."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    _Rule = Callable[[StateInline, bool], bool]

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_DEFINED = re.compile(r"\[(?:[^\[\]\\]|\\.)+\]:[\s>]*", re.DOTALL)
_HEADING = re.compile(r"<(/?)(h[1-6])[\s>]", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![\w-])(href|src|id|name)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=`>]+))")
_UNREAD = re.compile(r"\s*<(script|style|textarea)\b", re.IGNORECASE)
# The library ends lines at some of them, and makes lines of nothing but them vanish.
_ODD = str.maketrans("\r\v\f\0", "   \ufffd")
_KEPT = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Pc"})


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


class _Piece(NamedTuple):
    """A part of a block's text that stands in one line: where it begins there, and where in the page."""

    begin: int
    line: int
    column: int


def marks_of(lines: Sequence[str]) -> Marks:
    """The links and anchors of a page; a front matter is to be given as empty lines."""
    lines = [one.translate(_ODD) for one in lines]
    env: dict[str, Any] = {}
    links: list[Link] = []
    titles: list[str] = []
    names: set[str] = set()
    reached: dict[int, int] = {}
    before = ""
    for token in _reader().parse("\n".join(lines), env):
        inner = _inside(token)
        if inner:
            pieces = _pieces(token, lines, reached, cell=before in {"td_open", "th_open"})
            links += (_link(pieces, *found) for found in _leading(inner))
            names.update(_named(inner))
        titles += [_shown(inner)] if before == "heading_open" else _titles(inner)
        before = token.type
    links += _definitions(env, lines)
    return Marks(tuple(sorted(links)), frozenset(_numbered(map(_slug, titles))) | names)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading (as Markdown), but for the number of one that comes again."""
    return _slug(_shown(_reader().parseInline(heading)[0].children or []))


def _slug(shown: str) -> str:
    kept = (one for one in shown.lower() if one in " -" or unicodedata.category(one) in _KEPT)
    return "".join(kept).replace(" ", "-")


def _numbered(slugs: Iterable[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for one in slugs:
        number = seen.get(one, 0)
        seen[one] = number + 1
        yield f"{one}-{number}" if number else one


# What the library is asked for.


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import html_inline, image, link

    reader = MarkdownIt("commonmark").enable("table")
    # Targets are wanted as they are meant, whatever they are.
    reader.normalizeLink = lambda url: url  # type: ignore[method-assign]
    reader.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    for name, rule in (("link", link), ("image", image), ("html_inline", html_inline)):
        reader.inline.ruler.at(name, _told(rule))
    reader.inline.ruler.after("image", "dangling", _dangling)
    return reader


@cache
def _reader_of_html() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import html_inline

    reader = MarkdownIt("zero", {"html": True}).enable(["entity", "html_inline"])
    reader.inline.ruler.at("html_inline", _told(html_inline))
    return reader


def _told(rule: _Rule) -> _Rule:
    """The rule, whose token tells where in the text what leads somewhere stands; a reference does not."""

    def telling(state: StateInline, silent: bool) -> bool:
        begin, known = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            token = next(one for one in state.tokens[known:] if one.type != "text")
            at = begin if token.type == "html_inline" else _target(state, begin, token.type == "image")
            token.meta = {} if at is None else {"at": at}
        return True

    return telling


def _target(state: StateInline, begin: int, image: bool) -> int | None:
    close: int = state.md.helpers.parseLinkLabel(state, begin + image, not image)
    if state.pos <= close + 1 or state.src[close + 1] != "(":
        return None
    at = close + 2
    while state.src[at].isspace():
        at += 1
    return at


def _dangling(state: StateInline, silent: bool) -> bool:
    """A rule for references that nothing defines; `row[0][1]` and footnotes are none."""
    begin, end, text = state.pos, state.posMax, state.src
    if text[begin] != "[" or re.match(r"[\w\])]", text[begin - 1 : begin]):
        return False
    close = state.md.helpers.parseLinkLabel(state, begin, True)
    found = _LABEL.match(text, close + 1, end) if close > 0 else None
    shown = text[begin + 1 : close].strip()
    label = (found[1] or shown).strip() if found else ""
    if found is None or not shown or not label or label.startswith("^") or shown.isdigit():
        return False
    if not silent:
        state.push("dangling", "", 0).meta = {"at": close + 2, "label": label}
        state.pos, state.posMax = begin + 1, close
        state.md.inline.tokenize(state)
    state.pos, state.posMax = found.end(), end
    return True


def _inside(token: Token) -> list[Token]:
    """What stands in the text of a block."""
    if token.type != "html_block":
        return token.children or []
    if _UNREAD.match(token.content):
        return []
    return _reader_of_html().parseInline(token.content)[0].children or []


# Where things stand.


def _pieces(token: Token, lines: Sequence[str], reached: dict[int, int], *, cell: bool) -> list[_Piece]:
    """The pieces of a block's text, in its order; `reached` is how far each line of the page was read.

    A piece with a link is found where it stands, as nothing before it in its line has a bracket.
    """
    found = []
    begin, line = 0, (token.map or [0])[0]
    # In a cell of a table each bar has a backslash before it, which the text has not.
    for text in token.content.split("|" if cell else "\n"):
        bare = text.strip()
        if bare:
            at = lines[line].find(bare, reached.get(line, 0))
            reached[line] = at + len(bare)
            found.append(_Piece(begin, line, at - text.index(bare)))
        begin += len(text) + 1
        line += not cell
    return found


def _link(pieces: Sequence[_Piece], at: int, target: str, label: str) -> Link:
    piece = pieces[bisect_right(pieces, at, key=lambda one: one.begin) - 1]
    return Link(piece.line + 1, piece.column + at - piece.begin + 1, target, label)


def _definitions(env: dict[str, Any], lines: Sequence[str]) -> Iterator[Link]:
    """The targets of the references that are defined."""
    again = ((one["label"], one) for one in env.get("duplicate_refs", ()))
    for label, one in (*env.get("references", {}).items(), *again):
        begin, end = one["map"]
        text = "\n".join(lines[begin:end])
        at = _DEFINED.search(text)
        if at is not None and not label.startswith("^"):
            line = text.count("\n", 0, at.end())
            column = at.end() - text.rfind("\n", 0, at.end())
            yield Link(begin + line + 1, column, one["href"])


# What is found.


def _leading(inner: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """Where in a text a target or a label stands, and which."""
    for one in inner:
        if one.type == "html_inline":
            yield from ((at, value, "") for name, value, at in _attributes(one) if name in {"href", "src"})
        elif "at" in one.meta:
            target = one.attrs.get("href", one.attrs.get("src", ""))
            yield one.meta["at"], str(target), one.meta.get("label", "")


def _attributes(one: Token) -> Iterator[tuple[str, str, int]]:
    """Name, value and place of the attributes of a tag that matter here."""
    if one.type == "html_inline" and not one.content.startswith("<!"):
        for found in _ATTRIBUTE.finditer(one.content):
            value = next(filter(None, found.groups()[1:]), "")
            yield found[1], unescape(value), one.meta["at"] + found.start()


def _named(inner: Sequence[Token]) -> Iterator[str]:
    """The anchors that HTML gives."""
    return (value for one in inner for name, value, _ in _attributes(one) if name in {"id", "name"})


def _titles(inner: Sequence[Token]) -> Iterator[str]:
    """The headings that are written as HTML."""
    begun: dict[str, int] = {}
    for at, one in enumerate(inner):
        found = _HEADING.match(one.content) if one.type == "html_inline" else None
        if found and not found[1]:
            begun[found[2].lower()] = at
        elif found and found[2].lower() in begun:
            yield _shown(inner[begun.pop(found[2].lower()) : at]).strip()


def _shown(inner: Iterable[Token]) -> str:
    """What people see of a text: code as it is, links as their texts, no images and no marks."""
    return "".join(one.content for one in inner if one.type in {"text", "code_inline"})
