"""What the template `aws-platform` asks by HTTP: GitHub, PagerDuty, Slack, the site and a status page."""

from __future__ import annotations

import json
import re
import time

from templates.aws_platform.known import GITHUB_TOKEN, REPOSITORY, ROUTING_KEY


def server(speak, tls=None):
    """A server that answers each request as `speak` says; `requests` is what it was asked."""
    from web import Web

    class Speaking(Web):
        def next(self, request):
            self.requests.append(request)
            return speak(request)

    return Speaking(tls)


def answer(status, said=None, **headers):
    from web import Answer

    body = b"" if said is None else json.dumps(said).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **headers})


def github(request, condition, dispatched):
    """GitHub's REST API: runs of workflows, and their dispatch, whose reference and inputs go into `dispatched`."""
    if not request.headers.get("user-agent"):
        return answer(403, {"message": "Request forbidden by administrative rules."})
    if condition == "unauthorised" or request.headers.get("authorization") != f"Bearer {GITHUB_TOKEN}":
        return answer(
            401,
            {
                "message": "Bad credentials",
                "documentation_url": "https://docs.github.com/rest",
                "status": "401",
            },
        )
    limits = {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Resource": "core",
        "X-RateLimit-Reset": str(int(time.time()) + 600),
    }
    if condition == "throttled":
        words = {
            "message": "API rate limit exceeded for user ID 1.",
            "documentation_url": "https://docs.github.com/rest",
        }
        return answer(403, words, **limits, **{"X-RateLimit-Remaining": "0"})
    if condition == "slowed":
        return answer(429, {"message": "You have exceeded a secondary rate limit."}, **{"Retry-After": "60"})
    if request.headers.get("x-github-api-version") != "2022-11-28":
        return answer(400, {"message": "The version is not supported", "status": "400"})
    path, _, query = request.path.partition("?")
    found = re.fullmatch(rf"/repos/{REPOSITORY}/actions/workflows/(ci|deploy)\.yml/(runs|dispatches)", path)
    if found is None:
        return answer(
            404,
            {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"},
        )
    if found[2] == "dispatches":
        dispatched(json.loads(request.body))
        return answer(204)
    if "status=completed" not in query.split("&") or "per_page=1" not in query.split("&"):
        return answer(422, {"message": "Validation Failed"})
    conclusion = {"degraded": "cancelled", "down": "failure"}.get(condition, "success")
    runs = [] if condition == "empty" else [workflow_run(found[1], conclusion)]
    return answer(
        200, {"total_count": len(runs), "workflow_runs": runs}, **limits, **{"X-RateLimit-Remaining": "4999"}
    )


def workflow_run(name, conclusion):
    return {
        "id": 30433642, "name": name, "node_id": "MDEyOldvcmtmbG93IFJ1bjI2OTI4OQ==", "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d", "run_number": 562, "run_attempt": 1, "event": "push",
        "status": "completed", "conclusion": conclusion, "workflow_id": 159038, "created_at": "2026-11-20T09:00:00Z",
        "run_started_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:05:00Z",
        "html_url": f"https://github.com/{REPOSITORY}/actions/runs/30433642",
    }  # fmt: skip


def site(request, condition, outside):
    """The application in every environment, and the status page of what watches it from outside."""
    path = request.path.partition("?")[0]
    if path == "/api/v2/status.json":
        return status_page(outside)
    if condition == "down":
        return answer(503, {"error": "unavailable"})
    pages = {
        "/": {"title": "Shop"},
        "/api/health": {"status": "degraded" if condition == "degraded" else "ok"},
        "/api/search": {"results": [{"id": 1001}] if request.path == "/api/search?q=chair" else []},
        "/api/entries/1001": {"id": 1001, "title": "A chair"},
        "/admin/login": {"title": "Sign in"},
    }
    if path == "/admin/":
        return (
            answer(302, None, Location="/admin/login") if condition != "open" else answer(200, {"users": []})
        )
    return answer(200, pages[path]) if path in pages else answer(404, {"error": "not found"})


def status_page(condition):
    """The summary of a status page, in the format of Statuspage."""
    if condition == "throttled":
        return answer(429, {"errors": ["too many requests"]})
    if condition == "unauthorised":
        return answer(401, {"error": "Could not authenticate"})
    indicator, words = {
        "degraded": ("minor", "Minor Service Outage"), "down": ("critical", "Major System Outage"),
    }.get(condition, ("none", "All Systems Operational"))  # fmt: skip
    page = {
        "id": "y2j98763l56x",
        "name": "Shop",
        "url": "https://status.example.net",
        "updated_at": "2026-11-20T09:00:00Z",
    }
    return answer(200, {"page": page, "status": {"indicator": indicator, "description": words}})


def pagerduty(request, condition):
    """PagerDuty's Events API v2."""
    said = json.loads(request.body)
    payload = said.get("payload", {})
    wrong = [name for name in ("summary", "source", "severity") if not payload.get(name)]
    if condition == "throttled":
        return answer(
            429,
            {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."},
        )
    if said.get("routing_key") != ROUTING_KEY or said.get("event_action") != "trigger" or wrong:
        return answer(
            400,
            {
                "status": "invalid event",
                "message": "Event object is invalid",
                "errors": wrong or ["routing_key"],
            },
        )
    if payload["severity"] not in {"critical", "error", "warning", "info"}:
        return answer(
            400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["severity"]}
        )
    return answer(202, {"status": "success", "message": "Event processed", "dedup_key": said["dedup_key"]})


def slack(request, condition):
    """An incoming webhook of Slack, which answers with a word."""
    from web import Answer

    if condition == "throttled":
        return Answer(429, b"rate_limited", {"Retry-After": "30"})
    if not json.loads(request.body).get("text"):
        return Answer(400, b"no_text")
    return Answer(200, b"ok")
