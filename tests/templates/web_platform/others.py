"""What goes with the vendors: Loki, status pages, the site itself, and where messages go."""

from __future__ import annotations

import json
import time

from templates.web_platform.vendor import LOGS_TOKEN, PAGE, Asked, Condition, Reply, Vendor, too_many


def loki(vendor: Vendor, asked: Asked) -> Reply:
    """Instant queries whose answer is one number, as a text."""
    if vendor.condition is Condition.RATE_LIMITED:
        return too_many("too many outstanding requests\n")
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
        return too_many({"error": "rate limited"})
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
    return too_many(page) if status == 429 else Reply(status, page)


def webhook(vendor: Vendor, asked: Asked) -> Reply:
    """An incoming webhook of the chat: JSON with a text or a card."""
    if asked.method != "POST" or asked.headers.get("content-type") != "application/json":
        return Reply(400, "invalid_payload")
    try:
        said = json.loads(asked.body)
    except ValueError:
        return Reply(400, "invalid_payload")
    return Reply(200, "ok") if said.get("text") or said.get("attachments") else Reply(400, "no_text")
