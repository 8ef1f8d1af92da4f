"""The shop as it runs: a web server, a worker, and a keeper that restarts the worker when it is asked to."""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opsctl.demo import goods
from opsctl.demo.program import environment, module

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Answer = tuple[int, Mapping[str, Any]]

HOST = "127.0.0.1"
# Below those that systems give to outgoing connections, so that they are free the next time too.
_PORTS = range(20_000, 30_000)
_PATIENCE = 10.0


def free_port(taken: int = 0) -> int:
    """A port of this machine on which nobody listens, and not `taken`."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as trial:
            if port != taken and _bound(trial, port):
                return port
    raise OSError(98, "no port is free", HOST)


def _bound(trial: socket.socket, port: int) -> bool:
    # As a server does it: what has just been closed is free.
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        trial.bind((HOST, port))
    except OSError:
        return False
    return True


@contextmanager
def running(folder: Path, web: int, control: int) -> Iterator[None]:
    """The shop, for as long as the context lasts: on the port `web` people buy, on `control` it is kept.

    Raises OSError where a port is taken.
    """
    worker = Worker(folder)
    pages: Mapping[str, Callable[[], Answer]] = {
        "GET /healthz": lambda: _health(folder),
        "GET /orders": lambda: _orders(folder),
    }
    keeping: Mapping[str, Callable[[], Answer]] = {
        "GET /worker": lambda: (200, {"running": worker.running}),
        "POST /worker/restart": worker.restart,
    }
    with ExitStack() as stack:
        stack.enter_context(_serving(web, pages))
        stack.enter_context(_serving(control, keeping))
        stack.callback(worker.stop)
        worker.restart()
        yield


class Worker:
    """The worker's process; one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether there is one that has not given up."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> Answer:
        """Stop it and start it anew; answers when the new one has said that its first round was well."""
        import subprocess

        with self._lock:
            self._stop()
            self._process = subprocess.Popen(
                [*module("opsctl.demo.worker"), str(self._folder)],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            assert self._process.stdout  # noqa: S101 - it is a pipe
            well = bool(self._process.stdout.readline())
        return (200, {"worker": "ok"}) if well else (503, {"worker": "gave up"})

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._process is None:
            return
        with self._process as process:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except BaseException:
                process.kill()
                raise


def _health(folder: Path) -> Answer:
    try:
        return 200, {"status": "ok", "orders": goods.orders(folder)}
    except sqlite3.Error as error:
        return 503, {"status": "failing", "reason": str(error)}


def _orders(folder: Path) -> Answer:
    try:
        return 200, {"best_customers": dict(goods.best_customers(folder))}
    except sqlite3.Error as error:
        return 503, {"status": "failing", "reason": str(error)}


@contextmanager
def _serving(port: int, routes: Mapping[str, Callable[[], Answer]]) -> Iterator[None]:
    """A web server on `port` with an answer for each of `routes`, such as `GET /healthz`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = routes.get(f"{self.command} {self.path}", _nothing)()
            data = json.dumps(body).encode() + b"\n"
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer((HOST, port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def _nothing() -> Answer:
    return 404, {"status": "there is nothing here"}
