"""Reaching a TCP port: resolve and connect, all within one deadline, with the time each part took."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    # What the system's resolver says: families and addresses, or what went wrong.
    _Answer = list[tuple[int, tuple[object, ...]]] | OSError | ValueError

Family = Literal["any", "ipv4", "ipv6"]
_FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_CAUSES = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.ECONNRESET: Cause.RESET,
    errno.EPIPE: Cause.RESET,
    errno.EHOSTUNREACH: Cause.UNREACHABLE,
    errno.ENETUNREACH: Cause.UNREACHABLE,
    errno.EADDRNOTAVAIL: Cause.UNREACHABLE,
    errno.ETIMEDOUT: Cause.TIMEOUT,
    errno.EACCES: Cause.PERMISSION,
    errno.EPERM: Cause.PERMISSION,
    errno.EMFILE: Cause.INTERNAL,
}


class Address(NamedTuple):
    """A host and its port."""

    host: str
    port: int


class Deadline(NamedTuple):
    """When an attempt ends: `seconds` after it began, at `end` (monotonic seconds)."""

    seconds: float
    end: float

    def left(self) -> float:
        """Seconds until the end, more than 0. Raises TimeoutError once it has come."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Connection(NamedTuple):
    """An open connection, the address it leads to, and the seconds that resolving and connecting took."""

    socket: socket.socket
    peer: str
    resolving: float
    connecting: float


class ConnectError(Exception):
    """No connection: why, the seconds that resolving took where it worked, and what each address said."""

    def __init__(
        self, failure: Failure, resolving: float | None = None, tried: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.resolving = resolving
        self.tried = tried or {}


def within(seconds: float) -> Deadline:
    """The deadline of an attempt that begins now and may take `seconds`."""
    return Deadline(seconds, time.monotonic() + seconds)


def parse_address(text: str) -> Address:
    """`host:port` or `[::1]:port`; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"`{text[:80]}` is not an address; write an IPv6 address in brackets, as `[::1]:80`")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"`{text[:80]}` is not an address; write `host:port`")
    return Address(host, int(port))


def address_problems(address: str, server_name: str | None = None) -> Iterator[tuple[str, str]]:
    """What is wrong with the fields `address` and `server_name` of a check, by field."""
    try:
        parse_address(address)
    except ValueError as error:
        yield "address", str(error)
    if server_name and server_name.startswith("."):
        yield "server_name", f"`{server_name[:80]}` is not a host name; write it without the dot"


def failure_of(error: OSError, seconds: float, what: str = "no answer") -> Failure:
    """The cause and the words of a network error; `what` did not come within `seconds` where time ran out."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return Failure(Cause.TIMEOUT, f"{what} within {seconds:g} s")
    cause = _CAUSES.get(error.errno or 0, Cause.UNREACHABLE)
    words = {Cause.REFUSED: "connection refused", Cause.RESET: "connection reset"}.get(cause)
    return Failure(cause, words or (error.strerror or str(error)).lower())


def resolve(address: Address, family: Family, deadline: Deadline) -> Sequence[tuple[int, tuple[object, ...]]]:
    """The socket families and addresses of a host, in the system's order, at least one.

    Nobody is asked, and waited for, where it is no name. Raises ConnectError.
    """
    numeric = _is_numeric(address.host)
    answer = _look_up(address, family) if numeric else _look_up_in_time(address, family, deadline)
    if isinstance(answer, ValueError):
        raise ConnectError(Failure(Cause.DNS, f"`{address.host}` is not a name that can be resolved"))
    if isinstance(answer, OSError):
        words = (answer.strerror or str(answer)).lower()
        raise ConnectError(Failure(Cause.DNS, f"`{address.host}` cannot be resolved: {words}"))
    return answer


def _is_numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False


def _look_up_in_time(address: Address, family: Family, deadline: Deadline) -> _Answer:
    """The system's resolver cannot be interrupted, so that it is asked in a thread.

    Nobody waits for that longer than until the deadline, not even the end of the process.
    """
    answers: SimpleQueue[_Answer] = SimpleQueue()

    def ask() -> None:
        answers.put(_look_up(address, family))

    Thread(target=ask, daemon=True, name="opsctl-resolve").start()
    try:
        return answers.get(timeout=deadline.left())
    except (Empty, TimeoutError):
        words = f"`{address.host}` was not resolved within {deadline.seconds:g} s"
        raise ConnectError(Failure(Cause.TIMEOUT, words)) from None


def _look_up(address: Address, family: Family) -> _Answer:
    try:
        found = socket.getaddrinfo(*address, _FAMILIES[family], socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        return error
    return [(entry[0], entry[4]) for entry in found]


def connect(address: Address, family: Family, deadline: Deadline) -> Connection:
    """A connection to the first of the host's addresses, in the system's order, that accepts one.

    The time left is shared evenly by the addresses not yet tried, so that a silent one does not keep
    the others from their turn. Raises ConnectError with the failure of the last one.
    """
    started = time.monotonic()
    found = resolve(address, family, deadline)
    resolved = time.monotonic()
    tried: dict[str, str] = {}
    failure = Failure(Cause.DNS, f"`{address.host}` has no address")
    for turn, (kind, peer) in enumerate(found):
        try:
            opened = _open(kind, peer, deadline.left() / (len(found) - turn))
        except OSError as error:
            failure = failure_of(error, deadline.seconds, "no connection")
            tried[str(peer[0])] = failure.message
            continue
        return Connection(opened, str(peer[0]), resolved - started, time.monotonic() - resolved)
    raise ConnectError(failure, resolved - started, tried)


def _open(kind: int, peer: tuple[object, ...], seconds: float) -> socket.socket:
    opened = socket.socket(kind, socket.SOCK_STREAM)
    try:
        opened.settimeout(seconds)
        opened.connect(peer)
        if opened.getsockname() == opened.getpeername():
            # Where nobody listens, the kernel may pick the very port for our end and connect it to itself.
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there")
    except BaseException:
        opened.close()
        raise
    return opened
