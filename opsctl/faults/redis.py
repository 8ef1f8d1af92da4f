"""How a Redis server fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the server, of replication and of its memory."""
    yield from unanswered()
    yield Fault(
        "refuses", "it refuses the password", failure=Failure(Cause.PROTOCOL, "it refuses the password")
    )
    unread = frozenset({"length", "value"})
    loading = {"pong": False, "loading": True}
    yield Fault("loading", "it still reads its data", loading, unread, cure="loading == false")
    demoted = {"role": "slave", "link": "down", "lag": 3600.0}
    yield Fault(
        "cut-off", "it is a replica that lost its master", demoted, cure='link == "up", or role == "master"'
    )
    full = {"memory": 10**12, "memory_percent": 100.0, "evicted": 10**9}
    yield Fault("full", "it throws keys out for want of memory", full, cure="memory_percent < 90%")
    yield Fault("not-saved", "its last snapshot was not written", {"saved": False}, cure="saved == true")
    if kind.key:
        text, many = "the key has a million entries", {"length": 10**6}
        yield Fault("piling-up", text, many, frozenset({"value"}), cure="length < 1000")
    if kind.tls:
        text = "it does not speak TLS any more"
        yield Fault("no-tls", text, failure=Failure(Cause.TLS, text))
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)
