"""The `ping` check: whether a host answers at all, how fast, and how often it does not."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.connecting import Address, ConnectError, failure_of, resolve, within
from opsctl.limits import Between, Doc, Matching, Seconds
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.connecting import Deadline

_ECHO = {socket.AF_INET: (socket.IPPROTO_ICMP, 8, 0), socket.AF_INET6: (socket.IPPROTO_ICMPV6, 128, 129)}
_BODY = b"opsctl" + 26 * b"."


@dataclass(frozen=True, kw_only=True)
class PingCheck:
    """Send echo requests (ICMP) where the kernel lets ordinary users do that."""

    host: Annotated[str, Matching(r"[A-Za-z0-9.:_-]+", "a host name or an address"), Doc("Whom.")]
    count: Annotated[int, Between(1, 100), Doc("How many.")] = 3
    interval: Annotated[Seconds, Between(0.01, 10), Doc("The pause between them.")] = 0.2
    family: Annotated[Literal["any", "ipv4", "ipv6"], Doc("The address family.")] = "any"

    SHORTHAND: ClassVar[str] = "host"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "loss": Subject(Kind.PERCENT, "The share that was not answered.", Cause.UNREACHABLE),
        "latency": Subject(Kind.DURATION, "The median of the answers.", Cause.SLOW),
        "slowest": Subject(Kind.DURATION, "The slowest answer.", Cause.SLOW),
        "address": Subject(Kind.TEXT, "The address that was asked."),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("loss < 50%",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if self.host.startswith("-"):
            yield "host", f"`{self.host}` is no host; write a name or an address"

    def target(self) -> str:
        """The host."""
        return self.host

    def probe(self, ask: Ask) -> Observation:
        """Ask `count` times, within `ask.timeout` seconds in all; what is not answered by then is lost."""
        deadline = within(ask.timeout)
        try:
            kind, peer = resolve(Address(self.host, 0), self.family, deadline)[0]
            took = self._asked(socket.AddressFamily(kind), peer, deadline)
        except ConnectError as error:
            return Observation(failure=error.failure)
        except PermissionError:
            words = "the kernel lets this user send no echo requests; see net.ipv4.ping_group_range"
            return Observation(failure=Failure(Cause.PERMISSION, words))
        except OSError as error:
            return Observation(failure=failure_of(error, deadline.seconds))
        values: dict[str, Value] = {"loss": 100 * (1 - len(took) / self.count), "address": str(peer[0])}
        if took:
            values |= {"latency": sorted(took)[(len(took) - 1) // 2], "slowest": max(took)}
        return Observation(values)

    def _asked(self, kind: socket.AddressFamily, peer: tuple[object, ...], deadline: Deadline) -> list[float]:
        protocol, ask, answer = _ECHO[kind]
        took = []
        with socket.socket(kind, socket.SOCK_DGRAM, protocol) as opened:
            opened.connect(peer)
            for number in range(self.count):
                share = (deadline.end - time.monotonic()) / (self.count - number)
                if share <= 0:
                    break
                started = time.monotonic()
                # The kernel puts in the checksum and its own identifier.
                opened.send(struct.pack("!BBHHH", ask, 0, 0, 0, number) + _BODY)
                if _answered(opened, answer, number, started + share):
                    took.append(time.monotonic() - started)
                if number + 1 < self.count:
                    time.sleep(max(0.0, min(self.interval, deadline.end - time.monotonic())))
        return took


def _answered(opened: socket.socket, answer: int, number: int, until: float) -> bool:
    while (left := until - time.monotonic()) > 0:
        opened.settimeout(left)
        try:
            packet = opened.recv(1024)
        except TimeoutError:
            return False
        kind, _, _, _, sequence = struct.unpack_from("!BBHHH", packet)
        if (kind, sequence) == (answer, number):
            return True
    return False
