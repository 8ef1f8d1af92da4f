"""The words and signs of an expectation, each with its column, and the reading of quoted text."""

from __future__ import annotations

import re
from typing import NamedTuple

from opsctl.prose import line, shorten

QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<regex>/(?:[^/\\\n]|\\.)*/)
  | (?P<text>{QUOTED})
  | (?P<operator>===|==|!=|<=|>=|=~|!~|=>|=<|<>|&&|\|\||<|>|=|~)
  | (?P<range>-?[0-9]{{1,18}}\s*\.\.\s*-?[0-9]{{1,18}}(?![\w.]))
  | (?P<number>-?[0-9][\w.]*%?(?:(?<=[eE])[-+][0-9]+)?)
  | (?P<word>in(?=\[)|[^\W\d][\w-]*(?:\.[\w-]+|\[\*\]|\[[0-9]{{1,9}}\]|\[(?:{QUOTED})\])*)
  | (?P<punctuation>[(),\[\]])
  | (?P<strange>\S)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"\\.|.", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


class ExpectationError(ValueError):
    """A text is no expectation; `column` (from 0) is where in it."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class Token(NamedTuple):
    """One word or sign: its kind (a group of the tokens), and where it starts."""

    kind: str
    text: str
    column: int


class Reader:
    """The tokens of a text, and how far they are read."""

    def __init__(self, text: str) -> None:
        self.end = len(text.rstrip())
        self.at = 0
        self.tokens = [
            Token(kind, found[kind], found.start(kind))
            for found in _TOKEN.finditer(text)
            if (kind := found.lastgroup or "")
        ]

    def next(self, what: str) -> Token:
        """The next token, read; ExpectationError says that `what` is missing where there is none."""
        if self.at >= len(self.tokens):
            raise ExpectationError(f"{what} is missing", self.end)
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self, kind: str, text: str) -> bool:
        """Whether this token comes next; then it is read."""
        found = self.at < len(self.tokens) and self.tokens[self.at][:2] == (kind, text)
        self.at += found
        return found

    def column(self) -> int:
        """Where the next token is, or the end of the text."""
        return self.tokens[self.at].column if self.at < len(self.tokens) else self.end


def tick(token: Token) -> str:
    """The token in backticks, safe and short, for messages."""
    return f"`{line(shorten(token.text, 40))}`"


def written(token: Token, position: int) -> int:
    """Where in a token, with its quotes and escapes, the character at `position` of its value is."""
    at = 1
    for piece in _PIECE.findall(token.text[1:-1]):
        if position <= 0:
            break
        at += len(piece)
        position -= 1 if token.kind == "text" or piece == "\\/" else len(piece)
    return at


def unquote(text: str, column: int) -> str:
    """What a quoted text at `column` says; ExpectationError for an escape that is none."""

    def character(found: re.Match[str]) -> str:
        if found[1] in _ESCAPES:
            return _ESCAPES[found[1]]
        words = f"`{line(found[0])}` is not an escape; write a backslash as `\\\\`, a pattern as `/.../`"
        raise ExpectationError(words, column + 1 + found.start())

    return _ESCAPE.sub(character, text[1:-1])
