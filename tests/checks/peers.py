"""Servers made of a few lines, for what no real server does on demand."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from certificates import Pair

    Serve = Callable[[socket.socket, threading.Event], None]
    Turns = Sequence[tuple[bytes, bytes]]


@contextmanager
def listening(server: socket.socket, accept: Callable[[], None], done: threading.Event) -> Iterator[str]:
    """The address of a listening socket whose clients `accept` serves, until `done` is set at the end."""
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        done.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def accepting(serve: Serve) -> Iterator[str]:
    """The address of a server that hands each connection to `serve(connection, done)`, one after the other."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                serve(connection, done)

    with socket.create_server(("127.0.0.1", 0)) as server, listening(server, run, done) as address:
        yield address


def resetting(connection: socket.socket, _done: threading.Event) -> None:
    """Answer with a reset, as a proxy does that has lost what is behind it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hanging_up(connection: socket.socket, done: threading.Event) -> None:
    """The same, but only once it was told something."""
    connection.recv(1)
    resetting(connection, done)


def saying(greeting: bytes, *turns: tuple[bytes, bytes]) -> Serve:
    """A server that greets, and gives each answer once it was told a line that begins as it should."""

    def serve(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(greeting)
        with connection.makefile("rb") as told:
            for start, answer in turns:
                line = told.readline()
                assert line.startswith(start), (line, start)
                connection.sendall(answer)
            # The other side hangs up first, so that nothing that is on its way is lost.
            told.readline()

    return serve


def upgrading(pair: Pair, greeting: bytes, before: Turns, after: Turns) -> Serve:
    """A server that begins TLS once it has given the last answer of `before`, and goes on with `after`."""

    def serve(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(greeting)
        for start, answer in before:
            # Read without a buffer, which would swallow the start of the handshake.
            line = b""
            while not line.endswith(b"\n"):
                line += connection.recv(1)
            assert line.startswith(start), (line, start)
            connection.sendall(answer)
        secured(pair, saying(b"", *after))(connection, done)

    return serve


def dripping(start: bytes, piece: bytes) -> Serve:
    """A server that says `start`, and then `piece` again and again without ever coming to an end."""

    def serve(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(start)
        while not done.wait(0.02):
            connection.sendall(piece)

    return serve


def flooding(start: bytes) -> Serve:
    """A server that never stops."""

    def serve(connection: socket.socket, done: threading.Event) -> None:
        connection.sendall(start)
        while not done.is_set():
            connection.sendall(b"x" * 65536)

    return serve


def server_context(pair: Pair) -> ssl.SSLContext:
    """What a TLS server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def secured(pair: Pair, serve: Serve) -> Serve:
    """The same over TLS from the first byte."""

    def over_tls(connection: socket.socket, done: threading.Event) -> None:
        with server_context(pair).wrap_socket(connection, server_side=True) as secure:
            serve(secure, done)

    return over_tls


def nobody() -> str:
    """An address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"
