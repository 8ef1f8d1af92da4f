"""Servers of WebSockets that fail as `opsctl.faults.websocket` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.peers import saying, secured
from checks.websockets import agreeing, frame
from players.http import addressed_as
from players.stage import UNANSWERED, late, served

if TYPE_CHECKING:
    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "status == 101",
    "status != 502",
    'subprotocol == "live"',
    'received contains "hello"',
    'received contains "type"',
    'json.type == "hello"',
    "json.type exists",
    "latency < 500ms",
)
OVER_TLS = (*LENSES, "expires_in > 14d", "expires_in > 0s", 'version contains "TLS"')
_TEXT, _CLOSE = 1, 8
_HELLO, _ERROR = b'{"type": "hello"}', b'{"type": "error", "message": "not logged in"}'


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    scheme = stage.fields["url"].partition(":")[0]
    if fault.name in UNANSWERED:
        address = UNANSWERED[fault.name]()
    else:
        serve = _serve(fault)
        if serve is None:
            return None
        pair = stage.certificates.soon if fault.name == "expires-soon" else stage.certificates.good
        address = served(secured(pair, serve) if scheme == "wss" else serve)
    return addressed_as("url", f"{scheme}://{{}}/", address, ca=str(stage.certificates.ca))


def _serve(fault: Fault) -> Serve | None:
    if fault.name.startswith("status-"):
        page = f"HTTP/1.1 {fault.values['status']} No\r\nContent-Length: 0\r\n\r\n"
        return saying(b"", (b"GET / ", page.encode()))
    whole = _agreeing(_telling(_HELLO))
    plays = {
        "healthy": whole,
        "slow": late(whole),
        "expires-soon": whole,
        "closes": _agreeing(lambda connection, _: connection.sendall(frame(_CLOSE, b"\x03\xf3overloaded"))),
        "silent": _agreeing(_listening),
        "mute": _agreeing(_listening),
        "error": _agreeing(_telling(_ERROR)),
    }
    return plays.get(fault.name)


def _agreeing(answer: Any) -> Serve:
    return agreeing(answer, more="Sec-WebSocket-Protocol: live\r\n")


def _telling(text: bytes) -> Any:
    def tell(connection: Any, stream: Any) -> None:
        connection.sendall(frame(_TEXT, text))
        _listening(connection, stream)

    return tell


def _listening(_connection: Any, stream: Any) -> None:
    # Until the other side hangs up.
    stream.read()
