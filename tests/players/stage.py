"""What every player is given, and what all that listen on a network play alike."""

from __future__ import annotations

import os
import select
import socket
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from checks.peers import listening, resetting
from servers import HOST, free_port

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from certificates import Certificates
    from checks.peers import Serve

# How long a check waits, how long what is slow takes, and how long a check waits for what never answers; for what
# says something first, that has to be heard by then, on a busy machine too.
TIMEOUT = 6.0
SLOW = 0.7
IMPATIENT = 0.4
PATIENT = 3.0

_NOBODY = 65534

HEALTHY = Fault("healthy", "it is as it should be")

# The fields of the check that lead it to what is played, for as long as the block lasts.
Played = AbstractContextManager["Mapping[str, Any]"]


class Stage(NamedTuple):
    """Where faults are played: an empty folder, the tests' certificates, and the check's fields.

    What a player puts in `ask` the check is given in place of what it is given else, as its environment.
    """

    folder: Path
    certificates: Certificates
    fields: Mapping[str, Any]
    ask: dict[str, Any]


@contextmanager
def served(serve: Serve) -> Iterator[str]:
    """The address of a server that hands every connection to `serve(connection, done)`, many at once."""
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection, done)

    def accept() -> None:
        with suppress(OSError):
            while not done.is_set():
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server, listening(server, accept, done) as address:
        yield address


def silent(_connection: socket.socket, done: threading.Event) -> None:
    done.wait(30)


def _reset_after_all(connection: socket.socket, done: threading.Event) -> None:
    # Only once the other side knows that it is connected, as who has something to say does.
    select.select([connection], [], [], 1)
    resetting(connection, done)


def late(serve: Serve, seconds: float = SLOW) -> Serve:
    """The same, but not at once."""

    def serve_late(connection: socket.socket, done: threading.Event) -> None:
        done.wait(seconds)
        serve(connection, done)

    return serve_late


UNANSWERED: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    # One that no other player is given, as those play at the same time.
    "refused": lambda: nullcontext(f"{HOST}:{free_port()}"),
    "reset": lambda: served(_reset_after_all),
    "timeout": lambda: served(silent),
    # The kernel itself says of TCP to the broadcast address that there is no way.
    "unreachable": lambda: nullcontext("255.255.255.255:9"),
    # That this is no name is known without asking any server.
    "no-such-name": lambda: nullcontext("a..b:9"),
}


@contextmanager
def addressed(address: AbstractContextManager[str], **more: Any) -> Iterator[Mapping[str, Any]]:
    """The fields of a check that has an address."""
    with address as found:
        yield {"address": found, **more}


@contextmanager
def barred() -> Iterator[None]:
    """As nobody, for whom what is forbidden is: to root nothing is."""
    drops = os.geteuid() == 0
    if drops:
        os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield
    finally:
        if drops:
            os.setresuid(0, 0, 0)
