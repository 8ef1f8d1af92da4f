"""The language of expectations: `subject operator value`, typed, checked in full when it is parsed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opsctl.expression import (
    OPERATORS,
    ORDERING,
    QUANTITIES,
    Expectation,
    Star,
    Step,
    compared,
    root,
    show,
    subject_of,
)
from opsctl.operands import WORDS, About, operand_of
from opsctl.outcome import Kind, Subject
from opsctl.prose import suggestion, ticked
from opsctl.tokens import QUOTED, ExpectationError, Reader, Token, tick, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Expectation", "ExpectationError", "parse", "root", "show", "subject_of"]

_WRAPPERS = frozenset({"any", "all", "len"})
_LONGEST_TEXT = 10_000
_LONGEST_PATH = 100

_STEP = re.compile(rf"\.([\w-]+)|\[(?:(\*)|([0-9]+)|({QUOTED}))\]")
_ONE = "one comparison per expectation; write a second list entry"
_EITHER = "there is no `or`; write `in [...]` or `matches /a|b/`"
_MORE = {"and": _ONE, "&&": _ONE, "or": _EITHER, "||": _EITHER}
_INSTEAD = {
    "=": "write `==`",
    "===": "write `==`",
    "is": "write `==`",
    "equals": "write `==`",
    "<>": "write `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "~": "write `matches`",
    "=~": "write `matches`",
    "like": "write `matches`",
    "!~": "write `not` before the subject, and `matches`",
    "not": "write `not` before the subject",
    **_MORE,
}
_NUMERIC = frozenset({"==", "!=", "in", "exists", *ORDERING})
_ALLOWED = {
    **dict.fromkeys((Kind.NUMBER, *QUANTITIES), _NUMERIC),
    Kind.TEXT: frozenset({"==", "!=", "in", "exists", "contains", "matches"}),
    Kind.BOOLEAN: frozenset({"==", "!=", "exists"}),
    Kind.LIST: frozenset({"==", "!=", "contains", "exists"}),
    Kind.JSON: frozenset(OPERATORS),
}


class _Subjects:
    """The subjects of one kind of check, hashed by identity: they are constants of its class."""

    def __init__(self, mapping: Mapping[str, Subject]) -> None:
        self.mapping = mapping

    def __hash__(self) -> int:
        return id(self.mapping)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subjects) and self.mapping is other.mapping


def parse(text: str, subjects: Mapping[str, Subject]) -> Expectation:
    """The expectation in `text` about one of `subjects`; ExpectationError where it is none.

    A subject named `header.*` admits any name in place of the star, without regard to case; one of
    kind JSON admits a path below it. `subjects` must not change afterwards: parsing is cached.
    """
    return _parse_cached(text, _Subjects(subjects))


@lru_cache(maxsize=20_000)
def _parse_cached(text: str, subjects: _Subjects) -> Expectation:
    if len(text) > _LONGEST_TEXT:
        raise ExpectationError(f"longer than {_LONGEST_TEXT:,} characters; shorten it", 0)
    return _expectation(Reader(text), subjects.mapping)


def _expectation(reader: Reader, subjects: Mapping[str, Subject]) -> Expectation:
    if not reader.tokens:
        raise ExpectationError("the expectation is empty; write `subject operator value`", 0)
    negated = reader.skip("word", "not")
    about = _about(reader, subjects)
    operator = _operator(reader, about)
    operand = None if operator == "exists" else operand_of(reader, operator, about)
    if reader.at < len(reader.tokens):
        extra = reader.next("")
        raise ExpectationError(f"{tick(extra)} is too much; {_MORE.get(extra.text, _ONE)}", extra.column)
    name, entry, path, wrapper, subject, _ = about
    return Expectation(name, entry, path, wrapper, negated, operator, operand, subject.kind, subject.cause)


def _about(reader: Reader, subjects: Mapping[str, Subject]) -> About:
    token = reader.next("a subject")
    wrapper = ""
    if token.text in _WRAPPERS and reader.skip("punctuation", "("):
        wrapper, token = token.text, reader.next("a subject")
    if token.kind != "word":
        raise ExpectationError(f"{tick(token)} is not a subject; {_known(subjects)}", token.column)
    name, entry, path = _resolve(token, subjects)
    if wrapper and not reader.skip("punctuation", ")"):
        raise ExpectationError(f"`{wrapper}(` is not closed; add `)`", reader.column())
    subject = subjects[entry]
    if Star() in path and not wrapper:
        instead = "`[*]` stands for many values; wrap it in `any(...)`, `all(...)` or `len(...)`"
        raise ExpectationError(instead, token.column)
    if wrapper in {"any", "all"} and subject.kind not in {Kind.LIST, Kind.JSON}:
        words = f"`{name}` is {WORDS[subject.kind]}, not a list; leave `{wrapper}(...)` out"
        raise ExpectationError(words, token.column)
    if wrapper == "len" and subject.kind not in {Kind.LIST, Kind.JSON, Kind.TEXT}:
        words = f"`{name}` is {WORDS[subject.kind]} and has no length; leave `len(...)` out"
        raise ExpectationError(words, token.column)
    return About(name, entry, path, wrapper, subject, compared(wrapper, subject.kind))


def _resolve(token: Token, subjects: Mapping[str, Subject]) -> tuple[str, str, tuple[Step, ...]]:
    """The subject's name, its entry among the subjects, and the path into it."""
    text = token.text
    if text in subjects:
        return text, text, ()
    first = re.split(r"[.\[]", text, maxsplit=1)[0]
    rest = text[len(first) :]
    family = f"{first}.*"
    if family in subjects and rest.startswith(".") and "[" not in rest and rest.isascii():
        return first + rest.lower(), family, ()
    if first in subjects and subjects[first].kind is Kind.JSON:
        return first, first, _path(rest, token.column + len(first))
    if family in subjects:
        words = f"`{first}` needs a plain name; write `{first}.NAME`, of letters, digits, `-`, `_` and `.`"
        raise ExpectationError(words, token.column)
    names = [name.removesuffix(".*") for name in subjects]
    hint = suggestion(text, names) or suggestion(first, names)
    words = f"{hint} {_known(subjects)}" if hint else f"; {_known(subjects)}"
    raise ExpectationError(f"unknown subject {tick(token)}{words}", token.column)


def _known(subjects: Mapping[str, Subject]) -> str:
    return f"the subjects are {ticked([name.replace('*', 'NAME') for name in subjects], 'and')}"


def _path(text: str, column: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    for found in _STEP.finditer(text):
        key, star, index, quoted = found.groups()
        if quoted is not None:
            steps.append(unquote(quoted, column + found.start(4)))
        else:
            steps.append(Star() if star else int(index) if index else key)
    if len(steps) > _LONGEST_PATH:
        raise ExpectationError(f"a path of over {_LONGEST_PATH} steps; shorten it", column)
    return tuple(steps)


def _operator(reader: Reader, about: About) -> str:
    token = reader.next("an operator")
    if token.text not in OPERATORS:
        instead = _INSTEAD.get(token.text) or f"the operators are {ticked(OPERATORS, 'and')}"
        raise ExpectationError(f"{tick(token)} is not an operator; {instead}", token.column)
    allowed = _ALLOWED[about.kind] - ({"exists"} if about.wrapper else set())
    if token.text not in allowed:
        use = ticked([word for word in OPERATORS if word in allowed])
        words = f"{about} is {WORDS[about.kind]}, and `{token.text}` does not go with it; use {use}"
        raise ExpectationError(words, token.column)
    return token.text
