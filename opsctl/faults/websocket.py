"""How a WebSocket fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR = '{"type": "error", "message": "not logged in"}'


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
    yield from _answers(kind) if kind.send or kind.until else _without_an_answer()
    if kind.url.text.startswith("wss"):
        soon = {"expires_in": DAY}
        yield Fault("expires-soon", "its certificate expires tomorrow", soon, cure="expires_in > 14d")
    yield slow(timeout)


def _answers(kind: Any) -> Iterator[Fault]:
    for name, cause, text in (
        ("closes", Cause.PROTOCOL, "it closes the WebSocket at once"),
        ("silent", Cause.TIMEOUT, "it agrees, and then says nothing"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    text = "it answers with an error"
    if kind.until and not kind.until.search(_ERROR):
        # It is passed over, and nothing else comes.
        yield Fault("error", text, failure=Failure(Cause.TIMEOUT, text))
    else:
        error = {"received": _ERROR, "json": json.loads(_ERROR)}
        yield Fault("error", text, error, cure='json.type == "the right one"')


def _without_an_answer() -> Iterator[Fault]:
    """Whoever waits for no message does not see that none comes."""
    unsaid = frozenset({"received", "json"})
    for name, text in (
        ("closes", "it closes the WebSocket at once"),
        ("mute", "it agrees, and nothing works behind it"),
    ):
        yield Fault(name, text, {"status": 101}, unsaid, cure="send")
