"""From an observation to a result: what the expectations say of what a probe saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.judging import judge
from opsctl.outcome import Cause, Observation, State, Value
from opsctl.prose import line
from opsctl.records import Judged, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.definitions import CheckDefinition

_LONGEST_MESSAGE = 2000


def conclude(
    check: CheckDefinition,
    observation: Observation,
    *,
    at: float,
    attempts: int,
    mask: Callable[[str], str],
    explain: bool,
) -> Result:
    """The result of a check: every expectation judged, one state, one cause, one line of words.

    `up` takes a pass of every expectation; `down` a failed one or a target that gave no answer;
    whatever is neither is `unknown`. Evidence is worked out where the check is not up, or for
    `explain`. Secrets are masked with `mask` in everything that came from outside.
    """
    failure = observation.failure
    absent = failure.message if failure else ""
    judged = tuple(
        _masked(judge(expectation, observation.values, warn=warn, why_absent=absent), mask)
        for warn, expectations in ((False, check.expect), (True, check.warn))
        for expectation in expectations
    )
    state, cause = _state(check, observation, judged)
    wanted = explain or state is not State.UP
    latency = observation.values.get("latency")
    return Result(
        check=check.name,
        at=at,
        state=state,
        cause=cause,
        message=_message(state, cause, judged, mask(line(absent))),
        latency=latency if isinstance(latency, float) else None,
        attempts=attempts,
        judged=judged,
        phases=observation.phases,
        evidence=_evidence(observation, mask) if wanted else {},
    )


def _state(
    check: CheckDefinition, observation: Observation, judged: tuple[Judged, ...]
) -> tuple[State, Cause | None]:
    failure = observation.failure
    expected = [(expectation, one.verdict) for expectation, one in zip(check.expect, judged, strict=False)]
    unmet = next((expectation for expectation, verdict in expected if verdict is False), None)
    unclear = next((expectation for expectation, verdict in expected if verdict is None), None)
    if unmet is None and unclear is None:
        warned = next(
            (e for e, one in zip(check.warn, judged[len(expected) :], strict=True) if not one.verdict), None
        )
        return (State.DEGRADED, warned.cause) if warned else (State.UP, None)
    if failure:
        return (State.UNKNOWN if failure.cause.ours else State.DOWN), failure.cause
    if unmet:
        return State.DOWN, unmet.cause
    return State.UNKNOWN, unclear.cause if unclear else None


def _message(state: State, cause: Cause | None, judged: tuple[Judged, ...], failure: str) -> str:
    if state is State.UP:
        shown = judged
    elif state is State.DEGRADED:
        shown = tuple(one for one in judged if one.warn and not one.verdict)
    elif failure and cause is not None:
        return failure[:_LONGEST_MESSAGE]
    else:
        shown = tuple(one for one in judged if not one.warn and not one.verdict)
    return ", ".join(f"{one.text} ({_found(one)})" for one in shown)[:_LONGEST_MESSAGE]


def _found(one: Judged) -> str:
    return f"could not tell: {one.found}" if one.verdict is None else f"found {one.found}"


def _masked(one: Judged, mask: Callable[[str], str]) -> Judged:
    found = mask(one.found)
    return one if found == one.found else one._replace(found=found)


def _evidence(observation: Observation, mask: Callable[[str], str]) -> Mapping[str, Value]:
    evidence = observation.evidence() if callable(observation.evidence) else observation.evidence
    return {mask(name): _mask_value(value, mask) for name, value in evidence.items()}


def _mask_value(value: Value, mask: Callable[[str], str]) -> Value:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_mask_value(member, mask) for member in value]
    if isinstance(value, dict):
        return {mask(name): _mask_value(member, mask) for name, member in value.items()}
    return value
