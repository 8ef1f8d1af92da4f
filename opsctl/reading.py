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
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from opsctl.limits import Between, Matching, NotEmpty, OneOrMore, Unit
from opsctl.places import FAILED, Located, Reading
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.scalars import (
    STANDARD,
    expected,
    quantity,
    read_boolean,
    read_integer,
    read_located,
    read_number,
    read_pattern,
    read_template,
    read_text,
)
from opsctl.secrets import Template

if typing.TYPE_CHECKING:
    from opsctl.composing import Node

Reader = Callable[["Node", "Reading"], Any]


class ReadWith(NamedTuple):
    """In Annotated: read by this function, and described to editors by that one."""

    read: Callable[[Node, Reading], Any]
    schema: Callable[[], dict[str, Any]]


def read(type_: Any, node: Node, reading: Reading) -> Any:
    """The node as a value of the annotation `type_`, or FAILED with the problems added to `reading`."""
    return _reader(type_)(node, reading)


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
        return read_pattern
    if origin in {Union, types.UnionType} and len(arguments) == 2 and arguments[1] is type(None):
        return _reader(arguments[0])
    raise TypeError(f"no way to read {type_!r}")


def _annotated(type_: Any) -> Reader:
    inner, *limits = get_args(type_)
    for limit in limits:
        if isinstance(limit, ReadWith):
            return limit.read
    unit = unit_of(type_)
    reader = quantity(unit) if unit else _reader(inner)
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


def _literal(allowed: tuple[Any, ...]) -> Reader:
    def read_literal(node: Node, reading: Reading) -> Any:
        value = read_text(node, reading) if isinstance(allowed[0], str) else read_integer(node, reading)
        if value is FAILED or value in allowed:
            return value
        words = [str(word) for word in allowed]
        hint = suggestion(str(value), words)
        return reading.fail(node, f"`{line(shorten(str(value), 60))}` is not one of {ticked(words)}{hint}")

    return read_literal


def _list(member: Reader) -> Reader:
    def read_list(node: Node, reading: Reading) -> Any:
        if node.id != "sequence":
            return expected(node, reading, "a list")
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
            return expected(node, reading, "a mapping")
        pairs = [
            (key_reader(key, reading) if _is_key(key) else FAILED, value_reader(value, reading))
            for key, value in node.value
        ]
        return FAILED if any(FAILED in (key, value) for key, value in pairs) else dict(pairs)

    return read_mapping


def _is_key(node: Node) -> bool:
    """Whether a key is text at all; composing has already reported the others."""
    return node.id == "scalar" and (bool(node.style) or node.tag == STANDARD + "str")


class _Field(NamedTuple):
    name: str
    reader: Reader
    required: bool


@cache
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
                return expected(node, reading, "a mapping")
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
    str: read_text,
    int: read_integer,
    float: read_number,
    bool: read_boolean,
    Template: read_template,
    Located: read_located,
}
