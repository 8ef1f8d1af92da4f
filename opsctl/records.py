"""What happened: the frozen records that probing makes, the store keeps and formats show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.comparing import Comparison
    from opsctl.outcome import Cause, State, Value


class Judged(NamedTuple):
    """One expectation after it was judged: `verdict` is True, False or None (could not tell)."""

    text: str
    verdict: bool | None
    found: str
    warn: bool = False


class Result(NamedTuple):
    """What one run of a check found. Times are UTC epoch seconds, durations seconds.

    `state` is what this run saw; whether that already counts as an outage is the `Standing`. `seen` are
    values that other expectations can be judged by; None where an older opsctl kept none.
    """

    check: str
    at: float
    state: State
    cause: Cause | None
    message: str
    latency: float | None
    attempts: int
    judged: tuple[Judged, ...]
    phases: Mapping[str, float]
    evidence: Mapping[str, Value]
    seen: Mapping[str, Value] | None = None


class Standing(NamedTuple):
    """What counts for a check after its latest result, by `fail_after` and `ok_after`.

    `state` counts; `since` is when it began to; `streak` is how many results in a row agree on
    being good or not; `at` and `seen` are the latest result's time and state.
    """

    state: State
    since: float
    seen: State
    at: float
    streak: int
    cause: Cause | None = None
    message: str = ""


class Checked(NamedTuple):
    """A result with what is known around it, as every format shows it.

    `procedure` is where the runbook is read or how it is run; None where the check is well or has none.
    """

    result: Result
    standing: Standing
    service: str
    title: str
    owner: str | None
    tier: str
    tags: tuple[str, ...]
    runbook: str | None
    target: str
    fail_after: int
    ok_after: int
    explained_by: str | None = None
    procedure: str | None = None


class Happening(NamedTuple):
    """What a run did with an incident: `opened`, `extended`, `updated`, `recovered` or `resolved` it."""

    action: str
    incident: str
    severity: str
    text: str


class Passed(NamedTuple):
    """A check that was not made, as it is in maintenance: by which window, why, until when."""

    check: str
    window: str
    reason: str
    until: float


class CheckRun(NamedTuple):
    """One `opsctl check`: all that it found, in the order of the workspace, and what came of it.

    `maintenance` are the checks that were not made, as they are neither up nor down now; `comparison` is with
    a baseline, where that was asked for; `timezone` (IANA) is how people are shown times.
    """

    workspace: str
    started: float
    finished: float
    checked: tuple[Checked, ...]
    recorded: bool
    incidents: tuple[Happening, ...] = ()
    maintenance: tuple[Passed, ...] = ()
    comparison: Comparison | None = None
    timezone: str = "UTC"
