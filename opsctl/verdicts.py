"""From an observation to a result: what the expectations say of what a probe saw."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from opsctl.expression import root
from opsctl.found import Gap
from opsctl.judging import judge
from opsctl.outcome import Cause, Observation, State, Value
from opsctl.prose import line, listed, shorten
from opsctl.records import Judged, Result
from opsctl.secrets import mask_all
from opsctl.seen import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.definitions import CheckDefinition
    from opsctl.expectations import Expectation

_LONGEST_MESSAGE = 2000
_LONGEST_KEPT = 2048
_MOST_KEPT = 200


def conclude(
    check: CheckDefinition,
    observation: Observation,
    *,
    at: float,
    attempts: int,
    mask: Callable[[str], str] | None,
    explain: bool,
) -> Result:
    """The result of a check: every expectation judged, one state, one cause, one line of words.

    `up` takes a pass of every expectation; `down` a failed one or a target that gave no answer;
    whatever is neither is `unknown`. Evidence is worked out where the check is not up, or for
    `explain`. `mask` takes secrets out of everything that is shown or kept; None where there are none.
    """
    values = _measured(observation.values)
    failure = observation.failure
    absent = line(failure.message) if failure else ""
    if mask is not None:
        absent = mask(absent)
    shown = values if mask is None else mask_all(values, mask)
    judged = tuple(
        _judge(expectation, values, shown, warn=warn, absent=_why(expectation, observation, absent))
        for warn, expectations in ((False, check.expect), (True, check.warn))
        for expectation in expectations
    )
    state, cause = _state(check, observation, judged)
    wanted = explain or state is not State.UP
    latency = values.get("latency")
    return Result(
        check=check.name,
        at=at,
        state=state,
        cause=cause,
        message=_message(state, cause, judged, absent, "" if state is State.UP else _beside(check, shown)),
        latency=latency if isinstance(latency, float) else None,
        attempts=attempts,
        judged=judged,
        phases=observation.phases,
        evidence=_evidence(observation, mask) if wanted else {},
        seen=typed(check, values, mask),
    )


def _why(expectation: Expectation, observation: Observation, absent: str) -> str:
    untold = observation.untold
    return untold.get(root(expectation), absent) if untold else absent


def _measured(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """The values with the latency as it is recorded, so that it is judged the same again."""
    latency = values.get("latency")
    if not isinstance(latency, float) or not isfinite(latency):
        return values
    return {**values, "latency": round(latency * 1e6) / 1e6}


def _state(
    check: CheckDefinition, observation: Observation, judged: tuple[Judged, ...]
) -> tuple[State, Cause | None]:
    if judged and all(one.verdict for one in judged):
        return State.UP, None
    failure = observation.failure
    expected = [(expectation, one.verdict) for expectation, one in zip(check.expect, judged, strict=False)]
    unmet = next((expectation for expectation, verdict in expected if verdict is False), None)
    unclear = next((expectation for expectation, verdict in expected if verdict is None), None)
    if judged and unmet is None and unclear is None:
        warnings = zip(check.warn, judged[len(expected) :], strict=True)
        return State.DEGRADED, next(expectation.cause for expectation, one in warnings if not one.verdict)
    if failure:
        return (State.UNKNOWN if failure.cause.ours else State.DOWN), failure.cause
    if unmet:
        return State.DOWN, unmet.cause
    return State.UNKNOWN, unclear.cause if unclear else None


def _beside(check: CheckDefinition, shown: Mapping[str, Value]) -> str:
    """What its kind tells beside what was expected, so that who reads that it is not well knows why."""
    asked = {root(one) for one in (*check.expect, *check.warn)}
    names = [name for name in getattr(check.kind, "TELLING", ()) if name in shown and name not in asked]
    return ", ".join(f"{name.replace('_', ' ')} {_plain(shown[name])}" for name in names)


def _plain(value: Value) -> str:
    if isinstance(value, list):
        return listed([_plain(one) for one in value]) or "none"
    return shorten(line(value), 200) if isinstance(value, str) else str(value)


def _message(state: State, cause: Cause | None, judged: tuple[Judged, ...], failure: str, beside: str) -> str:
    if state is State.UP:
        shown = judged
    elif state is State.DEGRADED:
        shown = tuple(one for one in judged if one.warn and not one.verdict)
    elif failure and cause is not None:
        return failure[:_LONGEST_MESSAGE]
    else:
        shown = tuple(one for one in judged if not one.warn and not one.verdict)
    words = ", ".join(f"{one.text} ({_found(one)})" for one in shown)
    return (f"{words}; {beside}" if beside else words)[:_LONGEST_MESSAGE]


def _found(one: Judged) -> str:
    if one.verdict is not None:
        return f"found {one.found}"
    known = one.found != Gap.MISSING.value
    return f"could not tell: {one.found if known else 'nothing is known of it'}"


def _judge(
    expectation: Expectation,
    values: Mapping[str, Value],
    shown: Mapping[str, Value],
    *,
    warn: bool,
    absent: str,
) -> Judged:
    """Judged by what was seen, shown without secrets: a cut through one would let its beginning pass."""
    judged = judge(expectation, values, warn=warn, why_absent=absent)
    if shown is values:
        return judged
    return judged._replace(found=judge(expectation, shown, warn=warn, why_absent=absent).found)


def _evidence(observation: Observation, mask: Callable[[str], str] | None) -> Mapping[str, Value]:
    evidence = observation.evidence() if callable(observation.evidence) else observation.evidence
    masked = evidence if mask is None else mask_all(evidence, mask)
    return {name: _cut(value) for name, value in masked.items()}


def _cut(value: Value) -> Value:
    """A value short enough to keep; only here, as a secret must be masked before it can be cut."""
    if isinstance(value, str):
        return shorten(value, _LONGEST_KEPT)
    if isinstance(value, list):
        return [_cut(member) for member in value[:_MOST_KEPT]]
    if isinstance(value, dict):
        return {name: _cut(member) for name, member in list(value.items())[:_MOST_KEPT]}
    return value
