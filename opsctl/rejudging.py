"""Today's expectations judged by what a result recorded, only where that suffices to be certain."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.expectations import ExpectationError, parse, show
from opsctl.expression import ORDERING, QUANTITIES
from opsctl.found import Gap
from opsctl.judging import holds
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.secrets import MASK
from opsctl.seen import subject
from opsctl.units import parse as parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import CheckDefinition
    from opsctl.expectations import Expectation
    from opsctl.outcome import Subject, Value
    from opsctl.records import Judged, Result

_SHOWN = 80
# Latencies are kept to the microsecond; other quantities are shown with three figures or two units, of which
# the second was cut: `1d` may be up to an hour more.
_KEPT = 1e-6
_LESS, _MORE = 0.994, 1.05


def would_pass(check: CheckDefinition, result: Result) -> bool | None:
    """Whether the answer would be good by the check's expectations now; None where the record cannot tell.

    Wishes (`warn`) do not matter, as degraded is good. The probe itself is taken to ask as it did.
    """
    told = True
    for asked in _asked(check.expect):
        verdict = _verdict(asked, check, result)
        if verdict is False:
            return False
        told = told and verdict is True
    return True if told else None


def untold(check: CheckDefinition, result: Result) -> list[str]:
    """The expectations of which the record does not tell whether the answer met them."""
    return [asked.text for asked in _asked(check.expect) if _verdict(asked, check, result) is None]


class _Asked(NamedTuple):
    """An expectation, its text, the name of the value that it is about, and what it asks of that value."""

    one: Expectation
    text: str
    name: str
    plain: Expectation


@lru_cache(maxsize=1024)
def _asked(expect: tuple[Expectation, ...]) -> tuple[_Asked, ...]:
    return tuple(_Asked(one, show(one), subject(one), one._replace(path=())) for one in expect)


def _verdict(asked: _Asked, check: CheckDefinition, result: Result) -> bool | None:
    """True where it was met, False where it was not or could not be told then, None where that is unknown."""
    for judged in result.judged:
        if judged.text == asked.text:
            return judged.verdict is True
    if result.seen is not None and asked.name in result.seen:
        # What the path led to was kept.
        return _judged(asked.plain, result.seen[asked.name])
    one = asked.one
    if one.name == "latency" and not one.wrapper and result.latency is not None:
        return _between(one, result.latency - _KEPT, result.latency + _KEPT)
    status = result.evidence.get("status")
    if check.type == "http" and one.name == "status" and isinstance(status, int):
        return holds(one, {"status": status}) is True
    found = (_from(one, judged, check.kind.SUBJECTS, result) for judged in result.judged)
    return next((verdict for verdict in found if verdict is not None), None)


def _from(one: Expectation, judged: Judged, subjects: Mapping[str, Subject], result: Result) -> bool | None:
    """The verdict by what another expectation found, if that was about the same."""
    try:
        other = parse(judged.text, subjects)
    except ExpectationError:
        return None
    if (other.name, other.path) != (one.name, one.path):
        return None
    if judged.verdict is None:
        return False if _unseen(one, judged, result) else None
    if other.wrapper != one.wrapper or one.wrapper in {"any", "all"}:
        return None
    if one.kind in QUANTITIES and not one.wrapper:
        return _about(one, judged.found)
    return _again(one, judged.found)


def _unseen(one: Expectation, judged: Judged, result: Result) -> bool:
    """Whether there was nothing to judge, so that whatever is asked of it cannot be told."""
    if judged.found in {Gap.UNSEEN.value, Gap.MISFIT.value}:
        return True
    if judged.found == Gap.MISSING.value:
        return one.operator != "exists"
    return not result.state.good and judged.found == shorten(line(result.message), _SHOWN)


def _again(one: Expectation, found: str) -> bool | None:
    """Judged by the value that was shown as JSON, if that is whole and without secrets."""
    if MASK in found or "…" in found:
        return None
    try:
        value: Any = json.loads(found)
    except (ValueError, RecursionError):
        return None
    kind = Kind.NUMBER if one.wrapper else one.kind
    return _judged(one._replace(path=(), wrapper="", kind=kind), value)


def _about(one: Expectation, found: str) -> bool | None:
    """Judged by a quantity that was shown rounded, if all that it may have been gives the same."""
    try:
        value = parse_quantity(one.kind, found.replace(" ", ""))
    except ValueError:
        return None
    return _between(one, *sorted((value * _LESS, value * _MORE)))


def _between(one: Expectation, low: float, high: float) -> bool | None:
    if one.operator == "exists":
        return _judged(one, low)
    verdicts = {_judged(one, low), _judged(one, high)}
    return verdicts.pop() if one.operator in ORDERING and len(verdicts) == 1 else None


def _judged(one: Expectation, value: Value) -> bool:
    return holds(one, {one.name: value}) is True
