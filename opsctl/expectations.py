"""The language of expectations: `subject operator value`, typed, checked in full when it is parsed."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import Cause, Kind, Subject
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.units import parse as parse_quantity
from opsctl.units import show as show_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDERING = frozenset({"<", "<=", ">", ">="})
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "contains", "matches", "in", "exists")
WRAPPERS = ("any", "all", "len")
_QUANTITIES = frozenset({Kind.DURATION, Kind.SIZE, Kind.PERCENT})
_LONGEST_PATTERN = 1000
_LONGEST_TEXT = 10_000

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<regex>/(?:[^/\\\n]|\\.)*/)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<operator>==|!=|<=|>=|=~|!~|&&|\|\||<|>|=|~)
  | (?P<range>-?\d+\.\.-?\d+)
  | (?P<number>-?\d[\w.]*%?(?:(?<=[eE])[-+]\d+)?)
  | (?P<word>[A-Za-z_][\w-]*(?:\.[\w-]+|\[\*\]|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*)
  | (?P<punctuation>[(),\[\]])
  | (?P<strange>\S)
    )""",
    re.VERBOSE,
)
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_STEP = re.compile(r'\.([\w-]+)|\[(\*)\]|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t"}
_INSTEAD = {
    "=": "==",
    "~": "matches",
    "=~": "matches",
    "is": "==",
    "equals": "==",
    "like": "matches",
    "!~": "not ... matches",
}


class ExpectationError(ValueError):
    """A text is no expectation; `column` (from 0) is where in it."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class Quantity(NamedTuple):
    """A value with a unit, in seconds, bytes or percent."""

    kind: Kind
    amount: float


class Pattern(NamedTuple):
    """A regular expression, compiled when it was parsed."""

    source: str


class Range(NamedTuple):
    """Whole numbers from `first` to `last`, both in it."""

    first: int
    last: int


class Star(NamedTuple):
    """Every member of a list, in a path."""


Literal = bool | int | float | str | None | Quantity
Operand = Literal | Pattern | Range | tuple[Literal, ...]
Step = str | int | Star


class Expectation(NamedTuple):
    """One comparison. `name` is the subject; `path` leads into it where it is JSON."""

    name: str
    path: tuple[Step, ...]
    wrapper: str
    negated: bool
    operator: str
    operand: Operand
    kind: Kind
    cause: Cause

    def __str__(self) -> str:
        return show(self)


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def root(expectation: Expectation) -> str:
    """The first word of the subject: what a probe must look at to serve it."""
    return expectation.name.partition(".")[0]


def parse(text: str, subjects: Mapping[str, Subject]) -> Expectation:
    """The expectation in `text` about one of `subjects`; ExpectationError where it is none."""
    return _parse_cached(text, _Subjects(subjects))


class _Subjects:
    """The subjects of one kind, hashed by identity: they are constants of its class."""

    def __init__(self, mapping: Mapping[str, Subject]) -> None:
        self.mapping = mapping

    def __hash__(self) -> int:
        return id(self.mapping)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subjects) and self.mapping is other.mapping


@lru_cache(maxsize=20_000)
def _parse_cached(text: str, subjects: _Subjects) -> Expectation:
    return _Parser(text, subjects.mapping).expectation()


class _Parser:
    def __init__(self, text: str, subjects: Mapping[str, Subject]) -> None:
        if len(text) > _LONGEST_TEXT:
            raise ExpectationError("longer than 10,000 characters; shorten it", 0)
        self.subjects = subjects
        self.end = len(text.rstrip())
        self.tokens = [
            _Token(found.lastgroup or "", found[found.lastgroup or 0], found.start(found.lastgroup or 0))
            for found in _TOKEN.finditer(text)
        ]
        self.at = 0

    def expectation(self) -> Expectation:
        if not self.tokens:
            raise ExpectationError("an expectation is empty; write `subject operator value`", 0)
        negated = self._word("not")
        wrapper, name, path, subject = self._subject()
        operator = self._operator()
        kind = _value_kind(wrapper, subject)
        self._check_operator(operator, kind, wrapper, subject)
        operand = None if operator.text == "exists" else self._operand(name, operator.text, kind)
        if self.at < len(self.tokens):
            extra = self.tokens[self.at]
            raise ExpectationError(
                f"`{line(shorten(extra.text, 40))}` is too much; one comparison per expectation, "
                "write a second list entry",
                extra.column,
            )
        return Expectation(name, path, wrapper, negated, operator.text, operand, kind, subject.cause)

    def _next(self, what: str) -> _Token:
        if self.at >= len(self.tokens):
            raise ExpectationError(f"{what} is missing", self.end)
        self.at += 1
        return self.tokens[self.at - 1]

    def _word(self, word: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][:2] == ("word", word)
        self.at += found
        return found

    def _subject(self) -> tuple[str, str, tuple[Step, ...], Subject]:
        token = self._next("a subject")
        wrapper = ""
        if token.text in WRAPPERS and self._punctuation("("):
            wrapper = token.text
            token = self._next("a subject")
        if token.kind != "word":
            raise ExpectationError(
                f"a subject is expected here, not `{line(shorten(token.text, 40))}`; {self._known()}",
                token.column,
            )
        name, path, subject = self._resolve(token)
        if wrapper and not self._punctuation(")"):
            raise ExpectationError(f"`{wrapper}(` is not closed; add `)`", self._here())
        if Star() in path and not wrapper:
            raise ExpectationError(
                "`[*]` stands for many values; wrap it in `any(...)`, `all(...)` or `len(...)`", token.column
            )
        if wrapper in {"any", "all"} and subject.kind not in {Kind.LIST, Kind.JSON}:
            raise ExpectationError(
                f"`{name}` is a {subject.kind}, not a list; leave `{wrapper}(...)` out", token.column
            )
        if wrapper == "len" and subject.kind not in {Kind.LIST, Kind.JSON, Kind.TEXT}:
            raise ExpectationError(
                f"`{name}` is a {subject.kind} and has no length; leave `len(...)` out", token.column
            )
        return wrapper, name, path, subject

    def _punctuation(self, sign: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][:2] == ("punctuation", sign)
        self.at += found
        return found

    def _here(self) -> int:
        return self.tokens[self.at].column if self.at < len(self.tokens) else self.end

    def _resolve(self, token: _Token) -> tuple[str, tuple[Step, ...], Subject]:
        subject = self.subjects.get(token.text)
        if subject:
            return token.text, (), subject
        first = re.split(r"[.\[]", token.text, maxsplit=1)[0]
        family = self.subjects.get(f"{first}.*")
        rest = token.text[len(first) :]
        if family and rest.startswith(".") and "[" not in rest:
            return f"{first}{rest.lower()}", (), family
        subject = self.subjects.get(first)
        if subject and subject.kind is Kind.JSON:
            return first, _path(rest), subject
        names = [name.removesuffix(".*") for name in self.subjects]
        hint = suggestion(token.text, names)
        raise ExpectationError(
            f"unknown subject `{line(shorten(token.text, 60))}`{hint or '; ' + self._known()}", token.column
        )

    def _known(self) -> str:
        return f"the subjects here are {listed([name.replace('*', 'NAME') for name in self.subjects])}"

    def _operator(self) -> _Token:
        token = self._next(f"an operator ({', '.join(OPERATORS)})")
        if token.text in OPERATORS and token.kind in {"operator", "word"}:
            return token
        instead = _INSTEAD.get(token.text)
        hint = f"write `{instead}`" if instead else f"the operators are {listed(OPERATORS)}"
        raise ExpectationError(f"`{line(shorten(token.text, 40))}` is not an operator; {hint}", token.column)

    def _check_operator(self, operator: _Token, kind: Kind, wrapper: str, subject: Subject) -> None:
        allowed = _ALLOWED[kind]
        if operator.text == "exists" and wrapper:
            allowed = allowed - {"exists"}
        if operator.text not in allowed:
            what = (
                "a member of a list"
                if wrapper in {"any", "all"} and subject.kind is Kind.LIST
                else f"a {kind}"
            )
            fitting = [word for word in OPERATORS if word in allowed]
            raise ExpectationError(
                f"`{operator.text}` does not go with {what}; use {ticked(fitting)}",
                operator.column,
            )

    def _operand(self, name: str, operator: str, kind: Kind) -> Operand:
        token = self._next("a value")
        if operator == "matches":
            return self._pattern(token)
        if operator == "in":
            return self._members(token, name, kind)
        if token == ("punctuation", "[", token.column) and kind is Kind.LIST:
            return self._list(name, Kind.TEXT)
        if kind is Kind.LIST:
            return self._literal(token, name, Kind.TEXT)
        literal = self._literal(token, name, kind)
        if (
            kind is Kind.JSON
            and operator in ORDERING
            and (isinstance(literal, bool) or not isinstance(literal, int | float))
        ):
            raise ExpectationError(f"`{operator}` needs a number; write it without quotes", token.column)
        if kind is Kind.JSON and operator == "contains" and isinstance(literal, Quantity):
            raise ExpectationError("a value in JSON has no unit; write a text or a number", token.column)
        return literal

    def _pattern(self, token: _Token) -> Pattern:
        if token.kind == "regex":
            source = token.text[1:-1].replace("\\/", "/")
        elif token.kind == "text":
            source = _unquote(token.text)
        else:
            raise ExpectationError("a regular expression is expected here; write `/pattern/`", token.column)
        if len(source) > _LONGEST_PATTERN:
            raise ExpectationError("a regular expression of over 1,000 characters; shorten it", token.column)
        try:
            re.compile(source)
        except (re.error, OverflowError, RecursionError) as error:
            position = getattr(error, "pos", None) or 0
            raise ExpectationError(
                f"not a regular expression: {error}", token.column + 1 + position
            ) from error
        return Pattern(source)

    def _members(self, token: _Token, name: str, kind: Kind) -> Operand:
        if token.kind == "range":
            if kind not in {Kind.NUMBER, Kind.JSON}:
                raise ExpectationError(
                    f"a range is of whole numbers, and `{name}` is a {kind}; write a list", token.column
                )
            first, last = (int(end) for end in token.text.split(".."))
            if first > last:
                raise ExpectationError("the range is empty; write the smaller number first", token.column)
            return Range(first, last)
        if token[:2] != ("punctuation", "["):
            raise ExpectationError(
                "a list or range is expected here; write `[200, 204]` or `200..299`", token.column
            )
        return self._list(name, kind)

    def _list(self, name: str, kind: Kind) -> tuple[Literal, ...]:
        members: list[Literal] = []
        while not self._punctuation("]"):
            if members and not self._punctuation(","):
                raise ExpectationError("`,` or `]` is missing in the list", self._here())
            members.append(self._literal(self._next("a value or `]`"), name, kind))
        if not members:
            raise ExpectationError(
                "the list is empty, so nothing could be in it; add a value", self._here() - 1
            )
        return tuple(members)

    def _literal(self, token: _Token, name: str, kind: Kind) -> Literal:
        if kind in _QUANTITIES:
            return self._quantity(token, name, kind)
        if token.kind == "text" and kind in {Kind.TEXT, Kind.JSON}:
            return _unquote(token.text)
        if token.kind == "word" and token.text in {"true", "false"} and kind in {Kind.BOOLEAN, Kind.JSON}:
            return token.text == "true"
        if token.kind == "word" and token.text == "null" and kind is Kind.JSON:
            return None
        if (
            token.kind == "number"
            and kind in {Kind.NUMBER, Kind.JSON}
            and _PLAIN_NUMBER.fullmatch(token.text)
        ):
            number = float(token.text)
            if not math.isfinite(number):
                raise ExpectationError("the number is too large", token.column)
            return int(token.text) if re.fullmatch(r"-?\d+", token.text) else number
        raise ExpectationError(_wrong_literal(token, name, kind), token.column)

    def _quantity(self, token: _Token, name: str, kind: Kind) -> Quantity:
        if token.kind != "number":
            raise ExpectationError(_wrong_literal(token, name, kind), token.column)
        if _PLAIN_NUMBER.fullmatch(token.text):
            raise ExpectationError(_wrong_literal(token, name, kind), token.column)
        try:
            return Quantity(kind, parse_quantity(kind, token.text))
        except ValueError as error:
            raise ExpectationError(f"`{name}` is a {kind}: {error}", token.column) from error


def _wrong_literal(token: _Token, name: str, kind: Kind) -> str:
    shown = line(shorten(token.text, 40))
    number = shown if _PLAIN_NUMBER.fullmatch(token.text) else "10"
    instead = {
        Kind.DURATION: f"write `{number}ms` or `{number}s`",
        Kind.SIZE: f"write `{number}kB` or `{number}MB`",
        Kind.PERCENT: f"write `{number}%`",
        Kind.NUMBER: "write a number without a unit or quotes",
        Kind.BOOLEAN: "write `true` or `false`",
        Kind.TEXT: f'write "{shown.strip(chr(34))}" in quotes',
        Kind.JSON: f'write a text in quotes ("{shown.strip(chr(34))}"), a plain number, true, false or null',
    }.get(kind, "write a text in quotes")
    return f"`{name}` is a {kind} and `{shown}` is not; {instead}"


def _value_kind(wrapper: str, subject: Subject) -> Kind:
    if wrapper == "len":
        return Kind.NUMBER
    if wrapper and subject.kind is Kind.LIST:
        return Kind.TEXT
    return subject.kind


_ALLOWED: dict[Kind, frozenset[str]] = {
    **{kind: frozenset({"==", "!=", "in", "exists", *ORDERING}) for kind in (Kind.NUMBER, *_QUANTITIES)},
    Kind.TEXT: frozenset({"==", "!=", "in", "exists", "contains", "matches"}),
    Kind.BOOLEAN: frozenset({"==", "!=", "exists"}),
    Kind.LIST: frozenset({"==", "!=", "contains", "exists"}),
    Kind.JSON: frozenset(OPERATORS),
}


def _path(rest: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for found in _STEP.finditer(rest):
        key, star, index, quoted = found.groups()
        if star:
            steps.append(Star())
        elif index:
            steps.append(int(index[:9]))
        else:
            steps.append(key if key is not None else _ESCAPE.sub(_unescape, quoted))
    return tuple(steps)


def _unquote(text: str) -> str:
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def show(expectation: Expectation) -> str:
    """The expectation in its one canonical spelling; parsing that gives the same expectation."""
    subject = expectation.name + "".join(_show_step(step) for step in expectation.path)
    if expectation.wrapper:
        subject = f"{expectation.wrapper}({subject})"
    words = [*(["not"] if expectation.negated else []), subject, expectation.operator]
    if expectation.operator != "exists":
        words.append(_show_operand(expectation.operand))
    return " ".join(words)


def _show_step(step: Step) -> str:
    if isinstance(step, Star):
        return "[*]"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{_quote(step)}]"


def _show_operand(operand: Operand) -> str:
    if isinstance(operand, Pattern):
        return (
            _quote(operand.source)
            if "/" in operand.source or "\\" in operand.source[-1:] or "\n" in operand.source
            else f"/{operand.source}/"
        )
    if isinstance(operand, Quantity):
        return show_quantity(operand.kind, operand.amount)
    if isinstance(operand, Range):
        return f"{operand.first}..{operand.last}"
    if isinstance(operand, tuple):
        return f"[{', '.join(_show_operand(member) for member in operand)}]"
    return _quote(operand) if isinstance(operand, str) else json.dumps(operand)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
