"""What an expectation is once it was parsed, and its one canonical spelling."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import Cause, Kind, Subject
from opsctl.units import show as show_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDERING = frozenset({"<", "<=", ">", ">="})
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "contains", "matches", "in", "exists")
QUANTITIES = frozenset({Kind.DURATION, Kind.SIZE, Kind.PERCENT})
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Literal(NamedTuple):
    """A value as it is written: its kind keeps `1` apart from `true`, and null is of kind JSON.

    Durations are in seconds, sizes in bytes, percentages from 0 to 100.
    """

    kind: Kind
    value: bool | float | str | None


class Members(NamedTuple):
    """A list of values."""

    literals: tuple[Literal, ...]


class Pattern(NamedTuple):
    """A regular expression, searched for anywhere in a text."""

    compiled: re.Pattern[str]


class Range(NamedTuple):
    """The numbers from `first` to `last`, both in it."""

    first: int
    last: int


class Star(NamedTuple):
    """Every member of a list, in a path."""


Operand = Literal | Members | Pattern | Range | None
Step = str | int | Star


class Expectation(NamedTuple):
    """One comparison.

    `name` is the subject as probes call it, `entry` the one of the mapping of subjects that admits
    it (`header.*` of `header.server`); `kind` and `cause` are that subject's. `path` leads into the
    value of a JSON subject, `wrapper` is `any`, `all`, `len` or empty; `exists` has no operand.
    """

    name: str
    entry: str
    path: tuple[Step, ...]
    wrapper: str
    negated: bool
    operator: str
    operand: Operand
    kind: Kind
    cause: Cause

    def __str__(self) -> str:
        return show(self)


def root(expectation: Expectation) -> str:
    """The first word of the subject: what a probe must look at to serve it."""
    return expectation.name.partition(".")[0]


def subject_of(expectation: Expectation, subjects: Mapping[str, Subject]) -> Subject:
    """The subject that the expectation is about; `subjects` are those it was parsed with."""
    return subjects[expectation.entry]


def compared(wrapper: str, kind: Kind) -> Kind:
    """The kind of what is compared: lengths are numbers, the members of a list are text."""
    if wrapper == "len":
        return Kind.NUMBER
    return Kind.TEXT if wrapper and kind is Kind.LIST else kind


def show(expectation: Expectation) -> str:
    """The expectation in its one canonical spelling; parsing that gives the same expectation."""
    subject = show_subject(expectation.wrapper, expectation.name, expectation.path)
    words = [*(["not"] if expectation.negated else []), subject, expectation.operator]
    if expectation.operand is not None:
        words.append(_show_operand(expectation.operand))
    return " ".join(words)


def show_subject(wrapper: str, name: str, path: tuple[Step, ...]) -> str:
    """The subject as it is written: `any(json.items[*].state)`."""
    subject = name + "".join(_show_step(step) for step in path)
    return f"{wrapper}({subject})" if wrapper else subject


def _show_step(step: Step) -> str:
    if isinstance(step, Star):
        return "[*]"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{_quote(step)}]"


def _show_operand(operand: Literal | Members | Pattern | Range) -> str:
    if isinstance(operand, Literal):
        return _show_literal(operand)
    if isinstance(operand, Members):
        return f"[{', '.join(_show_literal(member) for member in operand.literals)}]"
    if isinstance(operand, Range):
        return f"{operand.first}..{operand.last}"
    source = operand.compiled.pattern
    return _quote(source) if "/" in source or "\n" in source else f"/{source}/"


def _show_literal(literal: Literal) -> str:
    value = literal.value
    if isinstance(value, str):
        return _quote(value)
    if literal.kind in QUANTITIES and value is not None:
        return show_quantity(literal.kind, value)
    plain = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if plain else json.dumps(value)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
