"""Servers of gRPC's health service that fail as `opsctl.faults.grpc` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.peers import server_context
from players.stage import UNANSWERED, addressed, late, served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = ("serving == true", 'state == "SERVING"', 'state != "NOT_SERVING"', "latency < 500ms")
OVER_TLS = (*LENSES, "expires_in > 14d", "expires_in > 0s")
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _GOAWAY = 0, 1, 4, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1


def _answer(
    state: int | None = 1, *, code: int | None = 0, status: int = 200, kind: str = "application/grpc"
) -> bytes:
    """The frames of an answer, RFC 9113: headers, a message, and the code behind it."""
    trailer = b"" if code is None else _field("grpc-status", str(code))
    first = _field(":status", str(status)) + _field("content-type", kind)
    if state is None:
        return _frame(_HEADERS, _END_HEADERS | _END_STREAM, first + trailer)
    # The default of the only field is not sent.
    message = bytes([8, state]) if state else b""
    data = bytes(4) + bytes([len(message)]) + message
    return (
        _frame(_HEADERS, _END_HEADERS, first)
        + _frame(_DATA, 0, data)
        + _frame(_HEADERS, _END_HEADERS | _END_STREAM, trailer)
    )


def _field(name: str, value: str) -> bytes:
    """A header in plain letters that nobody need remember, RFC 7541."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def _frame(kind: int, flags: int, data: bytes = b"", stream: int = 1) -> bytes:
    return len(data).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + data


_ANSWERS: Mapping[str, bytes] = {
    "healthy": _answer(),
    "slow": _answer(),
    "expires-soon": _answer(),
    "unavailable": _answer(None, code=14),
    "bad-gateway": _answer(None, code=None, status=502, kind="text/html"),
    "no-grpc": _answer(None, code=None, kind="text/html"),
    "no-service": _answer(None, code=5),
    "not-serving": _answer(2),
    "unknown": _answer(0),
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    more = {"ca": str(stage.certificates.ca)} if stage.fields.get("tls", True) else {}
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name](), **more)
    if fault.name not in _ANSWERS:
        return None
    serve = _serving(_ANSWERS[fault.name])
    if fault.name == "no-grpc" and not more:
        # By TLS it knows HTTP/2 at least.
        serve = _of_the_old_web
    if more:
        pair = stage.certificates.soon if fault.name == "expires-soon" else stage.certificates.good
        serve = _secured(pair, serve)
    return addressed(served(late(serve) if fault.name == "slow" else serve), **more)


def _secured(pair: Any, serve: Serve) -> Serve:
    def over_tls(connection: Any, done: Any) -> None:
        context = server_context(pair)
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(connection, server_side=True) as secure:
            serve(secure, done)

    return over_tls


def _of_the_old_web(connection: Any, _done: Any) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    # Until the other side hangs up.
    connection.recv(1000)


def _serving(answer: bytes) -> Serve:
    def serve(connection: Any, _done: Any) -> None:
        with connection.makefile("rb") as stream:
            if stream.read(len(_PREFACE)) != _PREFACE:
                return
            connection.sendall(_frame(_SETTINGS, 0, stream=0))
            while head := stream.read(9):
                kind, flags = head[3], head[4]
                stream.read(int.from_bytes(head[:3], "big"))
                if kind == _SETTINGS and not flags & _ACK:
                    connection.sendall(_frame(_SETTINGS, _ACK, stream=0))
                if kind in {_DATA, _HEADERS} and flags & _END_STREAM:
                    connection.sendall(answer)

    return serve
