"""The gates of the template `web-platform`: what opens them, and what closes them."""

from __future__ import annotations

import json

import pytest
from templates.web_platform.vendor import Condition
from templates.web_platform.workspace import ALICE, BOB, MANUAL, NOW, REQUEST, drill


def test_a_version_that_nobody_has_signed_waits_for_people_and_for_nothing_else(release):
    drill(release)
    code, found = release.verdicts("pre-deploy", "--no-record")
    assert (code, {name for name, verdict in found.items() if verdict == "pending"}) == (
        4,
        MANUAL | {"request"},
    )
    assert {verdict for name, verdict in found.items() if name not in MANUAL | {"request"}} <= {"pass", "n/a"}


def test_the_gate_opens_once_all_have_signed_and_closes_again_with_the_freeze(release):
    drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    code, found = release.verdicts("pre-deploy")
    assert (code, set(found.values()) <= {"pass", "n/a"}) == (0, True), found
    friday = release.verdicts("pre-deploy", "--at", "2026-11-20T15:30:00Z", "--no-record")
    assert (friday[0], friday[1]["frozen"]) == (1, "fail")


def test_whoever_wrote_the_change_can_neither_review_nor_approve_it(release):
    release.edit("opsctl.yaml", f"reviewer: [{ALICE}]", f"reviewer: [{ALICE}, {BOB}]")
    ran = release(
        "checklist", "sign", "pre-deploy", "reviewed", "--subject", "v1.4.2", "--evidence", "me", who=BOB
    )
    assert release.verdicts("pre-deploy", "--no-record")[1]["reviewed"] == "pending", ran


def test_no_gate_opens_where_a_critical_service_is_down_or_not_known(release):
    drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    for condition, vendor, code, verdict in (
        (Condition.DOWN, "project", 1, "fail"),
        (Condition.UNAUTHORISED, "project", 3, "unknown"),
        (Condition.RATE_LIMITED, "project", 3, "unknown"),
        (Condition.RATE_LIMITED, "n8n", 3, "unknown"),
        (Condition.RATE_LIMITED, "site", 1, "fail"),
        (Condition.UP, "site", 0, "pass"),
    ):
        release.become(Condition.UP)
        release.become(condition, vendor)
        found = release.verdicts("pre-deploy", "--no-record")
        assert (found[0], found[1]["healthy"]) == (code, verdict), (condition, vendor)


def test_failing_tests_an_old_drill_an_untagged_commit_and_a_missing_secret_close_the_gate(release):
    (release.programs / "npm.exit").write_text("1\n")
    code, found = release.verdicts("pre-deploy", "--no-record", subject="v1.4.1", SLACK_WEBHOOK_URL="")
    failed = {"tests", "rollback", "settings", "changelog"}
    assert (code, {name for name, verdict in found.items() if verdict == "fail"}) == (1, failed)


def test_after_a_deployment_people_look_and_machines_look_too(release):
    assert release("check", now=NOW).code == 0
    code, found = release.verdicts("post-deploy", "--no-record")
    assert (code, {name for name, verdict in found.items() if verdict == "pending"}) == (
        4,
        {"live", "closed"},
    )
    release.sign("post-deploy", "live", "closed")
    assert release.verdicts("post-deploy")[0] == 0
    release.become(Condition.FAILING, "n8n")
    assert release.verdicts("post-deploy", "--no-record") == (
        1,
        {**found, "live": "pass", "closed": "pass", "flows": "fail"},
    )


@pytest.mark.parametrize(
    "checklist", ["security-scan-weekly", "monthly-security-audit", "onboarding", "change-request"]
)
def test_the_other_checklists_wait_for_people_once_the_machines_are_content(release, checklist):
    code, found = release.verdicts(checklist, "--no-record", subject="bob")
    fails = {"secrets", "restore"} if checklist == "monthly-security-audit" else set()
    assert {name for name, verdict in found.items() if verdict == "fail"} == fails
    assert code == (1 if fails else 4)
    assert "unknown" not in found.values()


def test_the_weekly_scan_keeps_the_report_of_n8n_and_sees_what_supabase_finds(release):
    release.verdicts("security-scan-weekly", "--no-record", subject="w47")
    assert list(json.loads((release.path / "reports/n8n-audit.json").read_text())) == [
        "Credentials Risk Report"
    ]
    release.become(Condition.DOWN, "supabase")
    (release.programs / "npm.exit").write_text("1\n")
    found = release.verdicts("security-scan-weekly", "--no-record", subject="w47")[1]
    assert (found["database"], found["dependencies"]) == ("fail", "fail")
