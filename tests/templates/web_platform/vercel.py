"""Vercel's API, as a local server speaks it."""

from __future__ import annotations

import time

from templates.web_platform.vendor import (
    PROJECT,
    TEAM,
    VERCEL_TOKEN,
    WAIT,
    Asked,
    Condition,
    Reply,
    Vendor,
    moment_ago,
    too_many,
)


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
        return too_many(
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
    created = int(moment_ago(hours=hours).timestamp() * 1000)
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
