"""Judging an expectation by what was seen: true, false, or None where it cannot be told."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NamedTuple

from opsctl.expectations import ORDERING, Pattern, Quantity, Range, Star, root, show
from opsctl.outcome import Kind, Value
from opsctl.prose import line, shorten
from opsctl.records import Judged
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.expectations import Expectation, Operand, Step

_LONGEST_SEARCHED = 1024 * 1024
_SHOWN = 80
_QUANTITIES = frozenset({Kind.DURATION, Kind.SIZE, Kind.PERCENT})


class _Absent(NamedTuple):
    """No such value; `observed` tells whether what would hold it was seen."""

    observed: bool


def judge(
    expectation: Expectation, values: Mapping[str, Value], *, warn: bool = False, why_absent: str = ""
) -> Judged:
    """Whether `values` meet the expectation: True, False, or None where it could not be told.

    An absent value, one of another type and one that is not finite are never True, nor is their
    negation. `why_absent` is shown as what was found where there was no answer at all.
    """
    found = _find(expectation, values)
    verdict = _verdict(expectation, found)
    if expectation.negated and verdict is not None:
        verdict = not verdict
    return Judged(show(expectation), verdict, _shown(expectation, found, verdict, why_absent), warn)


def _find(expectation: Expectation, values: Mapping[str, Value]) -> Value | _Absent:
    if expectation.name not in values:
        return _Absent(observed="." in expectation.name and root(expectation) in values)
    return _walk(values[expectation.name], expectation.path)


def _walk(value: Value, path: Sequence[Step]) -> Value | _Absent:
    for at, step in enumerate(path):
        if isinstance(step, Star):
            if not isinstance(value, list):
                return _Absent(observed=True)
            # A member that lacks the rest of the path is kept as a gap, so that `all` cannot pass over it.
            return [
                None if isinstance(found := _walk(member, path[at + 1 :]), _Absent) else found
                for member in value
            ]
        member = _member(value, step)
        if isinstance(member, _Absent):
            return member
        value = member
    return value


def _member(value: Value, step: str | int) -> Value | _Absent:
    if isinstance(step, str):
        return value[step] if isinstance(value, dict) and step in value else _Absent(observed=True)
    return value[step] if isinstance(value, list) and step < len(value) else _Absent(observed=True)


def _verdict(expectation: Expectation, found: Value | _Absent) -> bool | None:
    if expectation.operator == "exists":
        if isinstance(found, _Absent):
            return False if found.observed else None
        return found is not None
    if isinstance(found, _Absent):
        return None
    operator, operand = expectation.operator, expectation.operand
    if expectation.wrapper == "len":
        return (
            _compare(operator, len(found), operand, Kind.NUMBER)
            if isinstance(found, list | str | dict)
            else None
        )
    if expectation.wrapper:
        if not isinstance(found, list):
            return None
        verdicts = [_compare(operator, member, operand, expectation.kind) for member in found]
        return _any(verdicts) if expectation.wrapper == "any" else _all(verdicts)
    return _compare(operator, found, operand, expectation.kind)


def _any(verdicts: Sequence[bool | None]) -> bool | None:
    return True if True in verdicts else None if None in verdicts else False


def _all(verdicts: Sequence[bool | None]) -> bool | None:
    # Of an empty list everything and nothing is true, so it shows nothing.
    if not verdicts:
        return None
    return False if False in verdicts else None if None in verdicts else True


def _compare(operator: str, value: Value, operand: Operand, kind: Kind) -> bool | None:
    if not _fits(value, kind):
        return None
    if operator in {"==", "!="}:
        equal = _equal(value, operand)
        return equal if equal is None or operator == "==" else not equal
    if operator in ORDERING:
        return _ordered(operator, value, operand)
    if operator == "in":
        if isinstance(operand, Range):
            return operand.first <= value <= operand.last if _number(value) else None  # type: ignore[operator]  # a number
        return _any([_equal(value, member) for member in operand]) if isinstance(operand, tuple) else None
    if operator == "contains":
        return _contains(value, operand)
    if isinstance(operand, Pattern) and isinstance(value, str):
        return re.search(operand.source, value[:_LONGEST_SEARCHED]) is not None
    return None


def _fits(value: Value, kind: Kind) -> bool:
    """Whether the value is of the subject's declared type; a number that is not finite never is."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if kind is Kind.NUMBER or kind in _QUANTITIES:
        return _number(value)
    expected = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.LIST: list}.get(kind)
    return expected is None or isinstance(value, expected)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: Value, operand: object) -> bool | None:
    if isinstance(operand, Quantity):
        operand = operand.amount
    if _number(value) and _number(operand):
        return value == operand
    if isinstance(operand, tuple):
        return value == list(operand) if isinstance(value, list) else None
    if operand is None:
        return value is None
    return value == operand if type(value) is type(operand) else None


def _ordered(operator: str, value: Value, operand: Operand) -> bool | None:
    limit = operand.amount if isinstance(operand, Quantity) else operand
    if isinstance(value, bool) or isinstance(limit, bool):
        return None
    if not isinstance(value, int | float) or not isinstance(limit, int | float):
        return None
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[operator]


def _contains(value: Value, operand: Operand) -> bool | None:
    if isinstance(value, str):
        return operand in value if isinstance(operand, str) else None
    if isinstance(value, list):
        return any(_equal(member, operand) is True for member in value)
    return None


def _shown(expectation: Expectation, found: Value | _Absent, verdict: bool | None, why_absent: str) -> str:
    if isinstance(found, _Absent):
        return "nothing" if found.observed or not why_absent else shorten(line(why_absent), _SHOWN)
    text = _show_value(found, expectation)
    if verdict is None and not expectation.wrapper:
        return f"{text}, not a {_needed(expectation)}"
    return text


def _needed(expectation: Expectation) -> str:
    if expectation.kind is not Kind.JSON:
        return str(expectation.kind)
    if expectation.operator in {"matches", "contains"}:
        return "text"
    operand = expectation.operand
    member = (
        operand[0]
        if isinstance(operand, tuple) and not isinstance(operand, Range | Quantity | Pattern)
        else operand
    )
    if isinstance(member, bool):
        return "boolean"
    return "text" if isinstance(member, str) else "finite number"


def _show_value(value: Value, expectation: Expectation) -> str:
    if expectation.wrapper == "len" and isinstance(value, list | str | dict):
        return str(len(value))
    if (
        expectation.kind in _QUANTITIES
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return brief(expectation.kind, value)
    try:
        text = json.dumps(value if not isinstance(value, str) else value[: _SHOWN * 2], ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        text = f"a {type(value).__name__}"
    return shorten(line(text), _SHOWN)
