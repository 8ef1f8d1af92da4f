"""How a WebSocket fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the handshake, of the certificate, and of what is answered."""
    yield from unanswered()
    gone = frozenset({"received", "json", "subprotocol"})
    for status, text in (
        (200, "a page in place of a WebSocket"),
        (403, "forbidden"),
        (502, "nobody is behind"),
    ):
        yield Fault(f"status-{status}", text, {"status": status}, gone, cure="status == 101")
    text = "it closes the WebSocket at once"
    yield Fault("closes", text, failure=Failure(Cause.PROTOCOL, text))
    if kind.send or kind.until:
        text = "it agrees, and then says nothing"
        yield Fault("silent", text, failure=Failure(Cause.TIMEOUT, text))
        said = '{"type": "error", "message": "not logged in"}'
        error = {"received": said, "json": {"type": "error", "message": "not logged in"}}
        yield Fault("error", "it answers with an error", error, cure='json.type == "the right one"')
    else:
        yield Fault("mute", "it agrees, and nothing works behind it", {"status": 101}, gone, cure="send")
    if kind.url.text.startswith("wss"):
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)
