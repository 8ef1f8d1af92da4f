"""A Markdown page as a runbook: its front matter says what it is, its annotated code blocks are the steps."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.composing import Problem, Source, compose
from opsctl.front_matter import compose_front, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from opsctl.composing import Node
    from opsctl.front_matter import Page

_TERMS = re.compile(r"\s*([\w-]+)\s*(\{.*\})\s*")
# The languages of code blocks that are scripts; any other names the kind of a step.
_SHELLS = {"sh": "shell", "shell": "shell", "bash": "shell"}
_TEXT, _MAP, _LIST = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))


class _Block(NamedTuple):
    """A code block with braces behind its language: where they stand, and the text of the block."""

    line: int
    column: int
    language: str
    terms: str
    text: str


def compose_page(data: bytes, name: str) -> tuple[Node | None, Source, list[Problem]]:
    """The page as the YAML of a file with one runbook, each part at the place where it stands.

    None without a problem for a page whose front matter names no `runbook:`; that is for people only.
    """
    try:
        # In Markdown a carriage return alone ends a line too.
        page = page_of(data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n"))
    except UnicodeDecodeError:
        return None, Source(name, ()), []
    if not any(one.startswith("runbook:") for one in page.front):
        return None, Source(name, page.lines), []
    front, source, problems = compose_front(page, name)
    if front is None:
        return None, source, problems
    tokens = _read(page)
    steps = []
    for block in _blocks(tokens, page.lines):
        step, found = _step(block, name)
        problems += found
        steps += [step] if step is not None else []
    if problems:
        return None, source, problems
    return _page(front, steps, _title(tokens)), source, []


def _read(page: Page) -> Sequence[Token]:
    """The blocks of the page as its readers see them: what is in a comment or in another block is none."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable("inline").parse("\n".join(page.visible))


def _blocks(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[_Block]:
    for token in tokens:
        found = _TERMS.fullmatch(token.info) if token.type == "fence" else None
        if found and token.map:
            line = token.map[0]
            yield _Block(line, lines[line].index("{"), found[1], found[2], token.content.removesuffix("\n"))


def _title(tokens: Sequence[Token]) -> str:
    """The first heading of the first level."""
    found = (text.content for one, text in pairwise(tokens) if (one.type, one.tag) == ("heading_open", "h1"))
    return next(found, "")


def _step(block: _Block, name: str) -> tuple[Any, list[Problem]]:
    """The step of a code block: what its braces say, and its text under the key of its kind."""
    from yaml.nodes import MappingNode

    terms, _, problems = compose((" " * block.column + block.terms).encode(), name)
    problems = [one._replace(line=one.line + block.line) for one in problems]
    if terms is None or terms.id != "mapping":
        return None, problems or [Problem(name, block.line + 1, block.column + 1, "expected `{id: name}`")]
    _move(terms, block.line)
    kind = _SHELLS.get(block.language, block.language)
    mark = terms.start_mark
    value: Any = [*terms.value, (_scalar(kind, mark), _scalar(block.text, mark))]
    return MappingNode(_MAP, value, mark, terms.end_mark), []


def _move(node: Any, lines: int) -> None:
    """Place a node and all in it so many lines below."""
    from yaml import Mark

    begin, end = (
        Mark(mark.name, mark.index, mark.line + lines, mark.column, None, 0)
        for mark in (node.start_mark, node.end_mark)
    )
    node.start_mark, node.end_mark = begin, end
    for part in () if node.id == "scalar" else node.value:
        for one in part if isinstance(part, tuple) else (part,):
            _move(one, lines)


def _page(front: Any, steps: list[Any], title: str) -> Any:
    from yaml.nodes import MappingNode, SequenceNode

    pairs = {key.value: (key, value) for key, value in front.value}
    _, name = pairs.pop("runbook")
    mark = front.start_mark
    if "title" not in pairs and title:
        pairs["title"] = (_scalar("title", mark), _scalar(title, mark))
    where = steps[0].start_mark if steps else mark
    pairs["steps"] = (_scalar("steps", where), SequenceNode(_LIST, steps, where, where))
    definition = MappingNode(_MAP, list(pairs.values()), mark, front.end_mark)
    runbooks = MappingNode(_MAP, [(name, definition)], mark, front.end_mark)
    return MappingNode(_MAP, [(_scalar("runbooks", mark), runbooks)], mark, front.end_mark)


def _scalar(text: str, mark: Any) -> Any:
    from yaml.nodes import ScalarNode

    return ScalarNode(_TEXT, text, mark, mark, style='"')
