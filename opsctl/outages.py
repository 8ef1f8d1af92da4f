"""When failures count: from results in a row to the state that stands, and to the exit code of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import ExitCode, worst
from opsctl.outcome import State
from opsctl.records import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.records import Result


class Rules(NamedTuple):
    """When a check's results count.

    `fail_after` bad results in a row make an outage, `ok_after` good ones in a row end it (both
    at least 1); a result older than `lapse` seconds proves nothing any more.
    """

    fail_after: int
    ok_after: int
    lapse: float


def settle(
    previous: Standing | None, result: Result, *, fail_after: int, ok_after: int, lapse: float
) -> Standing:
    """What stands after `result`, where `previous` stood before it; bad is down or unknown.

    A bad result counts at once where nothing fresh speaks against it: there is no previous result,
    or it is more than `lapse` seconds away. Otherwise it counts when `fail_after` results in a row
    are bad, and until then the standing is degraded, with the time of the streak's first bad result
    as `since`; the outage keeps that time. An outage ends with `ok_after` good results in a row.
    `since` is never later than `at`, even where the clock was put back between two results.
    """
    if previous is None:
        return Standing(result.state, result.at, result.state, result.at, 1, result.cause, result.message)
    streak = previous.streak + 1 if previous.seen.good is result.state.good else 1
    # Times have milliseconds; without rounding, floats would call an age of exactly `lapse` late.
    fresh = round(abs(result.at - previous.at), 3) <= lapse
    if result.state.good:
        return _after_good(previous, result, streak, proven=streak >= ok_after, fresh=fresh)
    return _after_bad(previous, result, streak, proven=streak >= fail_after or not fresh)


def unproven(standing: Standing) -> bool:
    """Whether the latest result was bad and does not count as an outage yet."""
    return standing.state.good and not standing.seen.good


def exit_code(standings: Mapping[str, Standing], *, fail_on_degraded: bool = False) -> ExitCode:
    """What a run answers by what stands: 1 where a check is down, 3 where one is unknown, 2 for none."""
    states = {standing.state for standing in standings.values()}
    if not states:
        return ExitCode.USAGE
    codes = []
    if State.DOWN in states or (fail_on_degraded and State.DEGRADED in states):
        codes.append(ExitCode.NO)
    if State.UNKNOWN in states:
        codes.append(ExitCode.UNKNOWN)
    return worst(codes)


def _after_good(previous: Standing, result: Result, streak: int, *, proven: bool, fresh: bool) -> Standing:
    since = min(previous.since, result.at)
    if not previous.state.good and not proven:
        return Standing(
            previous.state, since, result.state, result.at, streak, previous.cause, previous.message
        )
    if previous.state is not result.state or not fresh:
        since = result.at
    return Standing(result.state, since, result.state, result.at, streak, result.cause, result.message)


def _after_bad(previous: Standing, result: Result, streak: int, *, proven: bool) -> Standing:
    kept = not previous.state.good or unproven(previous)
    since = min(previous.since, result.at) if kept else result.at
    counts = proven or not previous.state.good
    state = result.state if counts else State.DEGRADED
    return Standing(state, since, result.state, result.at, streak, result.cause, result.message)
