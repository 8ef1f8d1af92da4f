"""What a Telegram bot lives with, each on a port of this machine: the Bot API, the bot's own health, and its programs.

`Telegram` speaks the Bot API as its documents describe it, and is strict: what the API refuses, it refuses. `Health` is
the endpoint that docs/monitoring.md of the template describes. Both answer by their `state`. `Listener` accepts
connections as a database or a cache does. `programs` puts stand-ins of docker, make, psql ... into a folder for PATH.
"""

from __future__ import annotations

import json
import re
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from web import ThreadingWebServer, Unpolled

import opsctl

TOKEN = "123456789:AAtestAAtestAAtestAAtestAAtestAAtes"
OPS_TOKEN = "987654321:BBtestBBtestBBtestBBtestBBtestBBtes"
SECRET = "webhook-secret_1"
PASSWORD = "correct-horse"
OPS_CHAT = "-1001234567890"
USERS_CHAT = "-1009876543210"
MOVED_CHAT = "-42"

State = Literal["up", "degraded", "down", "rate-limited", "unauthorised"]
_PORTS = frozenset({80, 88, 443, 8443})
_METHODS = frozenset({"getme", "getwebhookinfo", "setwebhook", "sendmessage"})


class Call(NamedTuple):
    """One request of the Bot API: whose token, which method, and its parameters, however they were sent."""

    token: str
    method: str
    parameters: dict[str, Any]


class Telegram:
    """The Bot API at `url`; `calls` are all requests with a token that it knows, in their order, `sent` every message
    that was taken, as chat and text."""

    def __init__(self, webhook: str) -> None:
        self.state: State = "up"
        self.calls: list[Call] = []
        self.sent: list[tuple[str, str]] = []
        self.webhook = webhook
        # Beside those that Telegram allows, the ports that a test's own server may have.
        self.ports = _PORTS | {urlsplit(webhook).port or 443}
        self._server = _Server(self.answer)
        self.url = self._server.url

    def close(self) -> None:
        self._server.close()

    def answer(self, method: str, target: str, kind: str, body: bytes) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        if self.state == "down":
            return _failed(502, "Bad Gateway")
        parts = urlsplit(target)
        found = re.fullmatch(r"/bot(\d+:[A-Za-z0-9_-]{35})/(\w+)", parts.path)
        if found is None or method not in {"GET", "POST"}:
            return _failed(404, "Not Found")
        token, name = found[1], found[2].lower()
        if self.state == "unauthorised" or token not in {TOKEN, OPS_TOKEN}:
            return _failed(401, "Unauthorized")
        if name not in _METHODS:
            return _failed(404, "Not Found")
        parameters = dict(parse_qsl(parts.query)) | _parameters(kind, body)
        self.calls.append(Call(token, name, parameters))
        if self.state == "rate-limited":
            return _failed(429, "Too Many Requests: retry after 14", {"retry_after": 14})
        return getattr(self, f"_{name}")(token, parameters)

    def _getme(self, token: str, _parameters: dict[str, Any]) -> tuple[int, Any]:
        user = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Example",
            "username": "example_bot",
        }
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        return _well({**user, **abilities})

    def _getwebhookinfo(self, _token: str, _parameters: dict[str, Any]) -> tuple[int, Any]:
        info = {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": 2,
            "max_connections": 40,
        }
        # The date of the last error stays for good; this one is of an hour ago.
        error = {"last_error_date": int(time.time()) - 3600, "last_error_message": "Connection timed out"}
        if self.state == "degraded":
            info["pending_update_count"] = 250
            error["last_error_date"] += 3540
        return _well({**info, **error, "ip_address": "192.0.2.1"})

    def _setwebhook(self, _token: str, parameters: dict[str, Any]) -> tuple[int, Any]:
        url, secret = urlsplit(str(parameters.get("url", ""))), parameters.get("secret_token", "")
        if url.scheme != "https":
            return _failed(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if (url.port or 443) not in self.ports:
            return _failed(
                400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
            )
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", str(secret)):
            return _failed(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = url.geturl()
        return 200, {"ok": True, "result": True, "description": "Webhook was set"}

    def _sendmessage(self, _token: str, parameters: dict[str, Any]) -> tuple[int, Any]:
        chat, text = str(parameters.get("chat_id", "")), str(parameters.get("text", ""))
        if not chat:
            return _failed(400, "Bad Request: chat_id is empty")
        if not text.strip():
            return _failed(400, "Bad Request: message text is empty")
        if len(text) > 4096:
            return _failed(400, "Bad Request: message is too long")
        if chat == MOVED_CHAT:
            moved = {"migrate_to_chat_id": int(OPS_CHAT)}
            return _failed(400, "Bad Request: group chat was upgraded to a supergroup chat", moved)
        if chat not in {OPS_CHAT, USERS_CHAT}:
            return _failed(400, "Bad Request: chat not found")
        self.sent.append((chat, text))
        told = {"id": int(chat), "type": "supergroup", "title": "Operations"}
        return _well({"message_id": len(self.calls), "date": int(time.time()), "chat": told, "text": text})


class Health:
    """A bot's health endpoint at `host`; `figures` are what it says, by section."""

    def __init__(self) -> None:
        self.state: Literal["up", "degraded", "down"] = "up"
        self.figures: dict[str, Any] = {
            "updates": {"failed_percent": 0.1, "p95_ms": 180, "per_second": 3.5},
            "transactions": {"completed_percent": 99.8},
            "capacity": {"used_percent": 41},
            "queue": {"waiting": 2, "oldest_seconds": 1},
            "data": {"inconsistencies": 0},
            "breakers": {"total": 3, "open": 0},
            "users": {"active_24h": 341},
        }
        self._server = _Server(self.answer)
        self.host = self._server.url.removeprefix("http://")

    def close(self) -> None:
        self._server.close()

    def answer(self, _method: str, target: str, _kind: str, _body: bytes) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        if target != "/health":
            return 404, {"status": "failed"}
        if self.state == "down":
            return 503, {"status": "failed"}
        status = {"up": "ok", "degraded": "degraded"}[self.state]
        return 200, {"status": status, "version": "1.4.2", **self.figures}


def _parameters(kind: str, body: bytes) -> dict[str, Any]:
    if kind == "application/json":
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode())) if kind == "application/x-www-form-urlencoded" else {}


def _well(result: Any) -> tuple[int, Any]:
    return 200, {"ok": True, "result": result}


def _failed(code: int, description: str, parameters: dict[str, Any] | None = None) -> tuple[int, Any]:
    more = {} if parameters is None else {"parameters": parameters}
    return code, {"ok": False, "error_code": code, "description": description, **more}


class _Server:
    """An HTTP server for one function, which is told method, target, content type and body."""

    def __init__(self, answer: Any) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                status, said = answer(self.command, self.path, kind, body)
                # As Telegram writes it: without blanks.
                data = json.dumps(said, separators=(",", ":")).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the library names them

            def log_message(self, *_arguments: object) -> None:
                """Nobody reads it."""

        self._http = ThreadingWebServer(Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._closed = False

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()


class Listener:
    """Something that accepts connections at `port`, and answers whatever it is sent with `reply`."""

    def __init__(self, reply: bytes = b"") -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if reply and self.request.recv(1024):
                    self.request.sendall(reply)

        class Tcp(Unpolled, socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 128

        self._tcp = Tcp(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._tcp.serve_forever, daemon=True).start()
        self.port: int = self._tcp.server_address[1]

    def close(self) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()


_INFO = (
    "# Stats\nkeyspace_hits:950\nkeyspace_misses:50\n# Memory\nused_memory:25000000\nmaxmemory:100000000\n"
)
_SESSIONS = '{"connections_percent" : 12.5, "longest_seconds" : 2}'
_NAME = r"""name=$(basename "$0")
# In one write, as several may be called at once.
printf '%s\n' "$(echo "$name $*" | tr '\n' ' ')" >>"{folder}/calls"
if [ -e "{folder}/$name.fails" ]; then exit 1; fi
"""
_PROGRAMS = {
    # It runs the image of BOT_VERSION in .env where it is brought up, and `docker.state` says how the container is.
    "docker": r"""
case "$*" in
    *RestartCount*) echo '{{"status": "'"$(cat "{folder}/docker.state")"'", "restarts": 0}}' ;;
    *HostConfig.Memory*) echo '{{"memory": 536870912, "policy": "unless-stopped"}}' ;;
    *Config.Image*) cat "{folder}/docker.image" ;;
    "compose up"*) . ./.env; echo "registry.example.com/bot:$BOT_VERSION" >"{folder}/docker.image" ;;
esac
""",
    "make": "",
    "psql": f"""
case "$*" in
    *json_build_object*) echo '{_SESSIONS.replace("{", "{{").replace("}", "}}")}' ;;
    *pg_stat_user_tables*) echo public.users ;;
    *"from pg_database"*) grep -qsx bot_restored "{{folder}}/databases" && echo 1 ;;
    *"count(*)"*) echo 341 ;;
esac
""",
    "createdb": r"""echo "$1" >>"{folder}/databases"
""",
    "dropdb": r"""rm -f "{folder}/databases"
""",
    "pg_dump": r"""for one; do case $one in --file=*) yes dump | head -c 4096 >"${{one#--file=}}" ;; esac; done
""",
    "pg_restore": "",
    "redis-cli": f"""printf '%s' '{_INFO}'
""",
    # The one under test; what opsctl runs does not have the variables that say which, and when it is.
    "opsctl": f"""
export PYTHONPATH='{Path(opsctl.__file__).parent.parent}' OPSCTL_NOW="$(cat "{{folder}}/now")" OPSCTL_ACTOR=bob
exec '{sys.executable}' -m opsctl "$@"
""",
}


class Programs(NamedTuple):
    """Stand-ins of programs, in a folder for PATH."""

    folder: Path

    def calls(self, name: str = "") -> list[str]:
        """Every call, as it was typed; only of one program where `name` says so."""
        path = self.folder / "calls"
        lines = [one.strip() for one in path.read_text().splitlines()] if path.exists() else []
        return [one for one in lines if one.startswith(name)]

    def forget(self) -> None:
        """Begin the list of calls anew."""
        (self.folder / "calls").unlink(missing_ok=True)

    def fail(self, name: str, *, fails: bool = True) -> None:
        """From now on the program fails, or does no more."""
        mark = self.folder / f"{name}.fails"
        mark.touch() if fails else mark.unlink(missing_ok=True)

    def now(self, moment: str) -> None:
        """What time it is for opsctl where a runbook or a checklist runs it."""
        (self.folder / "now").write_text(moment)

    def container(self, state: str) -> None:
        """How docker says that the container is, as `running` or `exited`."""
        (self.folder / "docker.state").write_text(f"{state}\n")


def programs(folder: Path, now: str) -> Programs:
    """Write them into the folder."""
    for name, does in _PROGRAMS.items():
        path = folder / name
        path.write_text("#!/bin/sh\n" + (_NAME + does).format(folder=folder))
        path.chmod(0o755)
    (folder / "docker.image").write_text("registry.example.com/bot:1.4.2\n")
    (folder / "docker.state").write_text("running\n")
    (folder / "now").write_text(now)
    return Programs(folder)
