"""YAML text → nodes with their places, and every reason why a text is not the strict YAML we read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.prose import count, line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from yaml.nodes import Node

LARGEST = 1024 * 1024
_DEEPEST = 50
# libyaml's composer recurses in C and would crash the process at some ten thousand levels.
_DEEPEST_BRACKETS = 1000
_BRACKETS = re.compile(rb"[\[\]{}]")
_DEEP_DASHES = re.compile(rb"^(?:[ \t]*[-?][ \t]){200}", re.MULTILINE)
_STANDARD = "tag:yaml.org,2002:"
_TAGS = frozenset(
    _STANDARD + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "value", "merge")
)
_WINDOW = 100


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
        text = self.lines[line_index] if line_index < len(self.lines) else ""
        return Problem(self.file, line_index + 1, column_index + 1, message, text)

    def at(self, node: Node, message: str) -> Problem:
        """A problem at the start of a node."""
        return self.problem(node.start_mark.line, node.start_mark.column, message)


def compose(data: bytes, file: str) -> tuple[Node | None, Source, list[Problem]]:
    """The root node of one YAML document, its source, and all problems of the text; never raises.

    Refused are texts over 1 MiB, not UTF-8, or nested over 50 levels; anchors' aliases, merge keys,
    tags, several documents, duplicate keys, and keys that are not text.
    """
    if len(data) > LARGEST:
        return None, Source(file, ()), [Problem(file, 1, 1, "larger than 1 MiB; split it into several files")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start)
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1)
        return (
            None,
            Source(file, ()),
            [Problem(file, row + 1, column + 1, "not UTF-8 text; save the file as UTF-8")],
        )
    source = Source(file, tuple(text.splitlines()))
    if _too_deep(data):
        return None, source, [source.problem(0, 0, f"nested deeper than {_DEEPEST} levels; flatten it")]
    node, problems = _compose(text, source)
    if node is not None:
        problems.extend(_walk(node, source, 0, {}))
        # A cycle or a bomb may hide behind an alias, so a file that has one is not read any further.
        if any("alias" in problem.message for problem in problems):
            node = None
    return node, source, problems


def _too_deep(data: bytes) -> bool:
    depth = 0
    for bracket in _BRACKETS.findall(data):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST_BRACKETS:
            return True
    return _DEEP_DASHES.search(data) is not None


def _compose(text: str, source: Source) -> tuple[Node | None, list[Problem]]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = _plain_words(error)
        return None, [
            source.problem(mark.line, mark.column, words) if mark else Problem(source.file, 1, 1, words)
        ]
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        row, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        return None, [source.problem(row, column, "a control character is not allowed here; remove it")]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return None, [
            Problem(source.file, 1, 1, f"not readable as YAML: {line(str(error)) or 'nested too deep'}")
        ]
    if node is None:
        return None, [
            Problem(source.file, 1, 1, "the file is empty; write `version: 1` and what you operate")
        ]
    return node, []


def _plain_words(error: Any) -> str:
    problem = line(error.problem or "not YAML")
    if "expected a single document" in (error.context or ""):
        return "a second document begins here; keep one document in a file"
    if "undefined alias" in problem:
        return "an alias is not allowed; write the value out"
    hint = ""
    if "mapping values are not allowed" in problem:
        hint = "; quote a text that holds `: `"
    elif "cannot start any token" in problem:
        hint = "; use spaces to indent, and quote a text that starts with a special character"
    return f"not readable as YAML: {problem}{hint}"


def _walk(node: Node, source: Source, depth: int, seen: dict[int, Node]) -> Iterator[Problem]:
    if id(node) in seen:
        yield source.at(node, "used again by an alias (`*`); aliases are not allowed, write the value out")
        return
    if depth > _DEEPEST:
        yield source.at(node, f"nested deeper than {_DEEPEST} levels; flatten it")
        return
    if node.id != "scalar":
        seen[id(node)] = node
    if node.tag not in _TAGS or (
        node.id == "scalar" and node.style and node.tag != _STANDARD + "str" and node.style not in "|>"
    ):
        yield source.at(
            node,
            f"the tag `{line(shorten(node.tag.removeprefix(_STANDARD), 40))}` is not allowed; write the plain value",
        )
    if node.id == "sequence":
        for member in node.value:
            yield from _walk(member, source, depth + 1, seen)
    elif node.id == "mapping":
        yield from _walk_mapping(node, source, depth, seen)


def _walk_mapping(node: Node, source: Source, depth: int, seen: dict[int, Node]) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for key, value in node.value:
        if key.id != "scalar":
            yield source.at(key, "a key must be text, not a list or a mapping")
        elif key.tag == _STANDARD + "merge":
            yield source.at(key, "the merge key `<<` is not allowed; write the keys out")
        elif key.tag != _STANDARD + "str":
            yield source.at(key, f'a key must be text; write it in quotes: "{line(shorten(key.value, 40))}"')
        elif key.value in first:
            place = first[key.value].start_mark.line + 1
            yield source.at(
                key, f"duplicate key `{line(shorten(key.value, 60))}`; first at line {place}; keep one"
            )
        else:
            first[key.value] = key
        yield from _walk(value, source, depth + 1, seen)


def summary(problems: int, files: int) -> str:
    """`3 problems in 2 files`."""
    return f"{count('problem', problems)} in {count('file', files)}"
