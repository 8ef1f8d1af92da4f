"""Resolvers that fail as `opsctl.faults.dns` says."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from checks.resolvers import SILENCE, replying, resolving
from players.stage import IMPATIENT, SLOW, UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from players.stage import Played, Stage

    from opsctl.faults import Fault

_RIGHT = "192.0.2.10"
_OF_THE_SYSTEM = {"healthy", "hijacked", "slow", "timeout", "no-such-name", "server-failure", "no-records"}
LENSES = (f'answers contains "{_RIGHT}"', "count > 0", "count < 5", "len(answers) < 5", "latency < 500ms")
OF_A_SERVER = (*LENSES, 'rcode == "NOERROR"', 'rcode != "NXDOMAIN"', "ttl < 1h", "ttl > 1s")


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if stage.fields.get("resolver") == "system":
        return _system(fault) if fault.name in _OF_THE_SYSTEM else None
    record = "www.a.test. 300 A {}".format(*fault.values.get("answers") or [_RIGHT])
    by_name: Mapping[str, AbstractContextManager[str]] = {
        "healthy": resolving(replying(record)),
        "hijacked": resolving(replying(record)),
        "slow": resolving(_late(replying(record))),
        "timeout": resolving(lambda _question: SILENCE),
        "refused": UNANSWERED["refused"](),
        "no-such-name": resolving(replying(rcode="NXDOMAIN")),
        "server-failure": resolving(replying(rcode="SERVFAIL")),
        "no-records": resolving(replying()),
    }
    return _asking(by_name[fault.name]) if fault.name in by_name else None


@contextmanager
def _system(fault: Fault) -> Iterator[Mapping[str, Any]]:
    """The system's own resolver cannot be told what to say, so its answers are put in its place."""
    errors = {
        "no-such-name": socket.EAI_NONAME,
        "server-failure": socket.EAI_AGAIN,
        "no-records": socket.EAI_NODATA,
    }

    def getaddrinfo(*_asked: object) -> list[Any]:
        if fault.name in errors:
            raise socket.gaierror(errors[fault.name], fault.text)
        time.sleep({"slow": SLOW, "timeout": 5 * IMPATIENT}.get(fault.name, 0.0))
        (address,) = fault.values.get("answers", [_RIGHT])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    with mock.patch.object(socket, "getaddrinfo", getaddrinfo):
        yield {}


@contextmanager
def _asking(resolver: AbstractContextManager[str]) -> Iterator[Mapping[str, Any]]:
    with resolver as address:
        yield {"resolver": address}


def _late(answer: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def answer_late(question: Any) -> bytes:
        time.sleep(SLOW)
        return answer(question)

    return answer_late
