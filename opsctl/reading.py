"""YAML nodes + a dataclass → a value, or every problem with its line and column.

The supported annotations are: str, int, float, bool, `X | None`, Literal, tuple[T, ...], Mapping[str, T],
frozen dataclasses, re.Pattern[str], Template, Located, and Annotated with what `limits.py` offers or
with `ReadWith`.
"""

from __future__ import annotations

import re
import types
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from opsctl.composing import Node, Problem, Source
from opsctl.limits import Between, Matching, NotEmpty, OneOrMore, Unit
from opsctl.outcome import Kind
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.secrets import Template

__all__ = ["FAILED", "Located", "Problem", "ReadWith", "Reading", "read"]

_STANDARD = "tag:yaml.org,2002:"
_TYPES = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "timestamp": "a date",
    "seq": "a list",
    "map": "a mapping",
    "value": "a `=`",
    "merge": "a `<<`",
}
# YAML 1.2 reads these as numbers, and the letter of YAML 1.1 those as booleans; PyYAML reads both as text.
_NUMBER_IN_12 = re.compile(r"0o[0-7]+|[-+]?[0-9]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")
_BOOLEAN_IN_11 = frozenset("yYnN")
# 18 digits fit the integers of SQLite and of every language that reads our JSON.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_REFERENCE = re.compile(r"\$\{[^}]*\}?")


class _Failed:
    """What a reader answers where it has added a problem instead."""


FAILED = _Failed()
Reader = Callable[["Node", "Reading"], Any]


class Reading:
    """One file being read: where it is, and the problems found so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def fail(self, node: Node, message: str) -> _Failed:
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


class ReadWith(NamedTuple):
    """In Annotated: read by this function, and described to editors by that one."""

    read: Callable[[Node, Reading], Any]
    schema: Callable[[], dict[str, Any]]


def read(type_: Any, node: Node, reading: Reading) -> Any:
    """The node as a value of the annotation `type_`, or FAILED with the problems added to `reading`."""
    return _reader(type_)(node, reading)


def locate(node: Node, reading: Reading) -> Located:
    """A scalar node as text with its place."""
    start, end = node.start_mark, node.end_mark
    quote = 1 if node.style in {"'", '"'} else 0
    exact = start.line == end.line and end.column - start.column == len(node.value) + 2 * quote
    return Located(
        node.value, reading.source, start.line, start.column + quote if exact else start.column, exact
    )


@cache
def _reader(type_: Any) -> Reader:
    if get_origin(type_) is Annotated:
        return _annotated(type_)
    simple = _SIMPLE.get(type_)
    if simple:
        return simple
    if is_dataclass(type_) and isinstance(type_, type):
        return _dataclass(type_)
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Literal:
        return _literal(arguments)
    if origin is tuple:
        return _list(_reader(arguments[0]))
    if origin in {Mapping, dict}:
        return _mapping(_reader(arguments[0]), _reader(arguments[1]))
    if origin is re.Pattern:
        return _pattern
    if origin in {Union, types.UnionType} and len(arguments) == 2 and arguments[1] is type(None):
        return _reader(arguments[0])
    raise TypeError(f"no way to read {type_!r}")


def _annotated(type_: Any) -> Reader:
    inner, *limits = get_args(type_)
    for limit in limits:
        if isinstance(limit, ReadWith):
            return limit.read
    unit = unit_of(type_)
    reader = _quantity(unit) if unit else _reader(inner)
    if any(isinstance(limit, OneOrMore) for limit in limits):
        many = inner if get_origin(inner) is tuple else get_args(inner)[0]
        reader = _one_or_more(reader, _reader(get_args(many)[0]))
    checks = [limit for limit in limits if isinstance(limit, Between | NotEmpty | Matching)]
    return _limited(reader, checks, unit) if checks else reader


def unit_of(type_: Any) -> Unit | None:
    """The unit that a number is written with, also where `| None` stands around it."""
    if get_origin(type_) not in {Annotated, Union, types.UnionType}:
        return None
    inner, *limits = get_args(type_)
    return next((limit for limit in limits if isinstance(limit, Unit)), None) or unit_of(inner)


def _limited(reader: Reader, limits: list[Any], unit: Unit | None) -> Reader:
    def read_limited(node: Node, reading: Reading) -> Any:
        value = reader(node, reading)
        if value is FAILED:
            return FAILED
        for limit in limits:
            words = _exceeded(limit, value, unit)
            if words:
                return reading.fail(node, words)
        return value

    return read_limited


def _exceeded(limit: Any, value: Any, unit: Unit | None) -> str:
    if isinstance(limit, Between) and not limit.least <= value <= limit.most:
        return f"must be from {_shown(limit.least, unit)} to {_shown(limit.most, unit)}"
    if isinstance(limit, NotEmpty) and not (value.text if isinstance(value, Template | Located) else value):
        return "must not be empty; write something, or leave it out"
    if isinstance(limit, Matching):
        text = value.text if isinstance(value, Template | Located) else value
        if not re.fullmatch(limit.pattern, text):
            return f"`{line(shorten(text, 60))}` is not allowed here; use {limit.words}"
    return ""


def _shown(number: float, unit: Unit | None) -> str:
    from opsctl.units import show

    return show(unit.kind, number) if unit else f"{number:.15g}"


def _kind(node: Node) -> str:
    name = node.tag.removeprefix(_STANDARD)
    return _TYPES.get(name, "something else")


def _expected(node: Node, reading: Reading, what: str) -> _Failed:
    return reading.fail(node, f"expected {what}, got {_kind(node)}")


def _bare(node: Node) -> str:
    """What some YAML reader takes a text without quotes for; empty where all take it for text."""
    if node.style:
        return ""
    if node.tag != _STANDARD + "str":
        return _kind(node)
    if node.value in _BOOLEAN_IN_11:
        return _TYPES["bool"]
    return _TYPES["int"] if _NUMBER_IN_12.fullmatch(node.value) else ""


def _not_a_number(node: Node, reading: Reading, what: str, allowed: re.Pattern[str]) -> _Failed:
    if node.id != "scalar":
        return _expected(node, reading, what)
    shown = line(shorten(node.value, 40))
    if node.style and allowed.fullmatch(node.value):
        return reading.fail(node, f"expected {what}, got text; write it without quotes: {shown}")
    if _bare(node) != _TYPES["int"]:
        return _expected(node, reading, what)
    return reading.fail(node, f"expected {what}, got `{shown}`; {_meant(node.value, what)}")


def _meant(text: str, what: str) -> str:
    """What to write in place of a number in one of the forms that readers of YAML disagree about."""
    digits = text.lstrip("+-").replace("_", "")
    if sum(map(str.isdigit, digits)) > 18:
        return "write at most 18 digits"
    if re.fullmatch("0[0-7]+", digits):
        plain, octal = digits.lstrip("0") or "0", int(digits, 8)
        return (
            f"write {plain}"
            if int(plain) == octal
            else f"write {plain}, or {octal} where it was meant as octal"
        )
    if re.fullmatch("0[xob][0-9a-fA-F]+", digits):
        return f"write {int(digits, 0)}"
    plain = digits.lstrip("0") or "0"
    if _INTEGER.fullmatch(plain) or (what == "a number" and _DECIMAL.fullmatch(plain)):
        return f"write {'-' * text.startswith('-')}{plain}"
    return "write it with decimal digits only" if what == "a whole number" else "write it as 1000 or 0.5"


def _text(node: Node, reading: Reading) -> Any:
    if node.id != "scalar":
        return _expected(node, reading, "text")
    got = _bare(node)
    if got:
        quoted = f'write it in quotes: "{line(shorten(node.value, 40))}"'
        return reading.fail(
            node, f"expected text, got {got}; {quoted if node.value else 'write it, or leave it out'}"
        )
    if "\0" in node.value:
        return reading.fail(node, "expected text, got a NUL character in it; remove it")
    return node.value


def _template(node: Node, reading: Reading) -> Any:
    text = _text(node, reading)
    if text is FAILED:
        return FAILED
    before = len(reading.problems)
    for found in _REFERENCE.finditer(text):
        words = _malformed(found[0])
        if words:
            reading.problems.append(locate(node, reading).problem(words, found.start()))
    return Template(text) if len(reading.problems) == before else FAILED


def _malformed(reference: str) -> str:
    if not reference.endswith("}"):
        return "a reference begins here and never ends; write `${env:NAME}` or `${file:PATH}`"
    try:
        tuple(Template(reference).references())
    except ValueError as error:
        return str(error)
    return ""


def _located(node: Node, reading: Reading) -> Any:
    return FAILED if _text(node, reading) is FAILED else locate(node, reading)


def _integer(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or not _INTEGER.fullmatch(node.value):
        return _not_a_number(node, reading, "a whole number", _INTEGER)
    return int(node.value)


def _number(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or not _DECIMAL.fullmatch(node.value):
        return _not_a_number(node, reading, "a number", _DECIMAL)
    return float(node.value)


def _boolean(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or node.value not in {"true", "false"}:
        if node.id == "scalar" and node.tag == _STANDARD + "bool":
            return reading.fail(
                node, f"`{node.value}` reads differently from tool to tool; write true or false"
            )
        if node.id == "scalar" and node.value in {"true", "false"}:
            return reading.fail(
                node, f"expected true or false, got text; write it without quotes: {node.value}"
            )
        return _expected(node, reading, "true or false")
    return node.value == "true"


def _pattern(node: Node, reading: Reading) -> Any:
    text = _text(node, reading)
    if text is FAILED:
        return FAILED
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text)
    except re.error as error:
        words = f"not a regular expression: {line(error.msg)}; correct it"
        reading.problems.append(locate(node, reading).problem(words, error.pos or 0))
        return FAILED
    except (OverflowError, RecursionError):
        return reading.fail(node, "a regular expression too large to use; make it smaller")


def _quantity(unit: Unit) -> Reader:
    examples = {Kind.DURATION: "10s", Kind.SIZE: "10MB", Kind.PERCENT: "90%"}

    def read_quantity(node: Node, reading: Reading) -> Any:
        from opsctl.units import parse

        if node.id != "scalar":
            return _expected(node, reading, f"a {unit.kind} such as `{examples[unit.kind]}`")
        try:
            return parse(unit.kind, node.value)
        except ValueError as error:
            return reading.fail(node, str(error))

    return read_quantity


def _literal(allowed: tuple[Any, ...]) -> Reader:
    def read_literal(node: Node, reading: Reading) -> Any:
        value = _text(node, reading) if isinstance(allowed[0], str) else _integer(node, reading)
        if value is FAILED or value in allowed:
            return value
        words = [str(word) for word in allowed]
        hint = suggestion(str(value), words)
        return reading.fail(node, f"`{line(shorten(str(value), 60))}` is not one of {ticked(words)}{hint}")

    return read_literal


def _list(member: Reader) -> Reader:
    def read_list(node: Node, reading: Reading) -> Any:
        if node.id != "sequence":
            return _expected(node, reading, "a list")
        values = [member(child, reading) for child in node.value]
        return FAILED if any(value is FAILED for value in values) else tuple(values)

    return read_list


def _one_or_more(many: Reader, one: Reader) -> Reader:
    def read_one_or_more(node: Node, reading: Reading) -> Any:
        if node.id == "sequence":
            return many(node, reading)
        value = one(node, reading)
        return FAILED if value is FAILED else (value,)

    return read_one_or_more


def _mapping(key_reader: Reader, value_reader: Reader) -> Reader:
    def read_mapping(node: Node, reading: Reading) -> Any:
        if node.id != "mapping":
            return _expected(node, reading, "a mapping")
        pairs = [
            (key_reader(key, reading) if _is_key(key) else FAILED, value_reader(value, reading))
            for key, value in node.value
        ]
        return FAILED if any(FAILED in (key, value) for key, value in pairs) else dict(pairs)

    return read_mapping


def _is_key(node: Node) -> bool:
    """Whether a key is text at all; composing has already reported the others."""
    return node.id == "scalar" and (bool(node.style) or node.tag == _STANDARD + "str")


class _Field(NamedTuple):
    name: str
    reader: Reader
    required: bool


def yaml_fields(cls: Any) -> dict[str, tuple[str, Any, Any]]:
    """YAML key → (field name, annotation, default or MISSING) of a dataclass that YAML is read into."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for field in fields(cls):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        found[field.name.rstrip("_")] = (field.name, hints[field.name], default)
    return found


@cache
def _fields(cls: Any) -> tuple[dict[str, _Field], list[str]]:
    known = {
        key: _Field(name, _reader(hint), default is MISSING)
        for key, (name, hint, default) in yaml_fields(cls).items()
    }
    return known, [key for key, field in known.items() if field.required]


def _dataclass(cls: Any) -> Reader:
    shorthand: str = getattr(cls, "SHORTHAND", "")

    def read_dataclass(node: Node, reading: Reading) -> Any:
        # Only now, since a class may hold itself.
        known, required = _fields(cls)
        if node.id != "mapping":
            if not shorthand:
                return _expected(node, reading, "a mapping")
            value = known[shorthand].reader(node, reading)
            others = [key for key in required if key != shorthand]
            if others:
                return reading.fail(node, f"expected a mapping; it needs {ticked(others, 'and')} too")
            if value is FAILED:
                return FAILED
            return _make(cls, {known[shorthand].name: value}, {shorthand: node}, node, reading)
        values: dict[str, Any] = {}
        places: dict[str, Node] = {}
        for key_node, value_node in node.value:
            if not _is_key(key_node):
                continue
            field = known.get(key_node.value)
            if field is None:
                reading.fail(key_node, unknown_key(key_node.value, known))
                continue
            places[key_node.value] = value_node
            values[field.name] = field.reader(value_node, reading)
        missing = [key for key in required if key not in places]
        if missing:
            word = "key" if len(missing) == 1 else "keys"
            reading.fail(node, f"missing {word} {ticked(missing, 'and')}")
        if missing or len(places) < len(node.value) or any(value is FAILED for value in values.values()):
            return FAILED
        return _make(cls, values, places, node, reading)

    return read_dataclass


def _make(cls: Any, values: dict[str, Any], places: dict[str, Node], node: Node, reading: Reading) -> Any:
    made = cls(**values)
    find = getattr(made, "problems", None)
    if find is None:
        return made
    found: list[tuple[str, str]] = list(find())
    for field, message in found:
        reading.fail(places.get(field.rstrip("_"), node), message)
    return FAILED if found else made


def unknown_key(key: str, known: Mapping[str, Any]) -> str:
    """What to say of a key that is not known here."""
    shown = f"unknown key `{line(shorten(str(key), 60))}`"
    return shown + (suggestion(key, known) or f"; the keys here are {listed(list(known))}" if known else "")


_SIMPLE: dict[Any, Reader] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _boolean,
    Template: _template,
    Located: _located,
}
