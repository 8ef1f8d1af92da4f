"""Cloudflare, Vercel, status pages, one's own platform and where messages go, as local servers as strict as the real ones."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from web import Answer, Web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from web import Request

CLOUDFLARE_TOKEN, VERCEL_TOKEN, LOGS_TOKEN = (
    "cloudflare-token-of-the-tests",
    "vercel-token-of-the-tests",
    "logs-token-1",
)
ACCOUNT, ZONE, RECORD, WORKER = "023e105f4ecef8ad", "9a7806061c88ada1", "372e67954025e0ba", "shop-api"
DATABASE, TABLE = "5b1f6a52-0c3e-4c5f-9b0a-d1d1d1d1d1d1", "users"
PROJECT, TEAM = "prj_8f2", "team_4c1"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
WAIT = 60


class Condition(StrEnum):
    """How a vendor is; `BROKEN` is its API that answers 500, `PORTAL` HTML with 200 in place of everything."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    LIMITED = "rate-limited"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    BROKEN = "broken"
    PORTAL = "portal"


REFUSING = {
    Condition.UNAUTHORISED: 401,
    Condition.FORBIDDEN: 403,
    Condition.LIMITED: 429,
    Condition.BROKEN: 500,
}


class Asked(NamedTuple):
    """A request; `query` has the last value of each name, `body` what its JSON says."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object

    def bears(self, token: str) -> bool:
        return self.headers.get("authorization") == f"Bearer {token}"


def answer(status: int, body: object, **headers: str) -> Answer:
    """JSON with a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


PORTAL = Answer(
    200, b"<html><body>Please log in to this network</body></html>", {"Content-Type": "text/html"}
)


class Vendor(Web):
    """A server at `url` whose answers are those of its `condition`; `journal` is what it was asked.

    `faults` are mistakes of its own, for which it gave no answer.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.condition = Condition.UP
        self.journal: list[Asked] = []
        self.faults: list[str] = []
        self._one = threading.Lock()
        super().__init__(tls)

    def next(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body: object = request.body.decode()
        if request.headers.get("content-type", "").startswith("application/json"):
            body = json.loads(request.body or b"null")
        asked = Asked(request.method, parts.path, query, request.headers, body)
        with self._one:
            self.journal.append(asked)
            if self.condition is Condition.PORTAL:
                return PORTAL
            try:
                return self.refusal(asked) or self.speak(asked)
            except Exception as error:
                self.faults.append(f"{asked.method} {asked.path}: {error!r}")
                raise

    def refusal(self, _asked: Asked) -> Answer | None:
        """What it answers in place of what was asked for."""
        status = REFUSING.get(self.condition)
        return answer(status, {"message": "no"}) if status else None

    def speak(self, asked: Asked) -> Answer:
        """What it answers to what was asked for, by a vendor that has any."""
        raise LookupError(f"{type(self).__name__} has no answer to {asked.path}")

    def changes(self) -> list[tuple[str, str, object]]:
        """What it was asked to change: method, path, body."""
        return [(one.method, one.path, one.body) for one in self.journal if one.method not in {"GET", "HEAD"}]


class Cloudflare(Vendor):
    """API v4: tokens, a zone with one DNS record, a Worker, D1 databases (real SQLite), analytics by GraphQL.

    `hourly` are the requests of the Worker in the last hour; in 30 days there were a hundred times as many.
    """

    def __init__(self) -> None:
        self.record = {"id": RECORD, "type": "CNAME", "content": "cname.vercel-dns.com", "proxied": True}
        self.level = "medium"
        self.hourly = 75_000
        self.databases = {DATABASE: ("shop", _memory())}
        self.databases[DATABASE][1].executescript(
            f"create table {TABLE} (id integer); insert into {TABLE} values {', '.join(f'({one})' for one in range(60))};"
        )
        super().__init__()

    def close(self) -> None:
        """End its databases too."""
        super().close()
        for _, database in self.databases.values():
            database.close()

    def changes(self) -> list[tuple[str, str, object]]:
        """Without queries and analytics, which only read."""
        return [one for one in super().changes() if not one[1].endswith(("/query", "/graphql"))]

    def refusal(self, asked: Asked) -> Answer | None:
        if self.condition is Condition.LIMITED:
            return _refused(
                429, 971, "Please wait and consider throttling your request speed",
                retry_after=str(WAIT), x_ratelimit_remaining="0",
            )  # fmt: skip
        if self.condition is Condition.UNAUTHORISED or not asked.bears(CLOUDFLARE_TOKEN):
            verify = asked.path.endswith("/tokens/verify")
            return (
                _refused(401, 1000, "Invalid API Token")
                if verify
                else _refused(401, 10000, "Authentication error")
            )
        if self.condition is Condition.FORBIDDEN and not asked.path.endswith("/tokens/verify"):
            return _refused(403, 9109, "Unauthorized to access requested resource")
        return _refused(500, 10001, "Internal error") if self.condition is Condition.BROKEN else None

    def speak(self, asked: Asked) -> Answer:
        routes = (
            (r"GET /user/tokens/verify", self._token),
            (rf"GET /zones/{ZONE}", self._zone),
            (rf"(GET|PATCH) /zones/{ZONE}/dns_records/{RECORD}", self._record),
            (rf"(GET|PATCH) /zones/{ZONE}/settings/security_level", self._level),
            (rf"GET /accounts/{ACCOUNT}/workers/scripts/{WORKER}/deployments", self._deployments),
            (rf"(GET|POST) /accounts/{ACCOUNT}/d1/database", self._databases),
            (rf"(GET|DELETE) /accounts/{ACCOUNT}/d1/database/[a-z0-9-]+", self._database),
            (rf"POST /accounts/{ACCOUNT}/d1/database/[a-z0-9-]+/query", self._query),
            (r"POST /graphql", self._graphql),
        )
        for pattern, route in routes:
            if re.fullmatch(pattern, f"{asked.method} {asked.path}"):
                return route(asked)
        return _refused(
            404, 7003, f"Could not route to {asked.path}, perhaps your object identifier is invalid?"
        )

    def _token(self, _asked: Asked) -> Answer:
        return _result({"id": "ed17574386854bf7", "status": "active"})

    def _zone(self, _asked: Asked) -> Answer:
        status = {Condition.DEGRADED: "pending", Condition.DOWN: "moved"}.get(self.condition, "active")
        return _result({"id": ZONE, "name": "example.com", "status": status, "paused": False})

    def _record(self, asked: Asked) -> Answer:
        if asked.method == "PATCH":
            self.record |= _object(asked)
        return _result(self.record)

    def _level(self, asked: Asked) -> Answer:
        if asked.method == "PATCH":
            self.level = str(_object(asked)["value"])
        return _result({"id": "security_level", "value": self.level, "editable": True})

    def _deployments(self, _asked: Asked) -> Answer:
        shares = {Condition.DEGRADED: (90, 10), Condition.DOWN: ()}.get(self.condition, (100,))
        versions = [
            {"version_id": f"version-{number}", "percentage": share} for number, share in enumerate(shares)
        ]
        found = [{"id": "deployment-1", "strategy": "percentage", "versions": versions}] if versions else []
        return _result({"deployments": found})

    def _databases(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            wanted = asked.query.get("name", "")
            return _result(
                [_described(key, name) for key, (name, _) in self.databases.items() if wanted in name]
            )
        name = str(_object(asked)["name"])
        if any(known == name for known, _ in self.databases.values()):
            return _refused(400, 7502, f"A database with the name '{name}' already exists")
        key = f"scratch-{len(self.databases)}"
        self.databases[key] = (name, _memory())
        return _result(_described(key, name))

    def _database(self, asked: Asked) -> Answer:
        key = asked.path.rpartition("/")[2]
        if key not in self.databases:
            return _refused(404, 7404, f"The database {key} could not be found")
        if asked.method == "DELETE":
            self.databases.pop(key)[1].close()
            return _result(None)
        return _result(_described(key, self.databases[key][0]))

    def _query(self, asked: Asked) -> Answer:
        key = asked.path.split("/")[-2]
        if self.condition is Condition.DOWN:
            return _refused(500, 7500, "D1_ERROR: internal error")
        if key not in self.databases:
            return _refused(404, 7404, f"The database {key} could not be found")
        if not isinstance(asked.body, dict) or not isinstance(asked.body.get("sql"), str):
            return _refused(400, 7400, "The request is malformed: sql is required")
        return self._run(self.databases[key][1], asked.body["sql"], asked.body.get("params", []))

    def _run(self, database: sqlite3.Connection, sql: str, parameters: object) -> Answer:
        try:
            if ";" in sql.rstrip().rstrip(";"):
                database.executescript(sql)
                rows: list[dict[str, object]] = []
            else:
                found = database.execute(sql, parameters)
                rows = [dict(row) for row in found.fetchall()]
        except sqlite3.Error as error:
            return _refused(400, 7500, f"{error}: SQLITE_ERROR")
        slow = self.condition is Condition.DEGRADED
        meta = {
            "duration": 900.5 if slow else 0.2, "rows_read": len(rows), "rows_written": 0, "changes": 0,
            "size_after": 12288, "served_by_region": "WEUR", "served_by_primary": True,
        }  # fmt: skip
        return _result([{"success": True, "results": rows, "meta": meta}])

    def _graphql(self, asked: Asked) -> Answer:
        said = _object(asked)
        query, variables = str(said["query"]), said.get("variables", {})
        if not isinstance(variables, dict) or not {"from", "to"} <= set(variables):
            return answer(200, {"data": None, "errors": [{"message": "variable not provided"}]})
        if "firewallEventsAdaptive" in query and variables.get("zone") == ZONE:
            number = 5000 if self.condition is Condition.DOWN else 12
            events = [{"action": "block"}] * number + [{"action": "log"}] * 3
            return _data({"zones": [{"firewallEventsAdaptive": events}]})
        if (variables.get("account"), variables.get("worker")) != (ACCOUNT, WORKER):
            return answer(200, {"data": None, "errors": [{"message": "not authorized for that account"}]})
        day = 86400
        span = (_seconds(variables["to"]) - _seconds(variables["from"])) / day
        return _data({"accounts": [{"workersInvocationsAdaptive": self._groups(100 if span > 1 else 1)}]})

    def _groups(self, times: int) -> list[object]:
        failed, exceeded = {Condition.DEGRADED: (0.008, 0), Condition.DOWN: (0.05, 40)}.get(
            self.condition, (0.002, 0)
        )
        errors = int(self.hourly * failed)
        cpu = 81_000.0 if self.condition is Condition.DEGRADED else 9_000.0
        parts = (("success", self.hourly - errors, 0), ("scriptThrewException", errors - exceeded, errors - exceeded),
                 ("exceededResources", exceeded, exceeded))  # fmt: skip
        return [
            {
                "sum": {"requests": number * times, "errors": bad * times},
                "quantiles": {"cpuTimeP99": cpu},
                "dimensions": {"status": status},
            }
            for status, number, bad in parts
            if number
        ]


class Vercel(Vendor):
    """The list of deployments (v6 and v7), the token's user, and what rolls back, promotes and redeploys."""

    def __init__(self) -> None:
        self.live = "dpl_live"
        super().__init__()

    def refusal(self, asked: Asked) -> Answer | None:
        if self.condition is Condition.LIMITED:
            error = {
                "code": "too_many_requests", "message": "Rate limit exceeded",
                "retryAfter": {"value": WAIT, "str": "1 minute"}, "limit": {"total": 100, "remaining": 0, "reset": 1},
            }  # fmt: skip
            return answer(429, {"error": error})
        if self.condition is Condition.UNAUTHORISED or not asked.bears(VERCEL_TOKEN):
            return answer(401, {"error": {"code": "unauthorized", "message": "Not authenticated"}})
        teamless = asked.path != "/v2/user" and asked.query.get("teamId") != TEAM
        if teamless or (self.condition is Condition.FORBIDDEN and asked.path != "/v2/user"):
            return answer(403, {"error": {"code": "forbidden", "message": "Not authorized"}})
        if self.condition is Condition.BROKEN:
            return answer(500, {"error": {"code": "internal_server_error", "message": "An unexpected error"}})
        return None

    def speak(self, asked: Asked) -> Answer:
        if asked.method == "GET" and asked.path == "/v2/user":
            return answer(200, {"user": {"id": "user_1", "email": "ops@example.com"}})
        if asked.method == "GET" and asked.path == f"/v9/projects/{PROJECT}":
            return answer(200, {"id": PROJECT, "name": "shop", "targets": {"production": {"id": self.live}}})
        if asked.method == "GET" and re.fullmatch(r"/v[67]/deployments", asked.path):
            return self._list(asked)
        if asked.method == "POST":
            return self._change(asked)
        return answer(404, {"error": {"code": "not_found", "message": "Not found"}})

    def _list(self, asked: Asked) -> Answer:
        states = set(asked.query["state"].split(",")) if "state" in asked.query else None
        found = [
            one
            for one in self._deployments()
            if (states is None or one["state"] in states)
            and asked.query.get("target") in (None, one["target"])
        ]
        limited = found[: int(asked.query.get("limit", "20"))]
        page = {"count": len(limited), "next": None, "prev": None}
        return answer(200, {"pagination": page, "deployments": limited})

    def _deployments(self) -> list[dict[str, object]]:
        ready = [_deployment("dpl_live", "READY", "PROMOTED"), _deployment("dpl_before", "READY", "PROMOTED")]
        newer = {
            Condition.DEGRADED: [
                _deployment("dpl_failed", "ERROR"),
                _deployment("dpl_staged", "READY", "STAGED"),
            ],
            Condition.DOWN: [_deployment("dpl_failed", "ERROR")],
        }.get(self.condition, [])
        return [*newer, *([] if self.condition is Condition.DOWN else ready)]

    def _change(self, asked: Asked) -> Answer:
        moved = re.fullmatch(
            rf"/(?:v1/projects/{PROJECT}/rollback|v10/projects/{PROJECT}/promote)/(dpl_\w+)", asked.path
        )
        if moved:
            self.live = moved[1]
            return answer(201, {})
        if asked.path == "/v13/deployments" and {"name", "deploymentId", "target"} <= set(_object(asked)):
            return answer(200, {"id": "dpl_again", "readyState": "QUEUED"})
        return answer(400, {"error": {"code": "bad_request", "message": "Invalid request"}})


class StatusPage(Vendor):
    """A page in Statuspage's format; like the real ones, it asks for no token."""

    def speak(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) != ("GET", "/api/v2/summary.json"):
            return Answer(404, b"not found\n")
        return answer(
            200,
            summary({Condition.DEGRADED: "minor", Condition.DOWN: "critical"}.get(self.condition, "none")),
        )


class Platform(Vendor):
    """One's own hosts, all on one port with TLS: app, standby, API, edge, public status page, log counts.

    `page` is what the status page says; `broken` are paths that answer 503, whatever the condition.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.page = "none"
        self.broken: set[str] = set()
        super().__init__(tls)

    def refusal(self, asked: Asked) -> Answer | None:
        if asked.path in self.broken:
            return Answer(503, b"no\n")
        if asked.path == "/counts" and not asked.bears(LOGS_TOKEN):
            return answer(401, {"message": "no token"})
        return super().refusal(asked)

    def speak(self, asked: Asked) -> Answer:
        down, worse = self.condition is Condition.DOWN, self.condition in {Condition.DOWN, Condition.DEGRADED}
        if asked.path == "/":
            return Answer(503 if down else 200, b"<html><body>Welcome to the shop</body></html>")
        if asked.path == "/health":
            word = "fail" if down else "warn" if worse else "ok"
            return answer(503 if down else 200, {"status": word, "checks": {"database": word}})
        if asked.path == "/cdn-cgi/trace":
            return Answer(530 if down else 200, b"fl=1f1\nh=api.example.com\ncolo=FRA\n")
        if asked.path == "/api/v2/summary.json":
            return Answer(503, b"no\n") if down else answer(200, summary(self.page))
        if asked.path == "/counts":
            return answer(200, {"total": 8200, "errors": 900 if down else 200 if worse else 12})
        return Answer(404, b"not found\n")


class Messages(Vendor):
    """Slack, PagerDuty and Twilio at one address; `silent` are those whose messages are refused."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        super().__init__()

    def speak(self, asked: Asked) -> Answer:
        if asked.path.startswith("/services/"):
            return Answer(404, b"channel_not_found") if "slack" in self.silent else Answer(200, b"ok")
        if asked.path == "/v2/enqueue":
            event = _object(asked)
            if event.get("routing_key") != ROUTING_KEY or event.get("event_action") != "trigger":
                return answer(
                    400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["key"]}
                )
            return answer(
                202, {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
            )
        if (
            asked.path == "/2010-04-01/Accounts/AC1/Messages.json"
            and asked.headers.get("authorization") == "Basic QUMxOnRva2Vu"
        ):
            return answer(201, {"sid": "SM1", "status": "queued", "num_segments": "1"})
        return answer(404, {"code": 20404, "message": "not found", "status": 404})


def summary(indicator: str) -> dict[str, object]:
    """What a status page says."""
    words = {
        "none": "All Systems Operational",
        "minor": "Minor Service Outage",
        "critical": "Major Service Outage",
    }
    component = "operational" if indicator == "none" else "partial_outage"
    return {
        "page": {"id": "p1", "name": "Page", "url": "https://status.example.com", "time_zone": "Etc/UTC"},
        "status": {"indicator": indicator, "description": words.get(indicator, "Service Under Maintenance")},
        "components": [{"id": "c1", "name": "API", "status": component, "group": False}],
        "incidents": [],
        "scheduled_maintenances": [],
    }


def _memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    database.row_factory = sqlite3.Row
    return database


def _object(asked: Asked) -> dict[str, object]:
    return asked.body if isinstance(asked.body, dict) else {}


def _result(result: object) -> Answer:
    return answer(200, {"success": True, "errors": [], "messages": [], "result": result})


def _refused(status: int, code: int, message: str, **headers: str) -> Answer:
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return answer(status, body, **headers)


def _data(viewer: object) -> Answer:
    return answer(200, {"data": {"viewer": viewer}, "errors": None})


def _described(key: str, name: str) -> dict[str, object]:
    return {"uuid": key, "name": name, "version": "production", "num_tables": 1, "file_size": 12288}


def _deployment(uid: str, state: str, substate: str | None = None) -> dict[str, object]:
    return {
        "uid": uid, "name": "shop", "projectId": PROJECT, "url": f"{uid}.vercel.app", "created": 1763600000000,
        "state": state, "readyState": state, "readySubstate": substate, "target": "production", "aliasError": None,
        "meta": {"githubCommitSha": f"sha-of-{uid}", "githubCommitRef": "main"},
    }  # fmt: skip


def _seconds(text: object) -> float:
    from datetime import datetime

    return datetime.fromisoformat(str(text)).timestamp()
