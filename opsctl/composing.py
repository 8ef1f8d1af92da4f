"""YAML text → nodes with their places, and every reason why a text is not the strict YAML we read."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from opsctl.prose import count, line, shorten

if TYPE_CHECKING:
    from yaml import Mark

LARGEST = 1024 * 1024
_DEEPEST = 50
# What YAML does not allow unescaped, and the line breaks that libyaml counts and editors do not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)")
_STANDARD = "tag:yaml.org,2002:"
_TEXT, _LIST, _MAP, _NOTHING, _MERGE = (_STANDARD + name for name in ("str", "seq", "map", "null", "merge"))
# Only a text without quotes that starts with one of these can be anything else than text.
_SUSPECT = frozenset("~nNtTfFyYoO0123456789+-.=<")
_HINTS = {
    "mapping values are not allowed": "; quote a text that holds `: `, or check the indentation",
    "cannot start any token": "; use spaces to indent, and quote a text that starts with a special character",
    "alphabetic or numeric character": "; quote a text that starts with `*` or `&`",
    "did not find expected key": "; check the indentation and the quotes of the lines above",
    "did not find expected ',' or": "; close the bracket",
    "found unexpected end of stream": "; close the quotes",
    "could not find expected ':'": "; write it as `key: value`",
    "found unknown escape character": "; double the backslash, or use single quotes",
}
# For these libyaml gives the place where it gave up, far below the place to mend.
_MEND_AT_CONTEXT = (
    "found unexpected end of stream",
    "did not find expected ',' or",
    "could not find expected ':'",
)
_WINDOW = 100


class Node(Protocol):
    """What is used of PyYAML's nodes; `value` is text, a list of nodes, or a list of pairs of them."""

    id: str
    tag: str
    value: Any
    style: str | None
    start_mark: Any
    end_mark: Any


class Problem(NamedTuple):
    """Something wrong in a file, at a place a person can go to; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"

    def render(self) -> str:
        """The problem with its line of the file and a caret under the place."""
        if not self.source.strip():
            return str(self)
        start = max(0, self.column - 1 - _WINDOW // 2) if len(self.source) > _WINDOW else 0
        shown = shorten(self.source[start:], _WINDOW)
        before = "".join("\t" if char == "\t" else " " for char in shown[: self.column - 1 - start])
        gutter = f"{self.line:>5} | "
        return f"{self}\n{gutter}{line_kept(shown)}\n{' ' * (len(gutter) - 2)}| {before}^"


def line_kept(text: str) -> str:
    """A source line made safe for a terminal, its indentation kept."""
    stripped = text.lstrip()
    return text[: len(text) - len(stripped)] + line(stripped)


class Source(NamedTuple):
    """A file's name and lines, to say where a problem is."""

    file: str
    lines: tuple[str, ...]

    def problem(self, line_index: int, column_index: int, message: str) -> Problem:
        """A problem at a place that counts from 0, as marks do."""
        # libyaml may place the end of a text on a line after its last.
        if line_index >= len(self.lines):
            line_index, column_index = max(0, len(self.lines) - 1), len(self.lines[-1]) if self.lines else 0
        text = self.lines[line_index] if self.lines else ""
        return Problem(self.file, line_index + 1, column_index + 1, message, text)

    def at(self, node: Node, message: str) -> Problem:
        """A problem at the start of a node."""
        return self.problem(node.start_mark.line, node.start_mark.column, message)


def compose(data: bytes, file: str) -> tuple[Node | None, Source, list[Problem]]:
    """The root node of one YAML document, its source, and all problems of the text; never raises.

    Refused are texts over 1 MiB, not UTF-8, or nested over 50 levels; anchors, aliases, merge keys,
    tags, several documents, duplicate keys, and keys that are not text. The node is None where the
    text has no reliable shape: after a fault of syntax, an alias, a tag or a merge key.
    """
    if len(data) > LARGEST:
        return None, Source(file, ()), [Problem(file, 1, 1, "larger than 1 MiB; split it into several files")]
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    source = Source(file, tuple(line.removesuffix("\r") for line in text.split("\n")))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        return None, source, [source.problem(*_place(before), "not UTF-8 text; save the file as UTF-8")]
    bad = [
        source.problem(
            *_place(text[: found.start()]), f"the character {line(repr(found[0]))} is not allowed; remove it"
        )
        for found in islice(_FORBIDDEN.finditer(text), 10)
    ]
    return (None, source, bad) if bad else _compose(text, source)


def _place(before: str) -> tuple[int, int]:
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)


def _compose(text: str, source: Source) -> tuple[Node | None, Source, list[Problem]]:
    import yaml

    found = _Found(source, [])
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = _build(loader(text), found)
    except yaml.MarkedYAMLError as error:
        node = None
        found.fatal(_mark(error), _plain_words(error))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        found.problems.append(source.problem(0, 0, f"not readable as YAML: {line(str(error))}; correct it"))
        node = None
    if node is None and not found.problems:
        words = "the file is empty; write `version: 1` and what you operate"
        found.problems.append(source.problem(0, 0, words))
    return (None if found.broken else node), source, sorted(found.problems, key=lambda one: one[1:3])


class _Found:
    """The problems of one text so far, and whether they leave its shape in doubt."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        self.broken = False

    def add(self, mark: Mark, message: str) -> None:
        self.problems.append(self.source.problem(mark.line, mark.column, message))

    def fatal(self, mark: Mark, message: str) -> None:
        self.broken = True
        self.add(mark, message)


def _build(loader: Any, found: _Found) -> Node | None:
    """The nodes of one document. Events are not recursive: composing them would be, in C, and crash."""
    from yaml import (
        AliasEvent,
        DocumentStartEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        ScalarNode,
        SequenceEndEvent,
        SequenceNode,
        SequenceStartEvent,
    )

    root: list[Any] = []
    members = root
    opened: list[tuple[Any, list[Any]]] = []
    documents = 0
    next_event = loader.get_event
    while (event := next_event()) is not None:
        kind = event.__class__
        if kind is ScalarEvent:
            if event.tag or event.anchor:
                _vet(event, found)
            value, tag = event.value, _TEXT
            if not event.style and (not value or value[0] in _SUSPECT):
                tag = loader.resolve(ScalarNode, value, event.implicit)
            members.append(ScalarNode(tag, value, event.start_mark, event.end_mark, event.style))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(opened) == _DEEPEST:
                found.fatal(event.start_mark, f"nested deeper than {_DEEPEST} levels; flatten it")
                return None
            _vet(event, found)
            opened.append((event, members))
            members = []
        elif kind is MappingEndEvent:
            start, outer = opened.pop()
            outer.append(_mapping(start, members, event, found))
            members = outer
        elif kind is SequenceEndEvent:
            start, outer = opened.pop()
            outer.append(SequenceNode(_LIST, members, start.start_mark, event.end_mark))
            members = outer
        elif kind is AliasEvent:
            words = f"the alias `*{line(shorten(event.anchor, 40))}` is not allowed; write it out or quote it"
            found.fatal(event.start_mark, words)
            members.append(ScalarNode(_NOTHING, "", event.start_mark, event.end_mark, ""))
        elif kind is DocumentStartEvent:
            documents += 1
            if documents == 2:
                found.fatal(event.start_mark, "a second document begins here; keep one document in a file")
                return None
    return None if not root or (root[0].tag == _NOTHING and not root[0].value) else root[0]


def _vet(event: Any, found: _Found) -> None:
    if event.tag:
        shown = line(shorten(event.tag.replace(_STANDARD, "!!"), 40))
        found.fatal(event.start_mark, f"the tag `{shown}` is not allowed; write the plain value")
    if event.anchor:
        found.add(
            event.start_mark, f"the anchor `&{line(shorten(event.anchor, 40))}` is not allowed; remove it"
        )


def _mapping(start: Any, members: list[Any], end: Any, found: _Found) -> Any:
    from yaml import MappingNode

    pairs = list(zip(members[::2], members[1::2], strict=True))
    first: dict[str, Any] = {}
    for key, _ in pairs:
        if key.tag != _TEXT:
            _refuse_key(key, found)
        elif key.value in first:
            place = first[key.value].start_mark.line + 1
            shown = line(shorten(key.value, 60))
            found.add(key.start_mark, f"duplicate key `{shown}`; first at line {place}; keep one")
        else:
            first[key.value] = key
    return MappingNode(_MAP, pairs, start.start_mark, end.end_mark)


def _refuse_key(key: Any, found: _Found) -> None:
    if key.id != "scalar":
        words = "a key must be text, not a list or a mapping; quote a text that holds `{{ }}`"
        found.fatal(key.start_mark, words)
    elif key.tag == _MERGE:
        found.fatal(key.start_mark, "the merge key `<<` is not allowed; write the keys out")
    else:
        shown = line(shorten(key.value, 40))
        found.add(key.start_mark, f'a key must be text; write it in quotes: "{shown}"')


def _mark(error: Any) -> Mark:
    mend_above = any(words in (error.problem or "") for words in _MEND_AT_CONTEXT)
    mark: Mark = (error.context_mark if mend_above else None) or error.problem_mark or error.context_mark
    return mark


def _plain_words(error: Any) -> str:
    problem = line(error.problem or "not YAML")
    hint = next((hint for words, hint in _HINTS.items() if words in problem), "; correct it")
    return f"not readable as YAML: {problem}{hint}"


def summary(problems: int, files: int) -> str:
    """`3 problems in 2 files`."""
    return f"{count('problem', problems)} in {count('file', files)}"
