"""What was found for an expectation: the value, or why there is none, and the words for both."""

from __future__ import annotations

import json
import math
from enum import Enum
from typing import TYPE_CHECKING, TypeGuard

from opsctl.expression import QUANTITIES, Literal, Members, Pattern, Range, Star, root
from opsctl.outcome import Kind, Value
from opsctl.units import brief
from opsctl.units import show as show_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.expression import Expectation, Step

# More than is ever shown, so that a large answer is not written out in vain.
_ENOUGH = 160
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=lambda gap: gap.value)
_NEEDED = {
    Kind.NUMBER: "a number",
    Kind.DURATION: "a duration",
    Kind.SIZE: "a size",
    Kind.PERCENT: "a percentage",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "true or false",
    Kind.LIST: "a list",
}

_TYPES = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.LIST: list}


class Gap(Enum):
    """Why there is no value, in words."""

    UNSEEN = "no answer"
    MISSING = "nothing"
    MISFIT = "nothing, as what should hold it is of another type"


Found = Value | Gap | list["Found"]


def find(expectation: Expectation, values: Mapping[str, Value]) -> Found:
    """The value that the expectation is about, or why there is none."""
    if expectation.name in values:
        return _walk(values[expectation.name], expectation.path)
    # Of a family such as `header.*`, the value `header` tells that all there are were seen.
    seen = expectation.entry.endswith(".*") and root(expectation) in values
    return Gap.MISSING if seen else Gap.UNSEEN


def _walk(value: Value, path: Sequence[Step]) -> Found:
    for at, step in enumerate(path):
        if value is None:
            return Gap.MISSING
        if isinstance(step, Star):
            return _spread(value, path[at + 1 :]) if isinstance(value, list) else Gap.MISFIT
        if isinstance(step, str) and isinstance(value, dict):
            if step not in value:
                return Gap.MISSING
            value = value[step]
        elif isinstance(step, int) and isinstance(value, list):
            if step >= len(value):
                return Gap.MISSING
            value = value[step]
        else:
            return Gap.MISFIT
    return value


def _spread(members: Sequence[Value], rest: Sequence[Step]) -> list[Found]:
    """What each member leads to; one that lacks it stays as a gap, so that nothing passes over it."""
    found = [_walk(member, rest) for member in members]
    if Star() not in rest:
        return found
    return [one for some in found for one in (some if isinstance(some, list) else [some])]


def fits(value: Found, kind: Kind) -> bool:
    """Whether the value is one, and of the kind; a number that is not finite never is."""
    if isinstance(value, Gap) or (isinstance(value, float) and not math.isfinite(value)):
        return False
    if kind is Kind.NUMBER or kind in QUANTITIES:
        return is_number(value)
    expected = _TYPES.get(kind)
    return expected is None or isinstance(value, expected)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def length_of(found: Found, kind: Kind) -> int | None:
    """How long the list or text is; None where it is neither, or a member of it is not there."""
    sized = {Kind.LIST: list, Kind.TEXT: str}.get(kind, (list, str))
    if not isinstance(found, sized) or any(isinstance(one, Gap) for one in found):
        return None
    return len(found)


def unseen(values: Mapping[str, Value], why_absent: str) -> str:
    """The words where what would hold the value was not seen: `why_absent`, if that is known."""
    # Where other things were seen there was an answer, only this was not in it.
    return why_absent or (Gap.MISSING if values else Gap.UNSEEN).value


def shown(expectation: Expectation, found: Found, verdict: bool | None) -> str:
    """What was found, in the unit of its subject or as JSON, or why it could not be judged."""
    if isinstance(found, Gap):
        return found.value
    if expectation.wrapper == "len":
        return _shown_length(expectation, found)
    if expectation.wrapper:
        members = isinstance(found, list) and len(found) > 0
        return _json(found) if members else f"{_type(found)}, not a list with members"
    if verdict is None:
        needed = _needed(expectation, found)
        return f"{_type(found)}, not {needed}" if needed else _json(found)
    if expectation.kind in QUANTITIES and is_number(found):
        return _shown_quantity(expectation, found)
    return _json(found)


def _shown_length(expectation: Expectation, found: Found) -> str:
    length = length_of(found, expectation.kind)
    if length is not None:
        return str(length)
    needed = _NEEDED.get(expectation.kind, "a list or text")
    gaps = isinstance(found, list) and expectation.kind is not Kind.TEXT
    return _json(found) if gaps else f"{_type(found)}, not {needed}"


def _needed(expectation: Expectation, found: Found) -> str | None:
    """What could have been judged; None where the members, not the value, are of another type."""
    if isinstance(found, list) and (expectation.kind is Kind.LIST or expectation.operator == "contains"):
        return None
    if expectation.kind is not Kind.JSON:
        return _NEEDED[expectation.kind]
    operand = expectation.operand
    if isinstance(operand, Pattern):
        return "text"
    if isinstance(operand, Range):
        return "a number"
    if expectation.operator == "contains":
        return "text or a list"
    return _NEEDED.get(operand.kind) if isinstance(operand, Literal) else None


def _shown_quantity(expectation: Expectation, value: float) -> str:
    """The value rounded, but exact where rounding would make it look like the limit it is not."""
    kind, operand = expectation.kind, expectation.operand
    literals = operand.literals if isinstance(operand, Members) else (operand,)
    limits = [one.value for one in literals if isinstance(one, Literal) and is_number(one.value)]
    try:
        text = brief(kind, value)
        alike = any(value != limit and text == brief(kind, limit) for limit in limits)
        return show_quantity(kind, value) if alike else text
    except OverflowError:
        return "a number too large to show"


def _type(value: Found) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return _json(value)


def _json(value: Found) -> str:
    """The value as JSON, only as much of it as is shown."""
    try:
        if value.__class__ is int:
            # As most values are; the encoder takes ten times as long.
            return str(value)
        if not isinstance(value, (list, dict)):
            return _ENCODER.encode(value[:_ENOUGH] if isinstance(value, str) else value)
        return _start(value)
    except (ValueError, RecursionError):
        return "a value too large to show"


def _start(value: Found) -> str:
    pieces: list[str] = []
    length = 0
    for piece in _ENCODER.iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > _ENOUGH:
            break
    return "".join(pieces)
