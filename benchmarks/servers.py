"""Local servers for requests, which count them: nginx that answers at once, and one that answers after a delay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 4096; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "ok"; }}
  location = /seen {{ stub_status; }} }}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e; }}
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"


class Seen(NamedTuple):
    """How many connections and requests a server has had."""

    connections: int
    requests: int


class Server(NamedTuple):
    """A running server on a port, which answers after `delay` seconds."""

    port: int
    delay: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def seen(self) -> Seen:
        """What the server has had, this question among it."""
        with urllib.request.urlopen(f"{self.url}seen") as answer:
            accepted, _, requests = answer.read().split(b"requests")[1].split()[:3]
        return Seen(int(accepted), int(requests))

    def since(self, before: Seen) -> Seen:
        """What the server has had since `before`, without this question."""
        now = self.seen()
        return Seen(now.connections - before.connections - 1, now.requests - before.requests - 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    """Return as soon as something listens on the port; give up after 10 s."""
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.001)
        else:
            return


@contextlib.contextmanager
def running(argv: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that listens on `port`, ended afterwards."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def fast() -> Iterator[Server]:
    """Nginx, which answers at once."""
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        sys.exit("nginx is needed for this benchmark; install it")
    with tempfile.TemporaryDirectory() as name:
        port, conf = free_port(), Path(name) / "nginx.conf"
        conf.write_text(NGINX.format(folder=name, port=port))
        with running([nginx, "-p", name, "-c", str(conf)], port):
            yield Server(port)


@contextlib.contextmanager
def slow(delay: float) -> Iterator[Server]:
    """A server in a process of its own that answers after `delay` seconds, however many ask."""
    port = free_port()
    with running([sys.executable, __file__, str(port), str(delay)], port):
        yield Server(port, delay)


def serve_slowly(port: int, delay: float) -> None:
    connections = requests = 0

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            nonlocal connections
            connections += 1
            self.transport, self.asked = transport, b""

        def data_received(self, data: bytes) -> None:
            nonlocal requests
            self.asked += data
            if not self.asked.endswith(b"\r\n\r\n"):
                return
            requests += 1
            if self.asked.startswith(b"GET /seen"):
                self.answer(b"requests %d %d %d" % (connections, connections, requests))
            else:
                asyncio.get_running_loop().call_later(delay, self.answer, b"ok")

        def answer(self, body: bytes) -> None:
            self.transport.write(ANSWER % (len(body), body))
            self.transport.close()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    serve_slowly(int(sys.argv[1]), float(sys.argv[2]))
