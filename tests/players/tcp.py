"""Ports that fail as `opsctl.faults.tcp` says."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
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
        "slow": served(late(_saying(_GREETING))) if waits else _full(relents=True),
        "timeout": _full(relents=False),
    }
    address = servers.get(fault.name) or (UNANSWERED[fault.name]() if fault.name in UNANSWERED else None)
    return addressed(address) if address else None


def _saying(text: str) -> Serve:
    return lambda connection, _done: connection.sendall(text.encode())


@contextmanager
def _full(*, relents: bool) -> Iterator[str]:
    """A port whose queue is full, so that the kernel drops whoever else wants to connect; until it relents.

    It is the caller's kernel that tries again, one second after the first time and two after the second.
    """
    done = threading.Event()

    def accept() -> None:
        # However late they come: who looks is dropped once, and so are those that look at the same time.
        while not (relents and _knocks(server)):
            if done.wait(0.01):
                return
        if done.wait(2):
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


def _knocks(server: socket.socket) -> bool:
    """Whether somebody wants to connect and was not let in yet: a connection in the state SYN_SENT."""
    door = f":{server.getsockname()[1]:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    return any(remote.endswith(door) and state == "02" for _, _, remote, state, *_ in rows)
