"""The `clock` check: how far this machine's clock is from a time server's."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.connecting import Address, ConnectError, failure_of, resolve, within
from opsctl.limits import Between, Doc, Matching
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.connecting import Deadline

# Seconds from 1900, where NTP counts from, to 1970.
_EPOCH = 2_208_988_800
_PACKET = 48
_CLIENT = b"\x23" + 39 * b"\0"
_UNSYNCHRONISED = 3


@dataclass(frozen=True, kw_only=True)
class ClockCheck:
    """Ask a time server (NTP, RFC 5905) and compare."""

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
        if self.server.startswith("-"):
            yield "server", f"`{self.server}` is no host; write it as `pool.ntp.org`"

    def target(self) -> str:
        """The server."""
        return self.server if self.port == 123 else f"{self.server}:{self.port}"

    def probe(self, ask: Ask) -> Observation:
        """Ask once, within `ask.timeout` seconds in all."""
        deadline = within(ask.timeout)
        try:
            kind, peer = resolve(Address(self.server, self.port), "any", deadline)[0]
            sent, received, answer = _asked(kind, peer, deadline)
        except ConnectError as error:
            return Observation(failure=error.failure)
        except OSError as error:
            return Observation(failure=failure_of(error, deadline.seconds))
        if len(answer) < _PACKET or answer[0] & 7 != 4 or not any(answer[40:48]):
            return Observation(failure=Failure(Cause.PROTOCOL, "the answer is none of NTP's"))
        # RFC 5905, 8: half the sum of both differences.
        there = (_seconds(answer[32:40]) - sent + _seconds(answer[40:48]) - received) / 2
        return Observation(
            {
                "offset": abs(there),
                "ahead": there < 0,
                "synchronised": answer[0] >> 6 != _UNSYNCHRONISED and 0 < answer[1] < 16,
                "stratum": answer[1],
                "latency": received - sent,
            }
        )


def _asked(kind: int, peer: tuple[object, ...], deadline: Deadline) -> tuple[float, float, bytes]:
    with socket.socket(kind, socket.SOCK_DGRAM) as opened:
        opened.connect(peer)
        sent = time.time()
        stamp = struct.pack("!II", int(sent) + _EPOCH & 0xFFFFFFFF, int(sent % 1 * 2**32))
        opened.send(_CLIENT + stamp)
        while True:
            opened.settimeout(deadline.left())
            answer = opened.recv(1024)
            # What answers another question, or none, is passed over.
            if answer[24:32] == stamp:
                return sent, time.time(), answer


def _seconds(stamp: bytes) -> float:
    whole, part = struct.unpack("!II", stamp)
    # Era 1 begins in 2036.
    return float((whole if whole & 0x80000000 else whole + 2**32) - _EPOCH + part / 2**32)
