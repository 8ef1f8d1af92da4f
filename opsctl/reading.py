"""YAML nodes + a dataclass → a value, or every problem with its line and column.

The supported annotations are: str, int, float, bool, `X | None`, Literal, tuple[T, ...], Mapping[str, T],
frozen dataclasses, re.Pattern[str], Template, Located, and Annotated with what `limits.py` offers or
with `ReadWith`.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from opsctl.composing import Problem, Source
from opsctl.limits import Between, Matching, NotEmpty, OneOrMore, Unit
from opsctl.outcome import Kind
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.secrets import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.nodes import Node

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
# YAML 1.2 reads these as numbers and YAML 1.1 as text.
_NUMBER_IN_12 = re.compile(r"0o[0-7]+|[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?")


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
    return Located(node.value, reading.source, start.line, start.column + quote if exact else start.column, exact)


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
    unit = next((limit for limit in limits if isinstance(limit, Unit)), None)
    reader = _quantity(unit) if unit else _reader(inner)
    if any(isinstance(limit, OneOrMore) for limit in limits):
        reader = _one_or_more(reader, _reader(get_args(inner)[0]))
    checks = [limit for limit in limits if isinstance(limit, Between | NotEmpty | Matching)]
    return _limited(reader, checks) if checks else reader


def _limited(reader: Reader, limits: list[Any]) -> Reader:
    def read_limited(node: Node, reading: Reading) -> Any:
        value = reader(node, reading)
        if value is FAILED:
            return FAILED
        for limit in limits:
            words = _exceeded(limit, value)
            if words:
                return reading.fail(node, words)
        return value

    return read_limited


def _exceeded(limit: Any, value: Any) -> str:
    if isinstance(limit, Between) and value is not None and not limit.least <= value <= limit.most:
        return f"must be from {limit.least:g} to {limit.most:g}"
    if isinstance(limit, NotEmpty) and not (value.text if isinstance(value, Template) else value):
        return "must not be empty"
    if isinstance(limit, Matching):
        text = value.text if isinstance(value, Template | Located) else value
        if not re.fullmatch(limit.pattern, text):
            return f"`{line(shorten(text, 60))}` is not allowed here; use {limit.words}"
    return ""


def _kind(node: Node) -> str:
    name = node.tag.removeprefix(_STANDARD)
    return _TYPES.get(name, "something else")


def _expected(node: Node, reading: Reading, what: str) -> _Failed:
    return reading.fail(node, f"expected {what}, got {_kind(node)}")


def _text(node: Node, reading: Reading) -> Any:
    if node.id != "scalar":
        return _expected(node, reading, "text")
    if not node.style and (node.tag != _STANDARD + "str" or _NUMBER_IN_12.fullmatch(node.value)):
        got = "a number" if node.tag == _STANDARD + "str" else _kind(node)
        hint = f'; write it in quotes: "{line(shorten(node.value, 40))}"' if node.value else ""
        return reading.fail(node, f"expected text, got {got}{hint}")
    return node.value


def _template(node: Node, reading: Reading) -> Any:
    text = _text(node, reading)
    if text is FAILED:
        return FAILED
    template = Template(text)
    if "${" in text:
        try:
            tuple(template.references())
        except ValueError as error:
            return reading.fail(node, str(error))
    return template


def _located(node: Node, reading: Reading) -> Any:
    return FAILED if _text(node, reading) is FAILED else locate(node, reading)


def _integer(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or not _INTEGER.fullmatch(node.value):
        if node.id == "scalar" and node.tag == _STANDARD + "int":
            return reading.fail(node, f"`{line(node.value)}` is not a plain whole number; write it with digits only, without a leading 0")
        return _expected(node, reading, "a whole number")
    return int(node.value[:20])


def _number(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or not _DECIMAL.fullmatch(node.value):
        return _expected(node, reading, "a number")
    return float(node.value)


def _boolean(node: Node, reading: Reading) -> Any:
    if node.id != "scalar" or node.style or node.value not in {"true", "false"}:
        if node.id == "scalar" and node.tag == _STANDARD + "bool":
            return reading.fail(node, f"`{node.value}` reads differently from tool to tool; write true or false")
        return _expected(node, reading, "true or false")
    return node.value == "true"


def _pattern(node: Node, reading: Reading) -> Any:
    text = _text(node, reading)
    if text is FAILED:
        return FAILED
    try:
        return re.compile(text)
    except re.error as error:
        return reading.fail(node, f"not a regular expression: {error}")


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
        pairs = [(key_reader(key, reading), value_reader(value, reading)) for key, value in node.value]
        return FAILED if any(FAILED in (key, value) for key, value in pairs) else dict(pairs)

    return read_mapping


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


def _dataclass(cls: Any) -> Reader:
    known = {
        key: _Field(name, _reader(hint), default is MISSING)
        for key, (name, hint, default) in yaml_fields(cls).items()
    }
    required = [key for key, field in known.items() if field.required]
    shorthand: str = getattr(cls, "SHORTHAND", "")

    def read_dataclass(node: Node, reading: Reading) -> Any:
        if node.id != "mapping":
            if not shorthand:
                return _expected(node, reading, "a mapping")
            value = known[shorthand].reader(node, reading)
            return FAILED if value is FAILED else _make(cls, {shorthand: value}, {shorthand: node}, node, reading)
        values: dict[str, Any] = {}
        places: dict[str, Node] = {}
        for key_node, value_node in node.value:
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
        reading.fail(places.get(field, node), message)
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
