"""Reaching a TCP port: resolve and connect, all within one deadline, with the time each part took."""

from __future__ import annotations

import errno
import socket
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Connection(NamedTuple):
    """An open connection, where it leads, and the seconds that resolving and connecting took."""

    socket: socket.socket
    peer: str
    resolving: float
    connecting: float


class ConnectError(Exception):
    """No connection: why, and the seconds that resolving took where that worked."""

    def __init__(self, failure: Failure, resolving: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.resolving = resolving


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


def failure_of(error: OSError, timeout: float) -> Failure:
    """The cause and the words of a network error."""
    if isinstance(error, TimeoutError):
        return Failure(Cause.TIMEOUT, f"no answer within {timeout:g} s")
    cause = _CAUSES.get(error.errno or 0, Cause.UNREACHABLE)
    words = {Cause.REFUSED: "connection refused", Cause.RESET: "connection reset"}.get(cause)
    return Failure(cause, words or (error.strerror or str(error)).lower())


def resolve(address: Address, family: Family, timeout: float) -> Sequence[tuple[int, tuple[object, ...]]]:
    """The socket families and addresses of a host, in the system's order, within `timeout` seconds.

    The system's resolver cannot be interrupted, so it is asked in a thread that nobody waits for
    longer than that. Raises ConnectError.
    """
    answers: SimpleQueue[list[tuple[int, tuple[object, ...]]] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(*address, _FAMILIES[family], socket.SOCK_STREAM)
            answers.put([(entry[0], entry[4]) for entry in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    Thread(target=ask, daemon=True, name="opsctl-resolve").start()
    try:
        answer = answers.get(timeout=max(0.001, timeout))
    except Empty:
        raise ConnectError(
            Failure(Cause.TIMEOUT, f"the name was not resolved within {timeout:g} s")
        ) from None
    if isinstance(answer, Exception):
        words = answer.strerror if isinstance(answer, OSError) and answer.strerror else str(answer)
        raise ConnectError(Failure(Cause.DNS, f"`{address.host}` cannot be resolved: {words.lower()}"))
    return answer


def connect(address: Address, family: Family, timeout: float) -> Connection:
    """A connection to the first of the host's addresses that accepts one, within `timeout` seconds in all.

    Raises ConnectError with the reason of the last address tried.
    """
    started = time.monotonic()
    found = resolve(address, family, timeout)
    resolved = time.monotonic()
    failure = Failure(Cause.DNS, f"`{address.host}` has no address")
    for kind, peer in found:
        left = timeout - (time.monotonic() - started)
        if left <= 0:
            failure = Failure(Cause.TIMEOUT, f"no connection within {timeout:g} s")
            break
        sock = socket.socket(kind, socket.SOCK_STREAM)
        sock.settimeout(left)
        try:
            sock.connect(peer)
        except OSError as error:
            sock.close()
            failure = failure_of(error, timeout)
            continue
        return Connection(sock, str(peer[0]), resolved - started, time.monotonic() - resolved)
    raise ConnectError(failure, resolved - started)
