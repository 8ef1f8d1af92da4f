"""The chat, the routines and the reports of the template `web-platform`."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from templates.web_platform.workspace import NOW

LATER = "2026-11-19T12:30:00Z"


def test_the_chat_knows_a_few_sentences_and_nothing_else(platform):
    def chat(sentence):
        argv = [str(platform.programs / "python3"), "bin/chat", "--as", "alice", sentence]
        env = {**os.environ, **platform.env, "OPSCTL_NOW": NOW}
        return subprocess.run(argv, cwd=platform.path, env=env, capture_output=True, text=True, check=False)

    found = chat("check vendors")
    assert (found.returncode, sorted(found.stdout.split("\n")[0].split()[:2])) == (
        0,
        ["up", "vendors/vercel"],
    )
    for sentence in ("", "check web; id", "check --help", "check $(id)", "fly", "answer RUN-1 act"):
        refused = chat(sentence)
        assert refused.returncode == 2
        assert refused.stdout.startswith("I know: status, incidents, ")


def test_within_a_day_cron_checks_reports_and_makes_a_backup(platform):
    # By the machine's own clock, as ages of files that programs wrote are looked at.
    os.utime(platform.path / "backups/data-2026-11-19.sql")
    end = datetime.now(UTC).replace(microsecond=0)
    platform("routine", "run", "--due", now=(end - timedelta(days=1)).isoformat())
    ran = platform("routine", "run", "--due", now=end.isoformat())
    for routine in ("daily-health", "backup"):
        slots = json.loads(platform("routine", "history", routine, "-o", "json", now=end.isoformat()).out)
        assert [one["state"] for one in slots["slots"]] == ["done"], ran.out + ran.err
    assert len(list((platform.path / "reports").glob("*-daily.md"))) == 1
    assert len(list((platform.path / "backups").glob("opsctl-*.db"))) == 1


def test_a_monday_scans_and_reports_by_itself_and_asks_people_for_the_rest(release):
    release("routine", "run", "--due", now="2026-11-20T12:00:00Z")
    release("routine", "run", "--due", now="2026-11-23T10:05:00Z")
    told = release("routine", "history", "weekly-review", "-o", "json", now="2026-11-23T10:06:00Z")
    (slot,) = json.loads(told.out)["slots"]
    assert {one["step"]: one["outcome"] for one in slot["steps"]} == {
        "figures": "ok",
        "trends": "waiting",
        "scan": "waiting",
        "documents": "waiting",
        "changed": "waiting",
        "backlog": "ok",
        "maintenance": "waiting",
        "meeting": "waiting",
    }
    assert release.calls("npm") == ["npm audit --audit-level=high"]
    assert (release.path / "reports/2026-11-23-weekly.md").exists()


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly", "quarterly"])
def test_a_report_tells_services_against_their_targets(platform, period):
    assert platform("check", now=NOW).code == 0
    ran = platform("report", period, now=LATER)
    assert ran.code == 0
    assert "## Services against target" in ran.out
    assert re.search(r"^\| web \|.*99\.9%", ran.out, re.MULTILINE)
