"""Asking a time server by NTP (RFC 5905), and what its answer says."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from opsctl.connecting import Address, ConnectError, failure_of, resolve, within
from opsctl.limits import Between, Doc, Matching
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.connecting import Deadline

# Seconds from 1900, where NTP counts from, to 1970.
_EPOCH = 2_208_988_800
_PACKET = 48
_CLIENT = b"\x23" + 39 * b"\0"
_SERVER = 4
# Seconds that a server's own two times may be mixed up by, as some add noise below their precision.
_COARSE = 0.001
# The states of the leap indicator, by its two bits.
_LEAPS = ("none", "insert", "delete", "alarm")


class Packet(NamedTuple):
    """A server's answer, and when it was asked for and came (UTC epoch seconds, by this clock).

    `leap` is "none", "insert", "delete" or "alarm". `reference` is the reference ID: a text (the kind of
    clock, or why it refuses to answer), an IPv4 address, or a hash that looks like one. `root_delay` and
    `root_dispersion` are seconds to the clock of reference, `updated`, `arrived` and `left` UTC epoch seconds
    by the server's clock; `updated` is None where it never was set.
    """

    asked: float
    came: float
    leap: str
    stratum: int
    reference: str
    root_delay: float
    root_dispersion: float
    updated: float | None
    arrived: float
    left: float

    @property
    def synchronised(self) -> bool:
        """Whether the server says that its own clock is right."""
        # A clock that was set later than its answer left is none (RFC 5905, A.5.1.1).
        set_before = self.updated is None or self.updated <= self.left
        return self.leap != "alarm" and 0 < self.stratum < 16 and set_before

    @property
    def ahead(self) -> float:
        """Seconds that the server's clock is ahead of this one: half the sum of both ways (RFC 5905, 8)."""
        return (self.arrived - self.asked + self.left - self.came) / 2


@dataclass(frozen=True, kw_only=True)
class TimeServer:
    """What the checks that ask a time server have in common: whom they ask, and how."""

    server: Annotated[
        str, Matching(r"[A-Za-z0-9.:_-]+", "a host name or an address"), Doc("As `pool.ntp.org`.")
    ]
    port: Annotated[int, Between(1, 65_535), Doc("Its port.")] = 123

    SHORTHAND: ClassVar[str] = "server"

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        host, colon, port = self.server.partition(":")
        if self.server.startswith("-"):
            yield "server", f"`{self.server}` is no host; write it as `time.example.com`"
        elif colon and port.isdigit():
            yield "server", f"`{self.server}` is no host; write `server: {host}` and `port: {port}`"

    def target(self) -> str:
        """The server."""
        return self.server if self.port == 123 else f"{self.server}:{self.port}"

    def told(self, timeout: float) -> Packet | Failure:
        """What it answers, asked once, within `timeout` seconds in all."""
        deadline = within(timeout)
        try:
            kind, peer = resolve(Address(self.server, self.port), "any", deadline)[0]
            asked, came, answer = _asked(kind, peer, deadline)
        except ConnectError as error:
            return error.failure
        except OSError as error:
            return failure_of(error, deadline.seconds)
        if len(answer) < _PACKET or answer[0] & 7 != _SERVER or not any(answer[40:48]):
            return Failure(Cause.PROTOCOL, "the answer is none of NTP's")
        told = Packet(
            asked=asked,
            came=came,
            leap=_LEAPS[answer[0] >> 6],
            stratum=answer[1],
            reference=_reference(answer[1], answer[12:16]),
            root_delay=_short(answer[4:8]),
            root_dispersion=_short(answer[8:12]),
            updated=_seconds(answer[16:24]) if any(answer[16:24]) else None,
            arrived=_seconds(answer[32:40]),
            left=_seconds(answer[40:48]),
        )
        if told.left < told.arrived - _COARSE:
            # Two wrong times can add up to no offset.
            return Failure(Cause.PROTOCOL, "it says that it answered before it was asked")
        return told


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


def _reference(stratum: int, four: bytes) -> str:
    """Text at stratum 0 and 1 (RFC 5905, 7.3 and 7.4), else an address, or a hash that looks like one."""
    text = four.rstrip(b"\0")
    if stratum < 2 and text.isalnum():
        return text.decode("ascii")
    return ".".join(str(byte) for byte in four)


def _short(stamp: bytes) -> float:
    """A duration of 16 bits of seconds and 16 bits of their fractions."""
    return float(int.from_bytes(stamp, "big") / 2**16)


def _seconds(stamp: bytes) -> float:
    whole, part = struct.unpack("!II", stamp)
    # Era 1 begins in 2036.
    return float((whole if whole & 0x80000000 else whole + 2**32) - _EPOCH + part / 2**32)
