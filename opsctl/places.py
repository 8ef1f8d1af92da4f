"""Where a value stands in a file, and what is said of it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from opsctl.composing import Node, Problem, Source


class Failed:
    """What a reader answers where it has added a problem instead."""


FAILED = Failed()


class Reading:
    """One file being read: where it is, and the problems found so far.

    With `light`, only what checks need is read, so that what is wrong elsewhere keeps nobody from checking.
    """

    def __init__(self, source: Source, *, light: bool = False) -> None:
        self.source = source
        self.light = light
        self.problems: list[Problem] = []

    def fail(self, node: Node, message: str) -> Failed:
        """Add a problem at a node."""
        self.problems.append(self.source.at(node, message))
        return FAILED


class Located(NamedTuple):
    """A text with its place (counting from 0), for whatever is checked once everything is read."""

    text: str
    source: Source
    line: int
    column: int
    exact: bool

    def problem(self, message: str, offset: int = 0) -> Problem:
        """A problem `offset` characters into the text, or at its start where that cannot be told."""
        return self.source.problem(self.line, self.column + (offset if self.exact else 0), message)


def locate(node: Node, reading: Reading) -> Located:
    """A scalar node as text with its place."""
    start, end = node.start_mark, node.end_mark
    quote = 1 if node.style in {"'", '"'} else 0
    exact = start.line == end.line and end.column - start.column == len(node.value) + 2 * quote
    return Located(
        node.value, reading.source, start.line, start.column + quote if exact else start.column, exact
    )
