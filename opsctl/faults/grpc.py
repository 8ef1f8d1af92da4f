"""How a gRPC server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of what is in front of it, and of the service."""
    yield from unanswered()
    for name, cause, text in (
        ("unavailable", Cause.STATUS, "it answers with gRPC's status 14: unavailable"),
        ("bad-gateway", Cause.STATUS, "nobody is behind the proxy"),
        ("no-grpc", Cause.PROTOCOL, "it does not speak gRPC"),
        ("no-service", Cause.MISSING, "it does not know the service"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    for state in ("NOT_SERVING", "UNKNOWN"):
        said = {"serving": False, "state": state}
        yield Fault(state.lower().replace("_", "-"), f"it says {state}", said, cure="serving == true")
    if kind.tls:
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)
