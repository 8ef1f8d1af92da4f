"""Judging an expectation by what was seen: true, false, or None where it cannot be told."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from opsctl.expression import ORDERING, Literal, Members, Pattern, Range, compared, show
from opsctl.found import Gap, find, fits, is_number, length_of, shown, unseen
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.records import Judged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsctl.expression import Expectation, Operand
    from opsctl.found import Found
    from opsctl.outcome import Value

_LONGEST_SEARCHED = 1024 * 1024
_SHOWN = 80
_ORDERINGS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def judge(
    expectation: Expectation, values: Mapping[str, Value], *, warn: bool = False, why_absent: str = ""
) -> Judged:
    """Whether `values` meet the expectation: True, False, or None where it could not be told.

    An absent value, one of another type and one that is not finite are never True, nor is their
    negation; null is compared with null only by `null` itself. `why_absent` is shown as what was
    found where there was no answer at all.
    """
    found = find(expectation, values)
    verdict = _said(expectation, found)
    text = unseen(values, why_absent) if found is Gap.UNSEEN else shown(expectation, found, verdict)
    return Judged(show(expectation), verdict, shorten(line(text), _SHOWN), warn)


def holds(expectation: Expectation, values: Mapping[str, Value]) -> bool | None:
    """The verdict of `judge` alone, where nobody reads what was found."""
    return _said(expectation, find(expectation, values))


def _said(expectation: Expectation, found: Found) -> bool | None:
    verdict = _verdict(expectation, found)
    return not verdict if expectation.negated and verdict is not None else verdict


def _verdict(expectation: Expectation, found: Found) -> bool | None:
    kind = expectation.kind
    if expectation.operator == "exists":
        return _exists(found, kind)
    if not expectation.wrapper:
        return _compare(expectation.operator, found, expectation.operand, kind)
    if expectation.wrapper == "len":
        length = length_of(found, kind)
        return _compare(
            expectation.operator, Gap.UNSEEN if length is None else length, expectation.operand, Kind.NUMBER
        )
    if not isinstance(found, list):
        return None
    kind = compared(expectation.wrapper, kind)
    verdicts = [_compare(expectation.operator, one, expectation.operand, kind) for one in found]
    return _any(verdicts) if expectation.wrapper == "any" else _all(verdicts)


def _exists(found: Found, kind: Kind) -> bool | None:
    if found is None or found is Gap.MISSING:
        return False
    return True if fits(found, kind) else None


def _any(verdicts: Sequence[bool | None]) -> bool | None:
    return True if True in verdicts else None if None in verdicts else False


def _all(verdicts: Sequence[bool | None]) -> bool | None:
    # Of an empty list everything and nothing is true, so it shows nothing.
    if not verdicts:
        return None
    return False if False in verdicts else None if None in verdicts else True


def _compare(word: str, value: Found, operand: Operand, kind: Kind) -> bool | None:
    if not fits(value, kind):
        return None
    if word in {"==", "!="}:
        equal = _equal_list(value, operand) if isinstance(operand, Members) else _equal(value, operand)
        return equal if equal is None or word == "==" else not equal
    if word in ORDERING:
        return _ordered(word, value, operand)
    if isinstance(operand, Members):
        return _any([_equal(value, member) for member in operand.literals])
    if isinstance(operand, Range):
        return operand.first <= value <= operand.last if is_number(value) else None
    return _matches(value, operand) if isinstance(operand, Pattern) else _contains(value, operand)


def _matches(value: Found, pattern: Pattern) -> bool | None:
    # The cap bounds the time of a search; patterns come from the workspace's own authors.
    return pattern.compiled.search(value[:_LONGEST_SEARCHED]) is not None if isinstance(value, str) else None


def _equal(value: Found, operand: Operand) -> bool | None:
    if not isinstance(operand, Literal) or not fits(value, Kind.JSON):
        return None
    if operand.value is None:
        return value is None
    return value == operand.value if fits(value, operand.kind) else None


def _equal_list(value: Found, operand: Members) -> bool | None:
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        return None
    return value == [literal.value for literal in operand.literals]


def _ordered(word: str, value: Found, operand: Operand) -> bool | None:
    limit = operand.value if isinstance(operand, Literal) else None
    return _ORDERINGS[word](value, limit) if is_number(value) and is_number(limit) else None


def _contains(value: Found, operand: Operand) -> bool | None:
    if isinstance(value, list):
        return _any([_equal(member, operand) for member in value])
    if isinstance(value, str) and isinstance(operand, Literal) and isinstance(operand.value, str):
        return operand.value in value
    return None
