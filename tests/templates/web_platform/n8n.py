"""n8n's API and its health, as a local server speaks them."""

from __future__ import annotations

import base64
from datetime import timedelta

from templates.web_platform.vendor import (
    _MENDED,
    _STATUSES,
    N8N_KEY,
    Asked,
    Condition,
    Reply,
    Vendor,
    iso,
    moment_ago,
    too_many,
)


def n8n(vendor: Vendor, asked: Asked) -> Reply:
    """Health, executions, workflows and the audit; the filter before all but health answers no bots."""
    if vendor.condition is Condition.RATE_LIMITED:
        return too_many({"message": "Too many requests"})
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
    began = moment_ago(hours=hours)
    ended = None if status == "running" else iso(began + timedelta(seconds=2))
    return {
        "id": str(number),
        "status": status,
        "finished": status == "success",
        "mode": "trigger",
        "workflowId": "wf1",
        "startedAt": iso(began),
        "stoppedAt": ended,
        "waitTill": None,
        "retryOf": None,
        "retrySuccessId": mended,
    }


def _workflow(vendor: Vendor, name: str) -> dict[str, object]:
    tags = [{"id": "t1", "name": "database" if name == "wf1" else "mail"}]
    return {"id": name, "name": name, "active": name not in vendor.paused, "nodes": [], "tags": tags}
