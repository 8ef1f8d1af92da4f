"""Servers that mean no good: each a function that talks to one client, on a raw socket, until it goes."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Talk = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_PIECE = b"x" * 65536
MEMORY_KIB = 150 * 1024
# A child begins with the peak of whoever forked it, which for the tests is more than opsctl ever needs.
MEASURED = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}")
"""


def _bomb(times: int) -> bytes:
    squeezed = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(256)) + squeezed.flush()
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


def _forever(peer: socket.socket, data: bytes, pause: float = 0.0) -> None:
    while True:
        peer.sendall(data)
        time.sleep(pause)


def drip_headers(peer: socket.socket) -> None:
    peer.sendall(OK)
    _forever(peer, b"X-A: b\r\n", 0.05)


def drip_body(peer: socket.socket) -> None:
    peer.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    _forever(peer, b"x", 0.05)


def endless_body(peer: socket.socket) -> None:
    peer.sendall(OK + b"\r\n")
    _forever(peer, _PIECE)


def endless_headers(peer: socket.socket) -> None:
    peer.sendall(OK)
    _forever(peer, b"X-A: " + b"b" * 1000 + b"\r\n")


def endless_header(peer: socket.socket) -> None:
    peer.sendall(OK + b"X-A: ")
    _forever(peer, _PIECE)


def endless_hints(peer: socket.socket) -> None:
    _forever(peer, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")


def bomb(peer: socket.socket) -> None:
    data = _bomb(1)
    peer.sendall(OK + f"Content-Encoding: gzip\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)


def double_bomb(peer: socket.socket) -> None:
    data = _bomb(2)
    peer.sendall(OK + f"Content-Encoding: gzip, gzip\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)


def redirect_loop(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def bad_chunks(peer: socket.socket) -> None:
    peer.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\nxx")


def cut_off(peer: socket.socket) -> None:
    peer.sendall(OK + b"Content-Length: 1000\r\n\r\nonly this")


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garbage(peer: socket.socket) -> None:
    peer.sendall(bytes(range(256)) * 64)


def silence(peer: socket.socket) -> None:
    peer.settimeout(60)
    while peer.recv(65536):
        pass
    time.sleep(60)


def http_2_frames(peer: socket.socket) -> None:
    """SETTINGS frames without end, to whoever spoke HTTP/1."""
    _forever(peer, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


TALKS: dict[str, Talk] = {
    talk.__name__.replace("_", "-"): talk
    for talk in (drip_headers, drip_body, endless_body, endless_headers, endless_header, endless_hints, bomb, double_bomb,
                 redirect_loop, bad_chunks, cut_off, reset, garbage, silence, http_2_frames)
}  # fmt: skip


@contextmanager
def serving() -> Iterator[dict[str, int]]:
    """Every hostile server by name, with its port on this machine."""
    servers = {name: socket.create_server(("127.0.0.1", 0)) for name in TALKS}
    for name, server in servers.items():
        threading.Thread(target=_accept, args=(server, TALKS[name]), daemon=True).start()
    try:
        yield {name: server.getsockname()[1] for name, server in servers.items()}
    finally:
        for server in servers.values():
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


def _accept(server: socket.socket, talk: Talk) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_served, args=(peer, talk), daemon=True).start()


def _served(peer: socket.socket, talk: Talk) -> None:
    with peer, suppress(OSError):
        if talk is not silence:
            peer.recv(65536)
        talk(peer)
