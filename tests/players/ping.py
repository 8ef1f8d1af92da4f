"""Hosts that fail to answer as `opsctl.faults.ping` says.

Few machines let anybody send echo requests, so they travel by UDP here, to servers that answer as kernels do.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from unittest import mock

from players.stage import SLOW
from servers import HOST

from opsctl.checks import ping
from opsctl.connecting import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from players.stage import Played, Stage

    from opsctl.connecting import Address, Deadline, Family
    from opsctl.faults import Fault

LENSES = ("loss < 50%", "loss < 10%", "latency < 500ms", "slowest < 500ms", f'address == "{HOST}"')
_PLAYED = "played-"


@contextmanager
def over_udp() -> Iterator[None]:
    """Echo requests to hosts that are played go to their ports."""

    def find(
        address: Address, family: Family, deadline: Deadline
    ) -> Sequence[tuple[int, tuple[object, ...]]]:
        if address.host.startswith(_PLAYED):
            return [(socket.AF_INET, (HOST, int(address.host.removeprefix(_PLAYED))))]
        return resolve(address, family, deadline)

    echo = {socket.AF_INET: (socket.IPPROTO_UDP, 8, 0)}
    with mock.patch.object(ping, "_ECHO", echo), mock.patch.object(ping, "resolve", find):
        yield


def play(_stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    plays: Mapping[str, Callable[[int], float | None]] = {
        "healthy": lambda _: 0.0,
        "silent": lambda _: None,
        # The numbers of requests are those of the checks, which all ask three times.
        "lossy": lambda number: 0.0 if number != 1 else None,
        "slow": lambda _: SLOW,
    }
    if fault.name == "no-such-name":
        return nullcontext({"host": "a..b"})
    return _answering(plays[fault.name]) if fault.name in plays else None


@contextmanager
def _answering(delay: Callable[[int], float | None]) -> Iterator[Mapping[str, Any]]:
    def serve() -> None:
        while True:
            packet, asker = server.recvfrom(1024)
            if not packet:
                return
            seconds = delay(int.from_bytes(packet[6:8], "big"))
            if seconds is not None:
                threading.Timer(seconds, server.sendto, (b"\0" + packet[1:], asker)).start()

    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield {"host": f"{_PLAYED}{server.getsockname()[1]}"}
        # Nothing is said by nobody but us.
        server.sendto(b"", server.getsockname())
        thread.join()
