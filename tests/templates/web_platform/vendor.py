"""A vendor as a local server: its condition, what it was asked, and what it answers when it is out of order."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from web import ThreadingWebServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

VERCEL_TOKEN, TEAM, PROJECT = "vercel-token-of-the-tests", "team_1a2b3c4d5e6f", "prj_5m8CQaRBm3FnWRW1"
SUPABASE_TOKEN, REF = f"sbp_{'0123456789' * 4}", "abcdefghijklmnopqrst"
ANON_KEY, TABLE = "anon-key-of-the-tests", "categories"
N8N_KEY = "n8n-key-of-the-tests"
LOGS_TOKEN = "logs-token-of-the-tests"
PAGE = "Everybody is welcome aboard"
WAIT = 60
_MENDED = 10
_STATUSES = frozenset({"canceled", "crashed", "error", "new", "running", "success", "unknown", "waiting"})
_PARTS = frozenset({"auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer"})


class Condition(StrEnum):
    """How a vendor is.

    `FAILING` is n8n that is well and whose workflows are not, `STARTING` is n8n while it migrates. `PORTAL` answers 200
    with HTML in place of everything, `BROKEN` 500, `CUT` half of the JSON.
    """

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    FAILING = "failing"
    STARTING = "starting"
    RATE_LIMITED = "rate-limited"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    BROKEN = "broken"
    PORTAL = "portal"
    CUT = "cut"


class Asked(NamedTuple):
    """A request; the names of `headers` are in lower case, `query` has every value of a name."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def bears(self, token: str) -> bool:
        return self.headers.get("authorization") == f"Bearer {token}"


class Reply(NamedTuple):
    """An answer: JSON, or HTML where `body` is a text."""

    status: int
    body: object
    headers: Mapping[str, str] = {}


class Vendor:
    """A server at `url` that answers as `speak` says for its `condition`; `journal` is what it was asked.

    `paused` are the workflows that are not active, where it is n8n.
    """

    def __init__(self, speak: Callable[[Vendor, Asked], Reply], tls: ssl.SSLContext | None = None) -> None:
        self.condition = Condition.UP
        self.journal: list[Asked] = []
        self.paused: set[str] = set()
        self.speak = speak
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"

    def asked(self, method: str) -> list[str]:
        """The paths that were asked for by this method, in their order."""
        return [one.path for one in self.journal if one.method == method]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingWebServer):
    def __init__(self, vendor: Vendor, tls: ssl.SSLContext | None) -> None:
        self.vendor = vendor
        super().__init__(_Handler, tls)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        vendor = self.server.vendor
        asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
        vendor.journal.append(asked)
        reply = _out_of_order(vendor.condition) or vendor.speak(vendor, asked)
        self._send(reply, cut=vendor.condition is Condition.CUT)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the library names them

    def _send(self, reply: Reply, *, cut: bool) -> None:
        kind = "text/html" if isinstance(reply.body, str) else "application/json"
        body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        body = body[: len(body) // 2] if cut else body
        self.send_response(reply.status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """What was asked is in the journal."""


def _out_of_order(condition: Condition) -> Reply | None:
    """What stands between a client and a vendor, whatever is asked."""
    if condition is Condition.PORTAL:
        return Reply(200, "<html><body>Please sign in to the network.</body></html>")
    return (
        Reply(500, "<html><body>Internal Server Error</body></html>")
        if condition is Condition.BROKEN
        else None
    )


def too_many(body: object) -> Reply:
    return Reply(429, body, {"Retry-After": str(WAIT)})


def moment_ago(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
