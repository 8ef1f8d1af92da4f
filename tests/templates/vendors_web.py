"""Vercel, Supabase, n8n and what goes with them, as local servers that speak their wire formats and are as strict."""

from __future__ import annotations

import base64
import json
import threading
import time
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


def _too_many(body: object) -> Reply:
    return Reply(429, body, {"Retry-After": str(WAIT)})


def _ago(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Vercel


def vercel(vendor: Vendor, asked: Asked) -> Reply:
    """Deployments, aliases and settings; every call needs the token, and the team as a parameter."""
    refused = _vercel_refuses(vendor.condition, asked)
    if refused:
        return refused
    parts = asked.path.strip("/").split("/")
    if asked.method != "GET":
        return _vercel_error(405, "method_not_allowed", "The method is not allowed")
    if parts[1:] == ["deployments"] and parts[0] in {"v6", "v7"}:
        return _vercel_list(vendor.condition, asked)
    if parts[:2] == ["v4", "aliases"] and len(parts) == 3:
        return Reply(200, _alias(parts[2]))
    if parts == ["v10", "projects", PROJECT, "env"]:
        return Reply(200, {"envs": _settings(vendor.condition)})
    return _vercel_error(404, "not_found", "The requested resource could not be found")


def _vercel_refuses(condition: Condition, asked: Asked) -> Reply | None:
    if condition is Condition.RATE_LIMITED:
        wait = {"value": WAIT, "str": "1 minute"}
        limit = {"total": 500, "remaining": 0, "reset": int(time.time()) + WAIT}
        return _too_many(
            {
                "error": {
                    "code": "too_many_requests",
                    "message": "Rate limited",
                    "retryAfter": wait,
                    "limit": limit,
                }
            }
        )
    if condition is Condition.UNAUTHORISED or "authorization" not in asked.headers:
        return _vercel_error(401, "unauthorized", "The request is missing an authentication token")
    if condition is Condition.FORBIDDEN or not asked.bears(VERCEL_TOKEN) or asked.one("teamId") != TEAM:
        return _vercel_error(403, "forbidden", "Not authorized")
    return None


def _vercel_error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})


def _alias(name: str) -> dict[str, object]:
    created = {"created": "2025-01-01T00:00:00.000Z", "createdAt": 1735689600000}
    serving = {"id": "dpl_3", "url": "site-3.vercel.app", "meta": {}}
    return {
        "alias": name,
        **created,
        "deploymentId": "dpl_3",
        "deployment": serving,
        "projectId": PROJECT,
        "uid": "als_1",
    }


def _vercel_list(condition: Condition, asked: Asked) -> Reply:
    states = asked.one("state").split(",") if asked.one("state") else None
    until = int(asked.one("until") or 1 << 62)
    chosen = [
        one
        for one in _deployments(condition)
        if asked.one("projectId") in {"", one["projectId"]}
        and asked.one("target") in {"", one["target"]}
        and (states is None or one["state"] in states)
        and (asked.one("rollbackCandidate") != "true" or one["isRollbackCandidate"])
        and one["created"] < until
    ]
    limit = int(asked.one("limit") or 20)
    page, more = chosen[:limit], chosen[limit:]
    following = page[-1]["created"] if more else None
    before = page[0]["created"] if page else None
    paging = {"count": len(page), "next": following, "prev": before}
    return Reply(200, {"pagination": paging, "deployments": page})


def _deployments(condition: Condition) -> list[dict[str, object]]:
    """The newest first; where that failed, the ones before it serve, unless nothing does."""
    newest = "ERROR" if condition in {Condition.DEGRADED, Condition.DOWN} else "READY"
    before = "CANCELED" if condition is Condition.DOWN else "READY"
    return [
        _deployment("dpl_3", newest, 0.5, candidate=False),
        _deployment("dpl_2", before, 30, candidate=before == "READY"),
        _deployment("dpl_1", before, 90, candidate=before == "READY"),
    ]


def _deployment(uid: str, state: str, hours: float, *, candidate: bool) -> dict[str, object]:
    created = int(_ago(hours=hours).timestamp() * 1000)
    times = {"created": created, "createdAt": created, "buildingAt": created + 1000}
    ready = {"ready": created + 60_000, "readySubstate": "PROMOTED"} if state == "READY" else {}
    failed = (
        {"errorCode": "BUILD_FAILED", "errorMessage": "Command exited with 1"} if state == "ERROR" else {}
    )
    return {
        "uid": uid,
        "name": "site",
        "projectId": PROJECT,
        "url": f"site-{uid.removeprefix('dpl_')}.vercel.app",
        **times,
        "state": state,
        "readyState": state,
        **ready,
        **failed,
        "target": "production",
        "type": "LAMBDAS",
        "source": "cli",
        "creator": {"uid": "usr_1", "email": "alice@example.com", "username": "alice"},
        "inspectorUrl": f"https://vercel.example/{uid}",
        "aliasAssigned": created + 61_000,
        "aliasError": None,
        "meta": {"githubCommitRef": "main"},
        "isRollbackCandidate": candidate,
    }


def _settings(condition: Condition) -> list[dict[str, object]]:
    names = ["NEXT_PUBLIC_SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_ANON_KEY"]
    kept = names[:1] if condition is Condition.DOWN else names
    return [
        {"id": f"env_{at}", "key": name, "type": "encrypted", "target": ["production"], "securityIssues": []}
        for at, name in enumerate(kept)
    ]


# Supabase


def supabase_management(vendor: Vendor, asked: Asked) -> Reply:
    """The management API: one project, its health, backups, disk and advisors, and queries that read."""
    refused = _supabase_refuses(vendor.condition, asked)
    if refused:
        return refused
    parts = asked.path.strip("/").split("/")
    if parts[:2] != ["v1", "projects"] or len(parts) < 3:
        return Reply(404, {"message": f"Cannot {asked.method} {asked.path}"})
    if len(parts[2]) != 20 or not parts[2].isalpha() or not parts[2].islower():
        return Reply(400, {"message": "ref: Invalid project ref format"})
    if parts[2] != REF:
        return Reply(404, {"message": "Project not found"})
    return _in_project(vendor.condition, asked, "/".join(parts[3:]))


def _supabase_refuses(condition: Condition, asked: Asked) -> Reply | None:
    if condition is Condition.RATE_LIMITED:
        return _too_many({"message": "ThrottlerException: Too Many Requests"})
    if condition is Condition.UNAUTHORISED or not asked.bears(SUPABASE_TOKEN):
        return Reply(401, {"message": "Unauthorized"})
    if condition is Condition.FORBIDDEN:
        return Reply(403, {"message": "Forbidden resource"})
    return None


def _in_project(condition: Condition, asked: Asked, what: str) -> Reply:
    if asked.method == "POST" and what == "database/query/read-only":
        asks = "query" in json.loads(asked.body or b"{}")
        return Reply(201, [{"rows": 120}]) if asks else Reply(400, {"message": "query: Required"})
    answers = {
        "": _project,
        "database/backups": _backups,
        "config/disk/util": _disk,
        "advisors/security": _lints,
        "advisors/performance": _lints,
    }
    if asked.method == "GET" and what == "health":
        return _health(condition, asked)
    if asked.method != "GET" or what not in answers:
        return Reply(404, {"message": f"Cannot {asked.method} {asked.path}"})
    return Reply(200, answers[what](condition))


def _project(condition: Condition) -> dict[str, object]:
    status = {Condition.DEGRADED: "RESTARTING", Condition.DOWN: "INACTIVE"}.get(condition, "ACTIVE_HEALTHY")
    names = {"id": REF, "ref": REF, "organization_slug": "team", "name": "site", "region": "eu-central-1"}
    database = {"host": f"db.{REF}.supabase.example", "version": "17.6", "postgres_engine": "17"}
    return {**names, "status": status, "created_at": "2025-01-01T00:00:00.000Z", "database": database}


def _health(condition: Condition, asked: Asked) -> Reply:
    # The parameter is an array; some clients join it by commas.
    services = [name for text in asked.query.get("services", []) for name in text.split(",")]
    if not services or not _PARTS.issuperset(services):
        return Reply(400, {"message": "services: Required"})
    return Reply(200, [_part(condition, name, first=at == 0) for at, name in enumerate(services)])


def _part(condition: Condition, name: str, *, first: bool) -> dict[str, object]:
    if first and condition is Condition.DEGRADED:
        return {"name": name, "healthy": False, "status": "COMING_UP"}
    if first and condition is Condition.DOWN:
        return {"name": name, "healthy": False, "status": "UNHEALTHY", "error": "timeout"}
    return {"name": name, "healthy": True, "status": "ACTIVE_HEALTHY"}


def _backups(condition: Condition) -> dict[str, object]:
    """Newer ones that failed too: only what is complete counts."""
    failed, newest, older = (
        {"id": at, "is_physical_backup": True, "status": status, "inserted_at": _iso(_ago(hours=hours))}
        for at, status, hours in ((4, "FAILED", 1), (3, "COMPLETED", 5), (2, "COMPLETED", 29))
    )
    rows = {Condition.DEGRADED: [failed, older], Condition.DOWN: [failed]}.get(
        condition, [failed, newest, older]
    )
    made = {"region": "eu-central-1", "walg_enabled": True, "pitr_enabled": False}
    return {**made, "backups": rows, "physical_backup_data": {}}


def _disk(condition: Condition) -> dict[str, object]:
    free = {Condition.DEGRADED: 1_000_000_000, Condition.DOWN: 100_000_000}.get(condition, 6_000_000_000)
    sizes = {"fs_size_bytes": 8_000_000_000, "fs_avail_bytes": free, "fs_used_bytes": 8_000_000_000 - free}
    return {"timestamp": _iso(_ago()), "metrics": sizes}


def _lints(condition: Condition) -> dict[str, object]:
    level = {Condition.DEGRADED: "WARN", Condition.DOWN: "ERROR"}.get(condition)
    found = {"name": "rls_disabled_in_public", "level": level, "facing": "EXTERNAL", "remediation": "..."}
    return {"lints": [found] if level else []}


def supabase_project(vendor: Vendor, asked: Asked) -> Reply:
    """The project's own host: rows of the one table that there is, and the health of the sign-in service."""
    refused = _project_refuses(vendor.condition, asked)
    if refused:
        return refused
    if asked.path == "/auth/v1/health":
        if vendor.condition is Condition.DOWN:
            return Reply(503, {"message": "name resolution failed"})
        return Reply(200, {"version": "v2.180.0", "name": "GoTrue", "description": "GoTrue is a user API"})
    return _rows(vendor.condition, asked)


def _project_refuses(condition: Condition, asked: Asked) -> Reply | None:
    if condition is Condition.RATE_LIMITED:
        return _too_many({"message": "Too many requests"})
    key = asked.headers.get("apikey")
    if key is None:
        return Reply(401, {"message": "No API key found in request", "hint": "No `apikey` was found."})
    if key != ANON_KEY or condition is Condition.UNAUTHORISED:
        return Reply(401, {"message": "Invalid API key", "hint": "Double check your API key."})
    if condition is Condition.FORBIDDEN:
        return _postgrest(403, "42501", f"permission denied for table {TABLE}")
    return None


def _rows(condition: Condition, asked: Asked) -> Reply:
    if asked.path == "/rest/v1/":
        hint = "Accessing the schema via the Data API is only allowed using a secret API key."
        return Reply(401, {"message": "Access to schema is forbidden", "hint": hint})
    if condition is Condition.DOWN:
        return _postgrest(503, "PGRST001", "Database client error. Retrying the connection.")
    if asked.path != f"/rest/v1/{TABLE}":
        return _postgrest(404, "PGRST205", f"Could not find the table 'public.{asked.path[9:]}'")
    rows = [{"id": 1, "name": "boats"}, {"id": 2, "name": "sails"}][: int(asked.one("limit") or 1000)]
    return Reply(200, rows, {"Content-Range": f"0-{len(rows) - 1}/*", "Content-Profile": "public"})


def _postgrest(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "details": None, "hint": None, "message": message})


# n8n


def n8n(vendor: Vendor, asked: Asked) -> Reply:
    """Health, executions, workflows and the audit; the filter before all but health answers no bots."""
    if vendor.condition is Condition.RATE_LIMITED:
        return _too_many({"message": "Too many requests"})
    if asked.path == "/healthz":
        return Reply(200, {"status": "ok"})
    if asked.path == "/healthz/readiness":
        ready = vendor.condition not in {Condition.DOWN, Condition.STARTING}
        return Reply(200, {"status": "ok"}) if ready else Reply(503, {"status": "error"})
    if "bot" in asked.headers.get("user-agent", "").lower():
        return Reply(204, "")
    if vendor.condition is Condition.STARTING:
        return Reply(200, "n8n is starting up. Please wait")
    if vendor.condition is Condition.DOWN:
        return Reply(503, {"code": 503, "message": "Database is not ready!"})
    return _n8n_refuses(vendor.condition, asked) or _n8n_api(vendor, asked)


def _n8n_refuses(condition: Condition, asked: Asked) -> Reply | None:
    if not asked.path.startswith("/api/v1/"):
        return Reply(404, {"message": "not found"})
    key = asked.headers.get("x-n8n-api-key")
    if key is None:
        return Reply(401, {"message": "'X-N8N-API-KEY' header required"})
    if condition is Condition.UNAUTHORISED or key != N8N_KEY:
        return Reply(401, {"message": "unauthorized"})
    return Reply(403, {"message": "Forbidden"}) if condition is Condition.FORBIDDEN else None


def _n8n_api(vendor: Vendor, asked: Asked) -> Reply:
    parts = asked.path.removeprefix("/api/v1/").split("/")
    if asked.method == "GET":
        return _n8n_reads(vendor, asked, parts)
    if asked.method != "POST":
        return Reply(405, {"message": f"{asked.method} method not allowed"})
    if asked.body and asked.headers.get("content-type") != "application/json":
        return Reply(415, {"message": f"unsupported media type {asked.headers.get('content-type')}"})
    return _n8n_changes(vendor, parts)


def _n8n_reads(vendor: Vendor, asked: Asked, parts: list[str]) -> Reply:
    if parts[0] == "executions":
        rows = _executions(vendor.condition)
    elif parts[0] == "workflows":
        rows = [_workflow(vendor, name) for name in ("wf1", "wf2")]
    else:
        return Reply(404, {"message": "not found"})
    if len(parts) == 1:
        return _n8n_list(rows, asked)
    found = next((one for one in rows if one["id"] == parts[1]), None)
    return Reply(200, found) if found and len(parts) == 2 else Reply(404, {"message": "Not Found"})


def _n8n_changes(vendor: Vendor, parts: list[str]) -> Reply:
    if parts == ["audit"]:
        section = {"title": "Unused", "description": "Unused", "recommendation": "Delete", "location": []}
        return Reply(200, {"Credentials Risk Report": {"risk": "credentials", "sections": [section]}})
    if parts[0] == "executions" and parts[2:] == ["retry"]:
        begun = {"id": "9001", "mode": "retry", "retryOf": parts[1], "status": "running", "finished": False}
        return Reply(200, begun)
    if parts[0] == "workflows" and parts[2:] == ["deactivate"]:
        vendor.paused.add(parts[1])
    elif parts[0] == "workflows" and parts[2:] == ["activate"]:
        vendor.paused.discard(parts[1])
    else:
        return Reply(404, {"message": "not found"})
    return Reply(200, _workflow(vendor, parts[1]))


def _n8n_list(rows: list[dict[str, object]], asked: Asked) -> Reply:
    status, limit = asked.one("status"), int(asked.one("limit") or 100)
    if status and status not in _STATUSES:
        return Reply(400, {"message": "request/query/status must be equal to one of the allowed values"})
    if not 1 <= limit <= 250:
        return Reply(400, {"message": "request/query/limit must be <= 250"})
    after, tag = asked.one("startedAfter"), asked.one("tags")
    chosen = [
        one
        for one in rows
        if status in {"", one.get("status")}
        and (not after or str(one["startedAt"]) > after)
        and (asked.one("active") != "true" or one["active"])
        and (not tag or any(own["name"] == tag for own in one["tags"]))
    ]
    start = int(base64.b64decode(asked.one("cursor"))) if asked.one("cursor") else 0
    end = start + limit
    following = base64.b64encode(str(end).encode()).decode() if end < len(chosen) else None
    return Reply(200, {"data": chosen[start:end], "nextCursor": following})


def _executions(condition: Condition) -> list[dict[str, object]]:
    """More than a page holds: running, failed and mended by a retry, failed, well, and failed long ago."""
    ended, failed, stuck = {
        Condition.DEGRADED: (600, 8, 1),
        Condition.FAILING: (300, 30, 6),
    }.get(condition, (300, 1, 0))
    return [
        *(_execution(5000 + at, "running", hours=2) for at in range(stuck)),
        *(_execution(4000 + at, "error", hours=3, mended="8000") for at in range(_MENDED)),
        *(_execution(3000 + at, "crashed" if at % 2 else "error", hours=4) for at in range(failed)),
        *(_execution(1000 + at, "success", hours=5) for at in range(ended - failed - _MENDED)),
        *(_execution(100 + at, "error", hours=30) for at in range(50)),
    ]


def _execution(number: int, status: str, *, hours: float, mended: str | None = None) -> dict[str, object]:
    began = _ago(hours=hours)
    ended = None if status == "running" else _iso(began + timedelta(seconds=2))
    return {
        "id": str(number),
        "status": status,
        "finished": status == "success",
        "mode": "trigger",
        "workflowId": "wf1",
        "startedAt": _iso(began),
        "stoppedAt": ended,
        "waitTill": None,
        "retryOf": None,
        "retrySuccessId": mended,
    }


def _workflow(vendor: Vendor, name: str) -> dict[str, object]:
    tags = [{"id": "t1", "name": "database" if name == "wf1" else "mail"}]
    return {"id": name, "name": name, "active": name not in vendor.paused, "nodes": [], "tags": tags}


# What goes with them


def loki(vendor: Vendor, asked: Asked) -> Reply:
    """Instant queries whose answer is one number, as a text."""
    if vendor.condition is Condition.RATE_LIMITED:
        return _too_many("too many outstanding requests\n")
    if vendor.condition is Condition.UNAUTHORISED or not asked.bears(LOGS_TOKEN):
        return Reply(401, "no org id\n")
    if vendor.condition is Condition.FORBIDDEN:
        return Reply(403, "forbidden\n")
    query = asked.one("query")
    if asked.path == "/loki/api/v1/query" and query.startswith("topk(10, sum by (service_name)"):
        worst = [{"metric": {"service_name": "web"}, "value": [time.time(), "7"]}]
        return Reply(200, {"status": "success", "data": {"resultType": "vector", "result": worst}})
    well_formed = query.startswith("sum(count_over_time({") and query.endswith("or vector(0)")
    if asked.path != "/loki/api/v1/query" or not well_formed:
        return Reply(400, "parse error : syntax error\n")
    errors = {Condition.DEGRADED: "345", Condition.DOWN: "12345"}.get(vendor.condition, "12")
    lines = "0" if vendor.condition is Condition.DOWN else "4321"
    found = [{"metric": {}, "value": [time.time(), errors if "error" in query else lines]}]
    return Reply(200, {"status": "success", "data": {"resultType": "vector", "result": found}})


def statuspage(vendor: Vendor, asked: Asked) -> Reply:
    """What a vendor says of itself."""
    if vendor.condition is Condition.RATE_LIMITED:
        return _too_many({"error": "rate limited"})
    if vendor.condition in {Condition.UNAUTHORISED, Condition.FORBIDDEN}:
        return Reply(403, "<html><body>Forbidden</body></html>")
    if asked.path != "/api/v2/status.json":
        return Reply(404, "<html><body>Not found</body></html>")
    indicator = {Condition.DEGRADED: "minor", Condition.DOWN: "major"}.get(vendor.condition, "none")
    page = {"id": "p1", "name": "Vendor", "url": vendor.url, "time_zone": "Etc/UTC"}
    return Reply(200, {"page": page, "status": {"indicator": indicator, "description": indicator}})


def site(vendor: Vendor, asked: Asked) -> Reply:
    """The site itself, and any deployment of it."""
    statuses = {
        Condition.DOWN: 503,
        Condition.UNAUTHORISED: 401,
        Condition.FORBIDDEN: 403,
        Condition.RATE_LIMITED: 429,
    }
    status = statuses.get(vendor.condition, 200)
    page = f"<html><body>{status}</body></html>" if status != 200 else f"<html><body>{PAGE}</body></html>"
    return _too_many(page) if status == 429 else Reply(status, page)


def webhook(vendor: Vendor, asked: Asked) -> Reply:
    """An incoming webhook of the chat: JSON with a text or a card."""
    if asked.method != "POST" or asked.headers.get("content-type") != "application/json":
        return Reply(400, "invalid_payload")
    try:
        said = json.loads(asked.body)
    except ValueError:
        return Reply(400, "invalid_payload")
    return Reply(200, "ok") if said.get("text") or said.get("attachments") else Reply(400, "no_text")
