"""What an expectation compares with: literals, lists, ranges and patterns, each fit for its subject."""

from __future__ import annotations

import math
import re
import warnings
from typing import NamedTuple

from opsctl.expression import (
    ORDERING,
    QUANTITIES,
    Literal,
    Members,
    Operand,
    Pattern,
    Range,
    Step,
    show_subject,
)
from opsctl.outcome import Kind, Subject
from opsctl.prose import line, shorten
from opsctl.tokens import ExpectationError, Reader, Token, unquote, written
from opsctl.units import parse as parse_quantity

_LONGEST_PATTERN = 1000
_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
WORDS = {
    Kind.NUMBER: "a number",
    Kind.DURATION: "a duration",
    Kind.SIZE: "a size",
    Kind.PERCENT: "a percentage",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "true or false",
    Kind.LIST: "a list",
    Kind.JSON: "JSON",
}


class About(NamedTuple):
    """What an expectation is about: a subject, the way into it, and the kind of what is compared."""

    name: str
    entry: str
    path: tuple[Step, ...]
    wrapper: str
    subject: Subject
    kind: Kind

    def __str__(self) -> str:
        return f"`{line(shorten(show_subject(self.wrapper, self.name, self.path), 60))}`"


def operand_of(reader: Reader, operator: str, about: About) -> Operand:
    """Read what the subject is compared with; ExpectationError where that does not fit it."""
    token = reader.next("a value")
    if operator == "matches":
        return _pattern(token)
    if operator == "in":
        return _choice(reader, token, about)
    if about.kind is Kind.LIST and operator != "contains":
        if token.text != "[":
            raise ExpectationError(f'{about} is a list; write a list, as `["a", "b"]`', token.column)
        return _members(reader, about)
    literal = _literal(token, about)
    if about.kind is Kind.JSON and operator in ORDERING and literal.kind is not Kind.NUMBER:
        raise ExpectationError(f"`{operator}` needs a number, written without quotes", token.column)
    if operator == "contains" and literal.value == "":
        raise ExpectationError("the empty text is in every text; write what to look for", token.column)
    return literal


def _choice(reader: Reader, token: Token, about: About) -> Members | Range:
    if token.kind == "range":
        if about.kind not in {Kind.NUMBER, Kind.JSON}:
            words = f"a range is of plain numbers, and {about} is {WORDS[about.kind]}; write a list"
            raise ExpectationError(words, token.column)
        first, last = (int(end) for end in token.text.split(".."))
        if first > last:
            raise ExpectationError("the range is empty; write the smaller number first", token.column)
        return Range(first, last)
    if token.text != "[":
        raise ExpectationError("write a list or a range, as `[200, 204]` or `200..299`", token.column)
    members = _members(reader, about)
    if not members.literals:
        raise ExpectationError("nothing is in an empty list; write what may be in it", token.column)
    return members


def _members(reader: Reader, about: About) -> Members:
    literals: list[Literal] = []
    while not reader.skip("punctuation", "]"):
        if literals and not reader.skip("punctuation", ","):
            raise ExpectationError("`,` or `]` is missing in the list", reader.column())
        literals.append(_literal(reader.next("a value or `]`"), about))
    return Members(tuple(literals))


def _literal(token: Token, about: About) -> Literal:
    kind = Kind.TEXT if about.kind is Kind.LIST else about.kind
    json = kind is Kind.JSON
    plain = token.kind == "number" and _NUMBER.fullmatch(token.text)
    if kind in QUANTITIES and token.kind == "number" and not plain:
        try:
            return Literal(kind, parse_quantity(kind, token.text))
        except ValueError as error:
            raise ExpectationError(str(error), token.column) from error
    if token.kind == "text" and (json or kind is Kind.TEXT):
        return Literal(Kind.TEXT, unquote(token.text, token.column))
    if token.text in {"true", "false"} and (json or kind is Kind.BOOLEAN):
        return Literal(Kind.BOOLEAN, token.text == "true")
    if token.text == "null" and json:
        return Literal(Kind.JSON, None)
    if plain and (json or kind is Kind.NUMBER):
        number = float(token.text)
        if not math.isfinite(number):
            raise ExpectationError("the number is too large; write a smaller one", token.column)
        return Literal(Kind.NUMBER, int(token.text) if _WHOLE.fullmatch(token.text) else number)
    raise ExpectationError(_wrong(token, about, kind), token.column)


def _wrong(token: Token, about: About, kind: Kind) -> str:
    shown = line(shorten(token.text, 40))
    number = shown if token.kind == "number" and _NUMBER.fullmatch(token.text) else "10"
    text = f'write "{shown}" in quotes' if token.kind in {"word", "number"} else "write text in quotes"
    instead = {
        Kind.NUMBER: f"`{shown}` is not one; write it as `10`, without a unit or quotes",
        Kind.DURATION: f"write `{number}ms` or `{number}s`",
        Kind.SIZE: f"write `{number}kB` or `{number}MB`",
        Kind.PERCENT: f"write `{number}%`",
        Kind.TEXT: text,
        Kind.BOOLEAN: "write `true` or `false`",
        Kind.JSON: f"{text}, or a number without a unit, true, false or null",
    }[kind]
    held = "is a list of text" if about.kind is Kind.LIST else f"is {WORDS[kind]}"
    return f"{about} {held}; {instead}"


def _pattern(token: Token) -> Pattern:
    if token.kind not in {"regex", "text"}:
        raise ExpectationError("write a regular expression, as `/pattern/`", token.column)
    is_text = token.kind == "text"
    source = unquote(token.text, token.column) if is_text else token.text[1:-1].replace("\\/", "/")
    if not source:
        raise ExpectationError("the empty pattern matches every text; write what to look for", token.column)
    if len(source) > _LONGEST_PATTERN:
        words = f"a regular expression of over {_LONGEST_PATTERN:,} characters; shorten it"
        raise ExpectationError(words, token.column)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            return Pattern(re.compile(source))
    except (ValueError, re.error, OverflowError, RecursionError, FutureWarning) as error:
        column = token.column + written(token, getattr(error, "pos", None) or 0)
        reason = getattr(error, "msg", None) or str(error)
        raise ExpectationError(f"not a regular expression: {line(reason)}", column) from error
