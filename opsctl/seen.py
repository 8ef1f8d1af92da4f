"""What of an observation is kept as it is, so that other expectations can be judged by it later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.expression import show_subject
from opsctl.found import Gap, find
from opsctl.secrets import mask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.definitions import CheckDefinition
    from opsctl.expression import Expectation
    from opsctl.found import Found
    from opsctl.outcome import Value

_LONGEST = 200
# A plugin may print any number of figures.
_MOST_NUMBERS = 32
# Beyond it nothing is measured; not finite is beyond it too.
_LARGEST = 2**53


def typed(
    check: CheckDefinition, values: Mapping[str, Value], mask: Callable[[str], str] | None
) -> dict[str, Value]:
    """What was seen, by subject: every number and truth value, and what an expectation names if it is short.

    Only what is whole: a text with a secret in it, a long one and a list that lacks a member are not kept.
    The latency is a figure of the result itself.
    """
    kept: dict[str, Value] = {
        name: value
        for name, value in values.items()
        if isinstance(value, (int, float)) and name != "latency" and _exact(value) and len(name) <= _LONGEST
    }
    if len(kept) > _MOST_NUMBERS:
        kept = dict(list(kept.items())[:_MOST_NUMBERS])
    for one in (*check.expect, *check.warn):
        if one.name not in kept:
            kept.update(_named(one, values))
    if mask is None:
        return kept
    return {name: value for name, value in kept.items() if _harmless(name, value, mask)}


def subject(one: Expectation) -> str:
    """The name by which the value that an expectation is about is kept."""
    return show_subject("", one.name, one.path) if one.path else one.name


def _exact(value: float) -> bool:
    return -_LARGEST <= value <= _LARGEST


def _named(one: Expectation, values: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    if one.name == "latency" or one.name not in values:
        return
    found = find(one, values)
    if not isinstance(found, Gap) and _short(found):
        yield subject(one), found  # type: ignore[misc]  # JSON has no gaps


def _short(found: Found) -> bool:
    if isinstance(found, str):
        return len(found) <= _LONGEST
    length = 0
    try:
        for piece in json.JSONEncoder(allow_nan=False).iterencode(found):
            length += len(piece)
            if length > _LONGEST:
                return False
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _harmless(name: str, value: Value, mask: Callable[[str], str]) -> bool:
    # As it is, and as a number in which a secret may stand.
    text = json.dumps(value, ensure_ascii=False)
    return mask(text) == text and mask_all({name: value}, mask) == {name: value}
