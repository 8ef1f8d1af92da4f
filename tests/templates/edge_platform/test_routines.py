"""The routines, reports and documents of the template `edge-platform`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest


def outcomes(edge, now, *routines):
    """What `routine run --due` says of each step of each routine, and its exit code."""
    ran = edge("routine", "run", *routines, "--due", now=now)
    found, routine = {}, ""
    for line in ran.out.splitlines():
        if line.startswith("  "):
            step, outcome, *_ = line.strip().split(": ")
            found[f"{routine}/{step}"] = outcome
        else:
            routine = line.split(" ")[0]
    return ran.code, found


BEFORE = "2026-11-20T08:59:00Z"


def a_minute_before(now):
    return (datetime.fromisoformat(now) - timedelta(minutes=1)).isoformat()


def test_nothing_is_due_before_its_time(edge):
    ran = edge("routine", "run", "--due", now=BEFORE)
    assert (ran.code, ran.out) == (0, "nothing is due\n")


@pytest.mark.parametrize(
    ("now", "steps"),
    [
        (
            "2026-11-20T09:00:30Z",
            {
                "morning/health": "ok", "morning/incidents": "ok", "morning/performance": "waiting",
                "morning/capacity": "ok", "morning/security": "ok",
            },
        ),
        (
            "2026-11-20T14:00:30Z",
            {
                "afternoon/performance": "ok", "afternoon/users": "waiting", "afternoon/backup": "ok",
                "afternoon/maintenance": "waiting", "afternoon/team": "waiting",
            },
        ),
        (
            "2026-11-20T19:00:30Z",
            {
                "evening/summary": "ok", "evening/issues": "ok", "evening/handover": "waiting",
                "evening/documents": "waiting", "evening/tomorrow": "waiting",
            },
        ),
        (
            "2026-11-21T02:00:30Z",
            {
                "nightly-export/export": "ok", "nightly-export/fresh": "ok", "nightly-export/record": "ok",
                "nightly-export/prune": "ok",
            },
        ),
        (
            "2026-11-22T10:00:30Z",
            {
                "monthly-w4/month": "waiting", "monthly-w4/performance": "ok", "monthly-w4/security": "waiting",
                "monthly-w4/capacity-plan": "waiting", "monthly-w4/next-month": "waiting",
            },
        ),
        (
            "2026-11-23T10:00:30Z",
            {
                "weekly-monday/plan": "waiting", "weekly-monday/last-week": "ok", "weekly-monday/capacity": "ok",
                "weekly-monday/security": "waiting", "weekly-monday/meeting": "waiting",
            },
        ),
        (
            "2026-11-25T10:00:30Z",
            {
                "weekly-wednesday/trends": "waiting", "weekly-wednesday/maintenance": "waiting",
                "weekly-wednesday/backups": "ok", "weekly-wednesday/scans": "waiting", "weekly-wednesday/improvement": "ok",
            },
        ),
        (
            "2026-11-27T16:00:30Z",
            {
                "weekly-friday/summary": "ok", "weekly-friday/performance": "ok", "weekly-friday/issues": "ok",
                # No document was ever reviewed.
                "weekly-friday/documents": "failed", "weekly-friday/next-week": "waiting",
            },
        ),
        (
            "2026-12-01T10:00:30Z",
            {
                "monthly-w1/plan": "waiting", "monthly-w1/capacity-plan": "waiting",
                "monthly-w1/audit-preparation": "waiting", "monthly-w1/maintenance": "waiting", "monthly-w1/cost": "waiting",
            },
        ),
        (
            "2026-12-08T10:00:30Z",
            {
                "monthly-w2/maintenance": "waiting", "monthly-w2/security-updates": "waiting",
                "monthly-w2/performance": "waiting", "monthly-w2/backup-test": "ok", "monthly-w2/documents": "failed",
            },
        ),
        (
            "2026-12-15T10:00:30Z",
            {
                "monthly-w3/performance": "waiting", "monthly-w3/trends": "waiting", "monthly-w3/capacity": "ok",
                "monthly-w3/security": "waiting", "monthly-w3/savings": "waiting",
            },
        ),
        (
            "2027-01-01T10:00:30Z",
            {
                "quarterly-planning/report": "ok", "quarterly-planning/goals": "waiting",
                "quarterly-planning/maintenance": "waiting", "quarterly-planning/capacity": "waiting",
                "quarterly-planning/training": "waiting", "quarterly-planning/standards": "failed",
                "quarterly-planning/stakeholders": "waiting",
            },
        ),
        ("2027-01-05T10:00:30Z", {"access-review/review": "waiting"}),
        ("2027-01-10T10:00:30Z", {"vendor-review/vercel": "waiting", "vendor-review/cloudflare": "waiting"}),
        (
            "2027-11-10T10:00:30Z",
            {
                "annual-planning/report": "ok", "annual-planning/goals": "waiting", "annual-planning/budget": "waiting",
                "annual-planning/resources": "waiting", "annual-planning/roadmap": "waiting",
                "annual-planning/stakeholders": "waiting",
            },
        ),
    ],
)  # fmt: skip
def test_each_routine_is_due_at_its_time_and_does_what_needs_no_person(edge, now, steps):
    routine = next(iter(steps)).partition("/")[0]
    # What was due before it was first looked at is nobody's debt: so this is due in this very minute.
    assert outcomes(edge, a_minute_before(now), routine) == (0, {})
    edge.fresh("backups/d1-00000000T000000Z.sql", "insert into users values (1);\n" * 50, now)
    edge.fresh("scans/npm-audit.json", '{"vulnerabilities": {}}', now)
    assert edge("check", "security", now=now).code == 0
    assert outcomes(edge, now, routine) == (1 if "failed" in steps.values() else 0, steps)


def test_what_waits_for_a_person_is_answered_by_the_one_who_may(edge):
    edge("routine", "run", "--due", now="2026-11-20T13:59:00Z")
    edge("routine", "run", "--due", now="2026-11-20T14:00:30Z")
    later = "2026-11-20T14:30:00Z"
    assert (
        edge(
            "routine", "done", "afternoon", "users", "--note", "as last Friday", who="mallory", now=later
        ).code
        != 0
    )
    assert edge("routine", "done", "afternoon", "users", who="dave", now=later).code != 0
    assert (
        edge("routine", "done", "afternoon", "users", "--note", "as last Friday", who="dave", now=later).code
        == 0
    )
    assert edge("routine", "done", "afternoon", "maintenance", who="bob", now=later).code == 0
    assert (
        edge("routine", "done", "afternoon", "team", "--attendees", "alice,bob", who="alice", now=later).code
        == 0
    )
    due = edge("routine", "due", now=later).out
    assert "afternoon" not in due


def test_the_handover_is_done_once_the_next_shift_has_accepted(edge):
    edge("routine", "run", "--due", now="2026-11-20T18:59:00Z")
    edge("routine", "run", "--due", now="2026-11-20T19:00:30Z")
    later = "2026-11-20T19:10:00Z"
    subject = "evening@2026-11-20"
    edge.sign(
        "handover", "incidents", "alerts", "maintenance", "watch", who="dave", subject=subject, now=later
    )
    assert outcomes(edge, later)[1].get("evening/handover") in {None, "waiting"}
    edge.sign("handover", "accepted", who="erin", subject=subject, now=later)
    assert outcomes(edge, "2026-11-20T19:15:00Z")[1].get("evening/handover") == "ok"


def test_nobody_is_asked_for_more_than_can_be_read_with_care(edge):
    assert edge("routine", "lint") == (0, "nothing to complain of\n", "")
    assert edge("check", "standby").code == 0
    assert edge("checklist", "lint").out == ""


# Reports and documents.


def test_reports_tell_of_the_objectives_and_what_happened(edge):
    edge.platform.broken = {"/health"}
    for minute in range(0, 30, 5):
        edge("check", "api/health", now=f"2026-11-20T11:{minute:02}:00Z")
    edge.platform.broken = set()
    edge("check", now="2026-11-20T11:30:00Z")
    for period in ("daily", "weekly", "monthly", "quarterly", "yearly"):
        report = edge("report", period)
        assert report.code == 0
        assert "99.9%" in report.out
        assert "INC-1" in report.out
    assert "INC-1" in edge("report", "handover").out
    assert edge("report", "incident", "INC-1").code == 0


def test_documents_have_owners_times_and_no_dead_links(edge):
    found = json.loads(edge("docs", "due", "-o", "json").out)["documents"]
    assert len(found) == 15
    found = edge("docs", "lint").out.splitlines()
    assert [one for one in found if ": review: never reviewed" not in one] == []
    assert edge("search", "restore").code == 0
