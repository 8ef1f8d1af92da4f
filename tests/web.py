"""An HTTP server that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from certificates import Certificates, Pair


class Answer(NamedTuple):
    """What to answer.

    `delay` (seconds) passes before the first byte, `drip` before each byte of the body. `auth` is the `user:password`
    without which the answer is 401. `raw` is sent as it is, in place of everything else. With `length` false the
    body's length is not told and the connection's end is the body's.
    """

    status: int = 200
    body: bytes = b"ok\n"
    headers: Mapping[str, str] = {}
    delay: float = 0.0
    drip: float = 0.0
    gzip: bool = False
    auth: str | None = None
    raw: bytes | None = None
    length: bool = True


class Request(NamedTuple):
    """What was asked; the names of `headers` are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Web:
    """A server at `url`; paths that were told no answer are 404, and `/echo` answers what it was asked, as JSON."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def answer(self, path: str, *answers: Answer) -> str:
        """Answer `path` with each of `answers` in turn, and with the last from then on; its URL."""
        with self._lock:
            self._answers[path] = list(answers)
        return self.url + path

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Send whoever asks for `path` to the URL or path `to`; its own URL."""
        return self.answer(path, Answer(status, b"", {"Location": to}))

    def next(self, request: Request) -> Answer:
        """The answer that `request` gets, which is taken down."""
        path = request.path.partition("?")[0]
        with self._lock:
            self.requests.append(request)
            if path == "/echo" and path not in self._answers:
                told = {**request._asdict(), "body": request.body.decode(errors="replace")}
                return Answer(body=json.dumps(told).encode(), headers={"Content-Type": "application/json"})
            waiting = self._answers.get(path, [Answer(404, b"not found\n")])
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def close(self) -> None:
        """Stop, and let go of whoever waits for an answer."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Unpolled(socketserver.TCPServer):
    """A server that is woken when it is to end, where it would look for that twice a second, or a hundred times."""

    def serve_forever(self, poll_interval=None):
        super().serve_forever(poll_interval)

    def shutdown(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()


class ThreadingWebServer(Unpolled, ThreadingHTTPServer):
    """A thread for each connection on a free port, by TLS where there is a context for it."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        super().__init__(("127.0.0.1", 0), handler)

    def finish_request(self, request, client_address):
        # Here and not in the accepting thread, so that one bad handshake stops nobody else.
        if self._tls:
            with contextlib.suppress(OSError), self._tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """A client that goes away is what many a test wants."""


class _Server(ThreadingWebServer):
    def __init__(self, web: Web, tls: ssl.SSLContext | None) -> None:
        self.web = web
        super().__init__(_Handler, tls)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.web.next(Request(self.command, self.path, headers, body))
        if self.server.web.closing.wait(answer.delay):
            self.close_connection = True
            return
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self._answer(_unauthorised(answer) if answer.auth and not _knows(headers, answer.auth) else answer)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the library names them

    def _answer(self, answer: Answer) -> None:
        body = gzip.compress(answer.body, mtime=0) if answer.gzip else answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.gzip:
            self.send_header("Content-Encoding", "gzip")
        if answer.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self._send(body, answer.drip)

    def _send(self, body: bytes, drip: float) -> None:
        for piece in [body] if not drip else (body[at : at + 1] for at in range(len(body))):
            if drip and self.server.web.closing.wait(drip):
                self.close_connection = True
                return
            self.wfile.write(piece)

    def log_message(self, *_arguments: object) -> None:
        """What was asked is in `Web.requests`."""


def _knows(headers: Mapping[str, str], auth: str) -> bool:
    return headers.get("authorization") == f"Basic {base64.b64encode(auth.encode()).decode()}"


def _unauthorised(answer: Answer) -> Answer:
    return answer._replace(
        status=401, body=b"who are you?\n", headers={"WWW-Authenticate": 'Basic realm="tests"'}, gzip=False
    )


@pytest.fixture
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


@pytest.fixture
def web_tls(certificates: Certificates) -> Iterator[Callable[..., Web]]:
    """Start a server with TLS: `web_tls("expired")`; with `client=True` it wants a certificate of the client."""
    started: list[Web] = []

    def start(kind: str = "good", *, client: bool = False) -> Web:
        pair: Pair = getattr(certificates, kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        if client:
            context.load_verify_locations(certificates.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        started.append(Web(context))
        return started[-1]

    yield start
    for served in started:
        served.close()
