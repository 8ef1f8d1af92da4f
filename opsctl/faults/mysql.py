"""How a MySQL server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of TLS and of who it lets in."""
    yield from unanswered()
    for name, text in (
        ("full", "it refuses with error 1040: Too many connections"),
        ("blocked", "it refuses with error 1129: this host is blocked"),
        ("no-mysql", "it does not speak MySQL's protocol"),
    ):
        yield Fault(name, text, failure=Failure(Cause.PROTOCOL, text))
    older = {"version": "5.5.62"}
    yield Fault("other-version", "it is another version", older, cure='version matches "^8\\."')
    locked = {"authenticated": False}
    yield Fault("locked-out", "it does not let the user in", locked, cure="authenticated == true")
    if kind.tls == "starttls":
        text = "it does not offer TLS any more"
        yield Fault("no-tls", text, failure=Failure(Cause.TLS, text))
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)
