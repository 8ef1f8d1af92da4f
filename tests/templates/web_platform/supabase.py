"""Supabase's two APIs, that of its management and that of a project, as local servers speak them."""

from __future__ import annotations

import json

from templates.web_platform.vendor import (
    _PARTS,
    ANON_KEY,
    REF,
    SUPABASE_TOKEN,
    TABLE,
    Asked,
    Condition,
    Reply,
    Vendor,
    iso,
    moment_ago,
    too_many,
)


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
        return too_many({"message": "ThrottlerException: Too Many Requests"})
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
        {"id": at, "is_physical_backup": True, "status": status, "inserted_at": iso(moment_ago(hours=hours))}
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
    return {"timestamp": iso(moment_ago()), "metrics": sizes}


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
        return too_many({"message": "Too many requests"})
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
