"""Redis servers, real ones, brought to fail as `opsctl.faults.redis` says."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from players.stage import SLOW, TIMEOUT, UNANSWERED, addressed
from servers import HOST, free_port, listens, program, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "pong == true",
    "loading == false",
    'role == "master"',
    'link == "up"',
    "lag < 1s",
    "memory < 6MB",
    "memory_percent < 90%",
    "evicted == 0",
    "saved == true",
    "length < 1000",
    'value == "web-1"',
    "latency < 500ms",
)
_MEMORY = 8_000_000


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name]())
    if fault.name == "loading":
        return _loading(stage)
    if fault.name == "cut-off":
        return _cut_off(stage)
    if fault.name == "not-saved":
        return _unsaved(stage)
    commands = _COMMANDS.get(fault.name)
    return None if commands is None else _brought(stage, commands)


_KEY = ("SET", "jobs", "web-1")
_FULL = tuple(("SET", f"key:{number}", "x" * 100_000) for number in range(200))
# Whoever looks begins only when that is said, so it takes longer than for others.
_PAUSE = ("CLIENT", "PAUSE", str(int(3000 * SLOW)), "ALL")
_COMMANDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "healthy": (_KEY,),
    "refuses": (("CONFIG", "SET", "requirepass", "other"),),
    "full": (("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), *_FULL, _KEY),
    "piling-up": (("DEL", "jobs"), ("RPUSH", "jobs", *("x" for _ in range(2000)))),
    "slow": (_KEY, _PAUSE),
}


@contextmanager
def _brought(stage: Stage, commands: tuple[tuple[str, ...], ...]) -> Iterator[Mapping[str, Any]]:
    with _server(stage) as fields:
        for command in commands:
            say(fields["address"], *command)
        yield fields


@contextmanager
def _unsaved(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """A server that finds a folder where its snapshot should be written."""
    with _server(stage, "--dbfilename", "taken") as fields:
        (stage.folder / "taken").mkdir()
        for command in (_KEY, ("BGSAVE",)):
            say(fields["address"], *command)
        _until(fields["address"], "persistence", "rdb_bgsave_in_progress:0")
        yield fields


@contextmanager
def _cut_off(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """A replica whose master has ended a second ago."""
    with ExitStack() as master:
        of = master.enter_context(_server(stage, "--repl-diskless-sync-delay", "0"))["address"].split(":")
        say(":".join(of), *_KEY)
        with _server(stage, "--replicaof", *of) as fields:
            _until(fields["address"], "replication", "master_link_status:up")
            master.close()
            _until(fields["address"], "replication", "master_link_down_since_seconds:1")
            yield fields


def _until(address: str, section: str, words: str) -> None:
    while words not in say(address, "INFO", section):
        time.sleep(0.02)


@contextmanager
def _server(stage: Stage, *options: str, ready: str = "PONG") -> Iterator[Mapping[str, Any]]:
    port = free_port()
    address = f"{HOST}:{port}"
    argv = [program("redis-server"), "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(stage.folder),
            "--maxmemory", str(_MEMORY), *options]  # fmt: skip
    with running(argv, stage.folder / "redis.log", lambda: listens(port) and ready in say(address, "PING")):
        yield {"address": address}


@contextmanager
def _loading(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """A server that needs ten seconds for its snapshot, which another one has written."""
    with _server(stage) as fields:
        say(
            fields["address"],
            "EVAL",
            "for n = 1, 5000 do redis.call('SET', n, string.rep('x', 1000)) end",
            "0",
        )
        say(fields["address"], "SAVE")
    slow = ("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
    with _server(stage, *slow, ready="LOADING") as fields:
        yield fields


def say(address: str, *words: str) -> str:
    """What a server answers to a command."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 10 * TIMEOUT) as peer:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        peer.sendall(f"*{len(words)}\r\n{parts}".encode())
        return peer.recv(65536).decode()
