"""The `tcp` check: connect, and if asked, send something and look at what comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from opsctl.connecting import (
    ConnectError,
    Deadline,
    Family,
    address_problems,
    connect,
    failure_of,
    parse_address,
    within,
)
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    import socket

    from opsctl.checks import Ask

_MOST_RECEIVED = 64 * 1024
_SHOWN = 2048


@dataclass(frozen=True, kw_only=True)
class TcpCheck:
    """Connect to a TCP port, and look at what it says where `until` or an expectation asks for it."""

    address: Annotated[str, NotEmpty(), Doc("Where to connect: `host:port`, or `[::1]:port`.")]
    send: Annotated[Template | None, NotEmpty(), Doc("What to send once connected.")] = None
    until: Annotated[
        re.Pattern[str] | None,
        Doc("Read until this regular expression is found; without it, until the peer closes."),
    ] = None
    family: Annotated[Family, Doc("The address family to connect by.")] = "any"

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "connected": Subject(Kind.BOOLEAN, "Whether the port accepted the connection.", Cause.REFUSED),
        "received": Subject(Kind.TEXT, "All that the peer sent, 64 KiB at most.", Cause.BODY),
        "matched": Subject(Kind.BOOLEAN, "Whether `until` was found in it.", Cause.BODY),
        "address": Subject(Kind.TEXT, "The IP address that accepted the connection."),
        "latency": Subject(Kind.DURATION, "From the start until all was done.", Cause.SLOW),
        "latency.dns": Subject(Kind.DURATION, "Resolving the name.", Cause.SLOW),
        "latency.connect": Subject(Kind.DURATION, "Connecting, once the name is resolved.", Cause.SLOW),
        "latency.first_byte": Subject(
            Kind.DURATION, "From the start to the first byte that was received.", Cause.SLOW
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("connected == true",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is expected, and what is wished, of a check that names neither."""
        if self.until:
            return (*self.EXPECT, "matched == true"), ()
        return ((*self.EXPECT, 'received != ""') if self.send else self.EXPECT), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from address_problems(self.address)

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Connect, send, and read what is wanted, within `ask.timeout` seconds in all."""
        started = time.monotonic()
        deadline = within(ask.timeout)
        try:
            data = ask.resolve(self.send).encode() if self.send else b""
            connection = connect(parse_address(self.address), self.family, deadline)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except ConnectError as error:
            return _unconnected(error)
        phases = {"dns": connection.resolving, "connect": connection.connecting}
        values: dict[str, Value] = {
            "connected": True,
            "address": connection.peer,
            "latency.dns": connection.resolving,
            "latency.connect": connection.connecting,
        }
        with connection.socket:
            heard = self._talk(connection.socket, data, deadline, reading="received" in ask.wanted)
        done = time.monotonic()
        if heard.first_at is not None:
            values["latency.first_byte"] = heard.first_at - started
            phases["wait"] = heard.first_at - heard.began
            phases["transfer"] = done - heard.first_at
        if heard.whole:
            values["received"] = heard.text
            if self.until:
                values["matched"] = heard.matched
        if heard.failure is None:
            values["latency"] = done - started
        evidence: dict[str, Value] = {"address": connection.peer}
        if heard.text:
            evidence["received"] = heard.text[:_SHOWN]
        return Observation(values, heard.failure, evidence, phases)

    def _talk(self, peer: socket.socket, data: bytes, deadline: Deadline, *, reading: bool) -> _Heard:
        heard = _Heard(began=time.monotonic())
        try:
            if data:
                peer.settimeout(deadline.left())
                peer.sendall(data)
            if not reading and not self.until:
                return heard
            for so_far in self._hear(peer, deadline, heard):
                heard = so_far
                if heard.whole:
                    break
        except OSError as error:
            failure = failure_of(error, deadline.seconds)
            if failure.cause is Cause.TIMEOUT and heard.text:
                failure = Failure(Cause.TIMEOUT, self._unfinished(f"{deadline.seconds:g} s"))
            return heard._replace(failure=failure)
        return heard

    def _hear(self, peer: socket.socket, deadline: Deadline, heard: _Heard) -> Iterator[_Heard]:
        """What was heard so far, again after each piece; the last one is whole or says what went wrong."""
        received = b""
        while len(received) <= _MOST_RECEIVED:
            peer.settimeout(deadline.left())
            piece = peer.recv(_MOST_RECEIVED + 1 - len(received))
            if not piece:
                yield heard._replace(whole=True, failure=self._closed())
                return
            received += piece
            text = received.decode("utf-8", "replace")
            heard = heard._replace(text=text, first_at=heard.first_at or time.monotonic())
            if self.until and self.until.search(text):
                heard = heard._replace(whole=True, matched=True)
            yield heard
        yield heard._replace(failure=Failure(Cause.TOO_LARGE, self._unfinished("64 KiB")))

    def _closed(self) -> Failure | None:
        if self.until is None:
            return None
        return Failure(Cause.BODY, f"the peer closed before `until` (/{self.until.pattern}/) was found")

    def _unfinished(self, limit: str) -> str:
        if self.until:
            return f"`until` (/{self.until.pattern}/) was not found within {limit}"
        return f"the peer did not end within {limit}; say with `until` when to stop reading"


class _Heard(NamedTuple):
    """What the peer said: times are monotonic seconds; `whole` once nothing more is waited for."""

    began: float
    text: str = ""
    first_at: float | None = None
    whole: bool = False
    matched: bool = False
    failure: Failure | None = None


def _unconnected(error: ConnectError) -> Observation:
    phases = {} if error.resolving is None else {"dns": error.resolving}
    values: dict[str, Value] = {} if error.failure.cause.ours else {"connected": False}
    evidence: dict[str, Value] = {"tried": dict(error.tried)} if error.tried else {}
    return Observation(values, error.failure, evidence, phases)
