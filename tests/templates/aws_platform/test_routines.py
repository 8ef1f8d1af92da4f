"""The routines and reports of the template `aws-platform`."""

from __future__ import annotations

import json

LATER = "2026-11-19T12:30:00Z"


def test_the_day_goes_its_five_steps_and_is_not_well_before_it_was_shown(shop):
    shop("check")
    assert shop("routine", "run", "daily", now=LATER).code == 3
    [slot] = json.loads(shop("routine", "history", "daily", "-o", "json", now=LATER).out)["slots"]
    steps = {one["step"]: (one["outcome"], one["message"].partition(";")[0]) for one in slot["steps"]}
    assert steps == {
        "health": ("ok", "39 checks up"),
        "alerts": ("ok", "alerts: nothing to look at"),
        # Availability over 30 days and a p95 need more than one look.
        "performance": ("unknown", "daily is unknown: 7 items: 5 pass, 2 unknown"),
        "security": ("waiting", "security-review is pending: 6 items: 4 pass, 2 pending"),
        "backup": ("ok", "backup-verify is done"),
    }
    assert shop.last_run()["environment"] == "production"


def test_the_security_of_the_day_is_signed_by_those_who_may(shop):
    day = "daily@2026-11-19"
    assert shop.gate("security-review", subject=day) == (4, {"logs": "pending", "permissions": "pending"})
    shop.sign("security-review", "logs", who="alice", subject=day)
    shop.sign("security-review", "permissions", who="bob", subject=day)
    assert shop.gate("security-review", subject=day) == (0, {})
    # Permissions are looked at once a month, logs every day.
    assert shop.gate("security-review", subject="daily@2026-11-20") == (4, {"logs": "pending"})


def test_what_is_due_is_run_and_people_are_waited_for(shop):
    assert shop("routine", "run", "--due").code == 0
    later = shop("routine", "run", "--due", now="2026-11-23T10:01:00Z")
    assert later.code in {1, 3, 4}, later.err
    due = shop("routine", "due", now="2026-11-23T10:02:00Z")
    assert due.code in {1, 4}
    for name in ("daily", "weekly"):
        assert name in due.out
    assert (shop.path / "reports/2026-11-23-weekly.md").read_text().startswith("# Shop: weekly report\n")
    assert (shop.path / "reports/backlog.csv").exists()


def test_reports_show_every_service_against_its_target(shop):
    shop("check", "web", "api", "search")
    for period in ("daily", "weekly", "monthly", "quarterly", "yearly"):
        ran = shop("report", period, "-o", "markdown")
        assert (ran.code, ran.err) == (0, ""), period
        lines = [
            line for line in ran.out.splitlines() if line.startswith(("| web |", "| api |", "| search |"))
        ]
        assert len(lines) >= 3, period
        assert all("99.9%" in line for line in lines[:3]), period
