"""How a name fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import ELSEWHERE, Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the answer, and of the server that gives it."""
    yield from _of_the_system() if kind.resolver == "system" else _of_a_server()
    yield slow(timeout)


def _of_the_system() -> Iterator[Fault]:
    """The system tells addresses, or that it has none, and no more."""
    for name, cause, text in (
        ("timeout", Cause.TIMEOUT, "no answer comes"),
        ("no-such-name", Cause.DNS, "the name does not exist"),
        ("server-failure", Cause.DNS, "the server fails"),
        ("no-records", Cause.DNS, "it has no such records"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    yield _hijacked({})


def _of_a_server() -> Iterator[Fault]:
    for cause, text in ((Cause.TIMEOUT, "no answer comes"), (Cause.REFUSED, "the server refuses")):
        yield Fault(str(cause), text, failure=Failure(cause, text))
    none: dict[str, Any] = {"count": 0, "answers": []}
    timeless = frozenset({"ttl"})
    unknown = {"rcode": "NXDOMAIN", **none}
    yield Fault("no-such-name", "the name does not exist", unknown, timeless, cure='rcode == "NOERROR"')
    # A server that fails says nothing of the name, not even that there is none.
    failed = {"rcode": "SERVFAIL"}
    yield Fault("server-failure", "the server fails", failed, timeless | set(none), cure='rcode == "NOERROR"')
    empty = {"rcode": "NOERROR", **none}
    yield Fault("no-records", "it has no such records", empty, timeless, cure="count > 0")
    yield _hijacked({"rcode": "NOERROR"})


def _hijacked(values: dict[str, Any]) -> Fault:
    other = {**values, "count": 1, "answers": [ELSEWHERE]}
    return Fault("hijacked", "it leads somewhere else", other, cure='answers contains "the right address"')
