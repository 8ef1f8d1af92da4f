"""The `clock` check: how far this machine's clock is from a time server's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Between, Doc, Matching
from opsctl.ntp_packets import ask_time, server_problems
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject

if TYPE_CHECKING:
    from opsctl.checks import Ask


@dataclass(frozen=True, kw_only=True)
class ClockCheck:
    """Ask a time server (NTP, RFC 5905) and compare; `ntp` looks at the server itself."""

    server: Annotated[
        str, Matching(r"[A-Za-z0-9.:_-]+", "a host name or an address"), Doc("As `pool.ntp.org`.")
    ]
    port: Annotated[int, Between(1, 65_535), Doc("Its port.")] = 123

    SHORTHAND: ClassVar[str] = "server"
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

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from server_problems(self.server)

    def target(self) -> str:
        """The server."""
        return self.server if self.port == 123 else f"{self.server}:{self.port}"

    def probe(self, ask: Ask) -> Observation:
        """Ask once, within `ask.timeout` seconds in all."""
        told = ask_time(self.server, self.port, ask.timeout)
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
