"""The `heartbeat` check: a dead man's switch that goes off when a job does not report in time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Between, Doc, Name, NotEmpty, Seconds
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.units import show
from opsctl.zones import unknown_zone, zone_named

if TYPE_CHECKING:
    from opsctl.checks import Ask, Heartbeat

_YEAR = 366 * 86400.0
# Signals may come while the checks run; one that lies further ahead came from a clock that is wrong.
_SKEW = 60.0


@dataclass(frozen=True, kw_only=True)
class HeartbeatCheck:
    """Look when a job last reported with `opsctl heartbeat start|ok|fail NAME`."""

    name: Annotated[Name, Doc("The job's name in `opsctl heartbeat ok NAME`.")]
    every: Annotated[
        Seconds | None, Between(1, 10 * _YEAR), Doc("The longest time from one success to the next.")
    ] = None
    schedule: Annotated[
        str | None, NotEmpty(), Doc("When the job is due, as a cron line such as `30 2 * * *`.")
    ] = None
    timezone: Annotated[
        str | None, NotEmpty(), Doc("The time zone of `schedule`, such as `Europe/Berlin`; UTC if left out.")
    ] = None
    grace: Annotated[Seconds, Between(0, _YEAR), Doc("How late a success may come.")] = 300.0
    runtime: Annotated[
        Seconds | None,
        Between(1, _YEAR),
        Doc("How long a run may take: it is late when it takes longer, and not late while it does not."),
    ] = None

    SHORTHAND: ClassVar[str] = "name"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "late": Subject(Kind.BOOLEAN, "Whether a success is missing, or a run takes too long.", Cause.LATE),
        "overdue": Subject(Kind.DURATION, "How long it has been late; nothing where it is not.", Cause.LATE),
        "age": Subject(Kind.DURATION, "Since the last success.", Cause.STALE),
        "failed": Subject(Kind.BOOLEAN, "Whether the last run that ended reported a failure.", Cause.STATUS),
        "running": Subject(Kind.BOOLEAN, "Whether a run has started and not ended."),
        "duration": Subject(
            Kind.DURATION, "How long the last success took, if its start is known.", Cause.SLOW
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("late == false", "failed == false")

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if self.every is not None and self.schedule is not None:
            yield "schedule", "`every` and `schedule` exclude each other; keep one"
        if self.timezone is not None:
            if self.schedule is None:
                yield "timezone", "only a `schedule` has a time zone; leave `timezone` out"
            if unknown := unknown_zone(self.timezone):
                yield "timezone", unknown
        fault = _fault(self.schedule) if self.schedule is not None else ""
        if fault:
            yield "schedule", f"`{self.schedule}` is not a cron line: {fault}; write one such as `30 2 * * *`"

    def target(self) -> str:
        """The job's name and when it is due."""
        if self.schedule is not None:
            return f"{self.name}, due {self.schedule} {self.timezone or 'UTC'}"
        return (
            self.name if self.every is None else f"{self.name}, due every {show(Kind.DURATION, self.every)}"
        )

    def probe(self, ask: Ask) -> Observation:
        """Judge the signals that were recorded."""
        signals = ask.heartbeat(self.name)
        if signals is None:
            return Observation(failure=self._missing("signal"))
        evidence = _evidence(signals)
        if any(at is not None and at > ask.now + _SKEW for at in signals[:3]):
            words = "a signal lies in the future, so a clock is or was wrong; send another one to replace it"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words), evidence=evidence)
        values = dict(_values(signals, ask.now))
        if signals.succeeded is None:
            return Observation(values, self._missing("success"), evidence)
        due = self._due(signals.succeeded)
        if due is None:
            words = "nothing says when it is due; add `every` or `schedule`, or expect an `age`"
            return Observation(values, Failure(Cause.UNSUPPORTED, words), evidence)
        latest = self._latest(signals, due, running=values["running"] is True)
        values["late"] = ask.now > latest
        values["overdue"] = max(0.0, ask.now - latest)
        return Observation(values, None, evidence | {"due": _instant(due)})

    def _missing(self, what: str) -> Failure:
        return Failure(Cause.MISSING, f"no {what} yet; send one with `opsctl heartbeat ok {self.name}`")

    def _due(self, succeeded: float) -> float | None:
        if self.schedule is not None:
            return _next(self.schedule, self.timezone or "UTC", succeeded)
        return None if self.every is None else succeeded + self.every

    def _latest(self, signals: Heartbeat, due: float, *, running: bool) -> float:
        """When the next success must have come; a run that keeps starting anew cannot put it off."""
        latest = due + self.grace
        if self.runtime is None or not running or signals.started is None:
            return latest
        return min(signals.started, latest) + self.runtime


def _values(signals: Heartbeat, now: float) -> Iterator[tuple[str, Value]]:
    started, succeeded, failed, _ = signals
    ended = max((at for at in (succeeded, failed) if at is not None), default=None)
    yield "running", started is not None and (ended is None or started > ended)
    if ended is not None:
        yield "failed", ended == failed
    if succeeded is not None:
        yield "age", max(0.0, now - succeeded)
    if started is not None and succeeded is not None and started <= succeeded:
        yield from _duration(started, succeeded, failed)


def _duration(started: float, succeeded: float, failed: float | None) -> Iterator[tuple[str, Value]]:
    if failed is None or not started <= failed <= succeeded:
        yield "duration", succeeded - started


def _next(schedule: str, timezone: str, after: float) -> float:
    """The first time of the schedule after an instant, all as UTC epoch seconds."""
    from datetime import datetime

    from cronsim import CronSim

    times = CronSim(schedule, datetime.fromtimestamp(after, zone_named(timezone)))
    # Of an hour that comes twice, CronSim may give the first time when the second one is asked about.
    return next(at for at in (time.timestamp() for time in times) if at > after)


def _fault(schedule: str) -> str:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(schedule, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        return str(error).lower() or "that time never comes"
    return ""


def _evidence(signals: Heartbeat) -> dict[str, Value]:
    names = ("last_start", "last_success", "last_failure")
    evidence: dict[str, Value] = {
        name: _instant(at) for name, at in zip(names, signals[:3], strict=True) if at is not None
    }
    return evidence | ({"message": signals.message} if signals.message else {})


def _instant(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
