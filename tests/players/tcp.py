"""Ports that fail as `opsctl.faults.tcp` says."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from checks.peers import listening
from players.stage import UNANSWERED, addressed, late, served, silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "connected == true",
    "connected == false",
    'received contains "220"',
    'not received contains "421"',
    "latency < 500ms",
    "latency.first_byte < 500ms",
    "matched == true",
    "matched == false",
)
_GREETING = "220 mail.test\r\n"


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    waits = "until" in stage.fields
    servers: dict[str, AbstractContextManager[str]] = {
        "healthy": served(_saying(_GREETING)),
        "other-service": served(_saying(fault.values.get("received", ""))),
        "silent": served(silent),
        # Who does not wait for a word is slow only where connecting is.
        "slow": served(late(_saying(_GREETING))) if waits else _full(0.2),
        "timeout": _full(30),
    }
    address = servers.get(fault.name) or (UNANSWERED[fault.name]() if fault.name in UNANSWERED else None)
    return addressed(address) if address else None


def _saying(text: str) -> Serve:
    return lambda connection, _done: connection.sendall(text.encode())


@contextmanager
def _full(seconds: float) -> Iterator[str]:
    """A port whose queue is full for a time, so that the kernel drops whoever else wants to connect.

    It is the caller's kernel that tries again, a second after the first time.
    """
    done = threading.Event()

    def accept() -> None:
        if done.wait(seconds):
            return
        # All who try again come at once.
        server.listen(64)
        while not done.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                peer.sendall(_GREETING.encode())

    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.create_connection(server.getsockname()),
        listening(server, accept, done) as address,
    ):
        yield address
