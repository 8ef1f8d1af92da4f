"""The `history` check: what the recorded results of another check come to over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Between, Doc, NotEmpty, Seconds
from opsctl.outcome import Cause, Failure, Kind, Observation, State, Subject, Value
from opsctl.prose import count
from opsctl.ranks import nearest_rank
from opsctl.units import brief

if TYPE_CHECKING:
    from opsctl.checks import Ask, Past

_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class HistoryCheck:
    """Judge the results of a check over a time, or the last so many; too few of them show nothing."""

    of: Annotated[str, NotEmpty(), Doc("Which check, as `api/health`.")]
    over: Annotated[
        Seconds | None, Between(_HOUR, 400 * 86_400), Doc("The time before now, in whole hours.")
    ] = None
    last: Annotated[
        int | None,
        Between(2, 1000),
        Doc("Or how many results, the newest ones; the newest must still count, by the `every` of `of`."),
    ] = None
    least: Annotated[
        int | None, Between(1, 1_000_000), Doc("How many known results are needed; 20, or all of `last`.")
    ] = None

    SHORTHAND: ClassVar[str] = ""
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "success": Subject(
            Kind.PERCENT, "The share that was up or degraded, of those that are known.", Cause.STATUS
        ),
        "failed": Subject(Kind.NUMBER, "How many were down.", Cause.STATUS),
        "unknown": Subject(Kind.NUMBER, "How many could not tell."),
        "results": Subject(Kind.NUMBER, "How many there are."),
        "changes": Subject(
            Kind.NUMBER, "How often well and not well took turns; only of `last`.", Cause.STATUS
        ),
        "p50": Subject(Kind.DURATION, "The median latency.", Cause.SLOW),
        "p95": Subject(Kind.DURATION, "The latency that 95 % did not exceed.", Cause.SLOW),
        "p99": Subject(Kind.DURATION, "The latency that 99 % did not exceed.", Cause.SLOW),
        "slowest": Subject(Kind.DURATION, "The longest latency.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("success >= 99%",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if (self.over is None) == (self.last is None):
            yield "of", "write either `over`, as 24h, or `last`, as 10"

    def target(self) -> str:
        """The check and the time."""
        span = f"{self.last} results" if self.over is None else brief(Kind.DURATION, self.over)
        return f"{self.of} over {span}"

    def probe(self, ask: Ask) -> Observation:
        """Look at what is recorded; with too few known results, or only old ones, there is no answer."""
        past = ask.past(self.of, None if self.over is None else ask.now - self.over, self.last)
        unknown = past.states.get(State.UNKNOWN, 0)
        known = sum(past.states.values()) - unknown
        lack = self._lack(past, known, ask.now)
        if lack:
            # Without values: an expectation of `results` or `unknown` alone would call this up.
            return Observation(failure=Failure(Cause.TOO_FEW, lack))
        return Observation(_values(past, known, unknown))

    def _lack(self, past: Past, known: int, now: float) -> str | None:
        needed = self.least or self.last or 20
        if known < needed:
            return f"{count('known result', known)} of {self.of}, and {needed} are needed to judge by"
        if past.newest is None:
            return None
        # As when failures are counted: times have milliseconds, and a clock may have been put back.
        age = round(abs(now - past.newest), 3)
        if age <= past.lapse:
            return None
        spoken = f"{brief(Kind.DURATION, age)} old, and one counts for {brief(Kind.DURATION, past.lapse)}"
        return f"the newest known result of {self.of} is {spoken}"


def _values(past: Past, known: int, unknown: int) -> dict[str, Value]:
    failed = past.states.get(State.DOWN, 0)
    values: dict[str, Value] = {
        "results": known + unknown,
        "failed": failed,
        "unknown": unknown,
        "success": 100 * (known - failed) / known,
    }
    if past.order:
        values["changes"] = sum(before.good != after.good for before, after in pairwise(past.order))
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("slowest", 1.0)):
        latency = nearest_rank(past.latencies, share)
        if latency is not None:
            values[name] = latency
    return values
