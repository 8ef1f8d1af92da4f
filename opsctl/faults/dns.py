"""How a name fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import ELSEWHERE, Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the answer, and of the server that gives it."""
    for cause, text in ((Cause.TIMEOUT, "no answer comes"), (Cause.REFUSED, "the server refuses")):
        yield Fault(str(cause), text, failure=Failure(cause, text))
    none: dict[str, Any] = {"count": 0, "answers": []}
    yield Fault(
        "no-such-name", "the name does not exist", {"rcode": "NXDOMAIN", **none}, cure='rcode == "NOERROR"'
    )
    yield Fault(
        "server-failure", "the server fails", {"rcode": "SERVFAIL", **none}, cure='rcode == "NOERROR"'
    )
    yield Fault("no-records", "it has no such records", {"rcode": "NOERROR", **none}, cure="count > 0")
    other = {"rcode": "NOERROR", "count": 1, "answers": [ELSEWHERE]}
    yield Fault("hijacked", "it leads somewhere else", other, cure='answers contains "the right address"')
    yield slow(timeout)
