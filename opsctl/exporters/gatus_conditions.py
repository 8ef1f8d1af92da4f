"""Expectations as conditions of Gatus, only where they mean the same and do not pass without an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.expectations import ExpectationError, parse, show
from opsctl.expression import ORDERING, Literal, Members, Range, Star
from opsctl.importers.gatus_conditions import expectation as read_back
from opsctl.judging import judge
from opsctl.outcome import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.expectations import Expectation
    from opsctl.expression import Operand
    from opsctl.importers.gatus_conditions import Context
    from opsctl.outcome import Subject, Value

CONNECTED = "[CONNECTED] == true"
_PLACES = {
    "http": {
        "status": "[STATUS]",
        "latency": "[RESPONSE_TIME]",
        "body": "[BODY]",
        "json": "[BODY]",
        "expires_in": "[CERTIFICATE_EXPIRATION]",
    },
    "tcp": {"latency": "[RESPONSE_TIME]"},
    "tls": {"latency": "[RESPONSE_TIME]", "expires_in": "[CERTIFICATE_EXPIRATION]"},
    "ping": {"latency": "[RESPONSE_TIME]"},
    "dns": {"rcode": "[DNS_RCODE]", "answers": "[BODY]", "latency": "[RESPONSE_TIME]"},
}
_CONNECTED = {
    ("http", "status > 0"),
    ("tcp", "connected == true"),
    ("tls", "valid == true"),
    ("ping", "loss < 100%"),
    ("dns", "count > 0"),
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
# What Gatus finds where no answer came; everything else is 0.
_NOTHING: Mapping[str, Value] = {"body": "", "rcode": "", "answers": [""]}
# What splits a condition, begins a function or a variable, or is cut off there is left out.
_TEXT = re.compile(r"[A-Za-z0-9_./:@%+;?&#~^'{}-]+( [A-Za-z0-9_./:@%+;?&#~^'{}-]+)*")
_HOUR = 3600
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Said(NamedTuple):
    """The conditions that an expectation becomes, with those that keep it from passing without an answer.

    Where it cannot be said there are none, and `why` says so.
    """

    conditions: tuple[str, ...] = ()
    why: str = ""


class _UnsaidError(ValueError):
    """It cannot be said; its words say why."""


def conditions(expectation: Expectation, context: Context, subjects: Mapping[str, Subject]) -> Said:
    """The conditions for an expectation about `subjects`; read back they give the same expectation."""
    meant = _plain(expectation)
    if (context.type, show(meant)) in _CONNECTED:
        return Said((CONNECTED,))
    try:
        written = _condition(meant, context)
        if _again(written, context, subjects) != show(meant):
            raise _UnsaidError("a condition there cannot say it")
        return Said((*_guards(meant), written))
    except _UnsaidError as error:
        return Said(why=str(error))


def _plain(expectation: Expectation) -> Expectation:
    """The same without `not`, where an operator says it."""
    if expectation.negated and expectation.operator in _OPPOSITE and not expectation.wrapper:
        return expectation._replace(negated=False, operator=_OPPOSITE[expectation.operator])
    return expectation


def _again(written: str, context: Context, subjects: Mapping[str, Subject]) -> str:
    try:
        return show(parse(read_back(written, context, "")[0], subjects))
    except ExpectationError:
        return ""


def _condition(one: Expectation, context: Context) -> str:
    if one.name not in _PLACES[context.type]:
        raise _UnsaidError(f"nothing there is about `{one.name}`")
    place = _PLACES[context.type][one.name] + _path(one)
    if one.operator == "exists":
        if one.negated:
            raise _UnsaidError("there it passes where the answer is no JSON")
        return f"has({place}) == true"
    if one.wrapper == "len":
        return f"len({place}) {one.operator} {_operand(one)}"
    equal = "!=" if one.negated else "=="
    if one.operator == "in" or (one.operator == "contains" and one.name == "answers"):
        return f"{place} {equal} {_operand(one)}"
    if one.operator == "contains":
        return f"{place} {equal} pat(*{_operand(one)}*)"
    return f"{place} {one.operator} {_operand(one)}"


def _path(one: Expectation) -> str:
    said = ""
    for step in one.path:
        if isinstance(step, Star) or (isinstance(step, str) and not _KEY.fullmatch(step)):
            raise _UnsaidError("a path there cannot say it")
        said += f"[{step}]" if isinstance(step, int) else f".{step}"
    return said


def _operand(one: Expectation) -> str:
    operand: Operand = one.operand
    if isinstance(operand, Literal):
        return _literal(operand, hours=one.name == "expires_in")
    if isinstance(operand, Members):
        return f"any({', '.join(_literal(member) for member in operand.literals)})"
    if isinstance(operand, Range) and operand.first % 100 == 0 and operand.last == operand.first + 99:
        return f"pat({operand.first // 100}*)"
    raise _UnsaidError("a condition there cannot say it")


def _literal(literal: Literal, *, hours: bool = False) -> str:
    value = literal.value
    if isinstance(value, bool):
        return str(value).lower()
    if literal.kind is Kind.DURATION and isinstance(value, int | float):
        return _span(float(value), hours=hours)
    if isinstance(value, int | float):
        if value != int(value) or abs(value) > 2**53:
            raise _UnsaidError("what is no whole number is 0 there")
        return str(int(value))
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise _UnsaidError("a condition there cannot hold this value")
    return value


def _span(seconds: float, *, hours: bool) -> str:
    if hours and seconds >= _HOUR and seconds % _HOUR == 0:
        return f"{int(seconds // _HOUR)}h"
    whole = round(seconds * 1000)
    if abs(whole / 1000 - seconds) > 1e-9 or whole < 0:
        raise _UnsaidError("durations there are whole milliseconds")
    return f"{whole}"


def _guards(one: Expectation) -> tuple[str, ...]:
    """What keeps the condition from passing where nothing was seen, which is 0 or something else there."""
    if one.name != "json":
        return (CONNECTED,) if judge(one, {one.name: _NOTHING.get(one.name, 0)}).verdict else ()
    # A number stands for what the path leads to, or for its length.
    counted = one._replace(path=(), wrapper="")
    if (one.operator in ORDERING or one.wrapper) and judge(counted, {"json": 0}).verdict:
        raise _UnsaidError("what is no number is 0 there, which passes")
    return (f"has([BODY]{_path(one)}) == true",) if one.operator == "!=" or one.negated else ()
