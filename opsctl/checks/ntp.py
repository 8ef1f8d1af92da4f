"""The `ntp` check: whether a time server knows the time, for whoever runs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from opsctl.ntp_packets import TimeServer
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.ntp_packets import Packet
    from opsctl.outcome import Value

# RFC 5905, 7.4: what a server says in place of the time, and what that means. Other such words, as INIT,
# say that it does not know the time.
_KISSES = {
    "RATE": "it is asked too often",
    "DENY": "its operator denies it",
    "RSTR": "its operator restricts it",
}


@dataclass(frozen=True, kw_only=True)
class NtpCheck(TimeServer):
    """Ask a time server (NTP, RFC 5905) how it stands itself; `clock` compares this clock with it."""

    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "synchronised": Subject(
            Kind.BOOLEAN, "Whether it says that its clock is right: no alarm, stratum 1 to 15.", Cause.STALE
        ),
        "stratum": Subject(Kind.NUMBER, "How many servers are between it and a clock of reference."),
        "leap": Subject(
            Kind.TEXT, 'The second that is to come: "none", "insert" or "delete"; or "alarm".', Cause.STALE
        ),
        "reference": Subject(
            Kind.TEXT, 'Whom it follows: an address, a hash of one, or at stratum 1 a kind as "GPS".'
        ),
        "age": Subject(Kind.DURATION, "Since its clock was last set, by itself.", Cause.STALE),
        "root_delay": Subject(Kind.DURATION, "The way to the clock of reference and back."),
        "root_dispersion": Subject(Kind.DURATION, "How far it may have drifted from it."),
        "root_distance": Subject(
            Kind.DURATION, "How wrong it may be at most: half the delay, and the dispersion.", Cause.STALE
        ),
        "latency": Subject(Kind.DURATION, "From the question to the answer.", Cause.SLOW),
    }
    # RFC 5905, 11.2.2: a server that may be wrong by more than a second is not to be followed.
    EXPECT: ClassVar[tuple[str, ...]] = ("synchronised == true", "root_distance < 1s")

    def probe(self, ask: Ask) -> Observation:
        """Ask once, within `ask.timeout` seconds in all."""
        told = self.told(ask.timeout)
        if isinstance(told, Failure):
            return Observation(failure=told)
        if told.stratum == 0 and told.reference in _KISSES:
            words = f"it refuses: {told.reference} ({_KISSES[told.reference]})"
            return Observation(failure=Failure(Cause.STATUS, words))
        return Observation(_values(told))


def _values(told: Packet) -> Mapping[str, Value]:
    values: dict[str, Value] = {
        "synchronised": told.synchronised,
        "stratum": told.stratum,
        "leap": told.leap,
        "latency": told.came - told.asked,
    }
    if not told.synchronised:
        # Who follows nobody has nothing to say of the way there.
        return values
    values |= {
        "reference": told.reference,
        "root_delay": told.root_delay,
        "root_dispersion": told.root_dispersion,
        "root_distance": told.root_delay / 2 + told.root_dispersion,
    }
    return values if told.updated is None else {**values, "age": told.left - told.updated}
