"""The `clock` check: how far this machine's clock is from a time server's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from opsctl.ntp_packets import TimeServer
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject

if TYPE_CHECKING:
    from opsctl.checks import Ask


@dataclass(frozen=True, kw_only=True)
class ClockCheck(TimeServer):
    """Ask a time server (NTP, RFC 5905) and compare; `ntp` looks at the server itself."""

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "offset": Subject(Kind.DURATION, "How far this clock is from the server's, to either side."),
        "ahead": Subject(Kind.BOOLEAN, "Whether this clock is ahead of the server's."),
        "synchronised": Subject(
            Kind.BOOLEAN, "Whether the server says that its own clock is right.", Cause.STALE
        ),
        "stratum": Subject(Kind.NUMBER, "How many servers are between it and a clock of reference."),
        "latency": Subject(Kind.DURATION, "From the question to the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("offset < 1s", "synchronised == true")

    def probe(self, ask: Ask) -> Observation:
        """Ask once, within `ask.timeout` seconds in all."""
        told = self.told(ask.timeout)
        if isinstance(told, Failure):
            return Observation(failure=told)
        return Observation(
            {
                "offset": abs(told.ahead),
                "ahead": told.ahead < 0,
                "synchronised": told.synchronised,
                "stratum": told.stratum,
                "latency": told.came - told.asked,
            }
        )
