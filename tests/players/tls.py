"""TLS servers that fail as `opsctl.faults.tls` says."""

from __future__ import annotations

import ssl
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING

from checks.peers import server_context
from players.stage import TIMEOUT, UNANSWERED, addressed, late, served

if TYPE_CHECKING:
    import socket

    from certificates import Pair
    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "valid == true",
    "trusted == true",
    "host_matches == true",
    "expires_in > 14d",
    "expires_in > 0s",
    'version in ["TLSv1.2", "TLSv1.3"]',
    'names contains "localhost"',
    "latency < 500ms",
    "issuer exists",
)  # fmt: skip
WITH_CHAIN = (*LENSES, "chain_expires_in > 14d", "chain_expires_in > 0s")
_PAIRS = {
    "healthy": "good",
    "expired": "expired",
    "expires-soon": "soon",
    "chain-expires-soon": "chain_soon",
    "wrong-name": "wrong_host",
    "untrusted": "untrusted",
}


_LOADING = threading.Lock()
_OLD = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
# Here, as what is warned of can be set for the whole process only. That it is old is the point.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    _OLD.minimum_version = ssl.TLSVersion.TLSv1
    _OLD.maximum_version = ssl.TLSVersion.TLSv1_1
_OLD.set_ciphers("ALL:@SECLEVEL=0")


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    more = {"ca": str(stage.certificates.ca)}
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name](), **more)
    good = stage.certificates.good
    begin = _asked_by_smtp if "starttls" in stage.fields else (lambda serve: serve)
    plays: dict[str, Serve] = {
        # A second handshake has no time left.
        "slow": late(begin(_shaking(server_context(good))), 0.55 * TIMEOUT),
        "no-tls": lambda peer, _done: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "old-protocol": begin(_shaking(_old(good))),
    }
    if fault.name in _PAIRS:
        pair = getattr(stage.certificates, _PAIRS[fault.name])
        plays[fault.name] = begin(_shaking(server_context(pair)))
    serve = plays.get(fault.name)
    return serve and addressed(served(serve), **more)


def _shaking(context: ssl.SSLContext) -> Serve:
    def serve(peer: socket.socket, _done: threading.Event) -> None:
        with context.wrap_socket(peer, server_side=True) as secure:
            secure.recv(1)

    return serve


def _old(pair: Pair) -> ssl.SSLContext:
    # Plays run at once, and a context that is loaded by two of them takes the process down.
    with _LOADING:
        return _loaded(pair)


@cache
def _loaded(pair: Pair) -> ssl.SSLContext:
    _OLD.load_cert_chain(pair.certificate, pair.key)
    return _OLD


def _asked_by_smtp(serve: Serve) -> Serve:
    def begin(peer: socket.socket, done: threading.Event) -> None:
        peer.sendall(b"220 mail.test\r\n")
        for answer in (b"250-mail.test\r\n250 STARTTLS\r\n", b"220 go\r\n"):
            while peer.recv(1) != b"\n":
                pass
            peer.sendall(answer)
        serve(peer, done)

    return begin
