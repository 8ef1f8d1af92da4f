"""The `tcp` check: connect, and if asked, send something and look at what comes back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.connecting import ConnectError, Connection, Family, connect, failure_of, parse_address
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

_MOST_RECEIVED = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class TcpCheck:
    """Connect to a TCP port."""

    address: Annotated[str, NotEmpty(), Doc("Where to connect: `host:port`.")]
    send: Annotated[Template | None, Doc("What to send once connected.")] = None
    until: Annotated[re.Pattern[str] | None, Doc("Read until this matches; else until the peer closes.")] = (
        None
    )
    family: Annotated[Family, Doc("The address family to connect by.")] = "any"

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "connected": Subject(Kind.BOOLEAN, "Whether the port accepted the connection.", Cause.REFUSED),
        "latency": Subject(Kind.DURATION, "From the start until all was done.", Cause.SLOW),
        "latency.dns": Subject(Kind.DURATION, "Resolving the name.", Cause.SLOW),
        "latency.connect": Subject(Kind.DURATION, "Connecting, once the name is resolved.", Cause.SLOW),
        "latency.first_byte": Subject(Kind.DURATION, "From connecting to the first byte.", Cause.SLOW),
        "received": Subject(Kind.TEXT, "What the peer sent, up to 64 KiB.", Cause.BODY),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("connected == true",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        try:
            parse_address(self.address)
        except ValueError as error:
            yield "address", str(error)

    def target(self) -> str:
        """The address."""
        return self.address

    def probe(self, ask: Ask) -> Observation:
        """Connect, send, and read what is wanted, within `ask.timeout` seconds in all."""
        started = time.monotonic()
        try:
            data = ask.resolve(self.send).encode() if self.send else b""
            connection = connect(parse_address(self.address), self.family, ask.timeout)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except ConnectError as error:
            phases = {} if error.resolving is None else {"dns": error.resolving}
            refused: dict[str, Value] = {} if error.failure.cause.ours else {"connected": False}
            return Observation(refused, error.failure, {"address": self.address}, phases)
        with connection.socket:
            return self._talk(connection, data, ask, started)

    def _talk(self, connection: Connection, data: bytes, ask: Ask, started: float) -> Observation:
        values: dict[str, Value] = {
            "connected": True,
            "latency.dns": connection.resolving,
            "latency.connect": connection.connecting,
        }
        phases = {"dns": connection.resolving, "connect": connection.connecting}
        failure = None
        received = b""
        connected = time.monotonic()
        try:
            if data:
                connection.socket.settimeout(_left(ask, started))
                connection.socket.sendall(data)
            if "received" in ask.wanted:
                for so_far in self._read(connection, ask, started):
                    received = so_far
                    phases.setdefault("wait", time.monotonic() - connected)
        except OSError as error:
            failure = failure_of(error, ask.timeout)
        if "wait" in phases:
            values["latency.first_byte"] = phases["wait"]
        text = received.decode("utf-8", "replace")
        if "received" in ask.wanted and failure is None:
            values["received"] = text
        if failure is None:
            values["latency"] = time.monotonic() - started
        return Observation(values, failure, {"address": connection.peer, "received": text[:2048]}, phases)

    def _read(self, connection: Connection, ask: Ask, started: float) -> Iterator[bytes]:
        """All that has come so far, again after each piece, until it is enough."""
        received = b""
        while len(received) < _MOST_RECEIVED:
            connection.socket.settimeout(_left(ask, started))
            piece = connection.socket.recv(_MOST_RECEIVED - len(received))
            if not piece:
                return
            received += piece
            yield received
            if self.until and self.until.search(received.decode("utf-8", "replace")):
                return


def _left(ask: Ask, started: float) -> float:
    left = ask.timeout - (time.monotonic() - started)
    if left <= 0:
        raise TimeoutError
    return left
