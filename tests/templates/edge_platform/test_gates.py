"""The gates of the template `edge-platform`: what opens them, and what closes them."""

from __future__ import annotations

import pytest
from templates.edge_platform.vendors import Condition


@pytest.fixture
def ready(edge):
    """All that a deployment asks for was shown: an export, a rollback, a request that was approved, notice."""
    edge.go("run", "d1-export", who="carol")
    edge.go("drill", "vercel-rollback", "--set", "tell=nobody", answers=[("decide", "yes"), ("fix", "yes")])
    edge.sign("change-request", "scope", "window", "approved", who="alice")
    edge.sign("change-request", "risk", "way-back", who="dave")
    edge.sign("pre-deploy", "notice", who="alice")
    return edge


SHOWN = dict.fromkeys(
    (
        "change", "tests", "preview", "fast", "sound", "errors", "healthy", "patched", "backup", "verified", "rollback",
        "notice", "calm", "frozen",
    ),
    "pass",
)  # fmt: skip
# A workspace of today has no figures yet; both only warn.
NEW = {**SHOWN, "budget": "warn", "latency": "warn"}


def test_the_gate_is_closed_until_everything_was_shown(edge):
    found = edge.verdicts("pre-deploy", "--env", "production")
    left = {"change": "pending", "verified": "fail", "rollback": "fail", "notice": "pending"}
    assert found == (1, {**NEW, **left})


def test_the_gate_is_open_once_everything_was_shown(ready):
    assert ready.verdicts("pre-deploy", "--env", "production") == (0, NEW)
    assert (ready.programs / "npm.log").read_text() == "--prefix ../app test\n"


def test_the_gate_has_figures_once_checks_were_recorded(ready):
    assert ready("check", now="2026-11-20T12:05:00Z").code == 0
    code, found = ready.verdicts("pre-deploy", "--env", "production", now="2026-11-20T12:10:00Z")
    assert (code, found["latency"]) == (0, "pass")


def test_a_word_of_somebody_without_the_role_does_not_open_the_gate(ready):
    said = ready(
        "checklist", "sign", "change-request", "approved", "--subject", "v2", "--evidence", "x", who="dave"
    )
    assert said.code != 0
    assert ready.verdicts("pre-deploy", subject="v2")[1]["change"] == "pending"


def test_the_gate_is_never_open_by_an_api_that_limits_or_refuses_us(ready):
    not_known = (3, {**NEW, "errors": "unknown", "healthy": "unknown"})
    expected = {
        Condition.LIMITED: not_known,
        Condition.UNAUTHORISED: not_known,
        Condition.FORBIDDEN: not_known,
        Condition.DEGRADED: (0, NEW),
        Condition.DOWN: (1, {**NEW, "errors": "fail", "healthy": "fail"}),
    }
    for condition, found in expected.items():
        ready.set(condition, ready.cloudflare)
        assert ready.verdicts("pre-deploy", "--env", "production", "--no-record") == found, condition


def test_the_gate_is_closed_by_tests_that_fail(ready):
    (ready.programs / "npm.exit").write_text("1")
    assert ready.verdicts("pre-deploy") == (1, {**NEW, "tests": "fail"})


def test_the_gate_is_closed_by_a_preview_that_fails(ready):
    ready.platform.broken = {"/preview"}
    found = ready.verdicts("pre-deploy", PREVIEW_URL=f"{ready.platform.url}/preview")
    assert found == (1, {**NEW, "preview": "fail", "fast": "unknown", "sound": "fail"})


def test_the_gate_is_closed_by_a_vulnerability_once_its_30_days_are_over(ready):
    added = ready(
        "backlog",
        "add",
        "CVE-2026-1",
        "--tag",
        "vulnerability",
        "--due",
        "2026-12-20",
        now="2026-11-20T08:00:00Z",
    )
    assert added.code == 0
    assert ready.verdicts("pre-deploy") == (0, NEW)
    code, found = ready.verdicts("pre-deploy", now="2026-12-22T12:00:00Z")
    assert (code, found["patched"]) == (1, "fail")


def test_the_gate_is_closed_by_an_incident_and_by_a_freeze(ready):
    assert ready("incident", "open", "Slow", "--severity", "sev2").code == 0
    # The status page is green, and so it does not agree; that is no critical service.
    assert ready.verdicts("pre-deploy") == (1, {**NEW, "calm": "fail"})
    code, found = ready.verdicts("pre-deploy", "--env", "production", now="2026-11-20T14:30:00Z")
    assert (code, found["frozen"]) == (1, "fail")
    assert ready.verdicts("pre-deploy", "--env", "preview", now="2026-11-20T14:30:00Z")[1]["frozen"] == "pass"


def test_a_proof_ages(ready):
    assert ready.verdicts("pre-deploy", now="2026-11-21T13:00:00Z")[1]["verified"] == "pass"
    assert ready.verdicts("pre-deploy", now="2026-11-21T15:00:00Z")[1]["verified"] == "fail"
    assert ready.verdicts("pre-deploy", now="2027-02-18T11:00:00Z")[1]["rollback"] == "pass"
    assert ready.verdicts("pre-deploy", now="2027-02-18T13:00:00Z")[1]["rollback"] == "fail"


def test_after_a_deployment_all_is_looked_at_again(edge):
    edge("check", now="2026-11-20T11:55:00Z")
    edge.sign("post-deploy", "closed", who="dave")
    names = ("up", "live", "version", "errors", "latency", "page", "calm", "closed")
    assert edge.verdicts("post-deploy") == (0, dict.fromkeys(names, "pass"))
    edge.set(Condition.DEGRADED, edge.vercel)
    assert edge.verdicts("post-deploy") == (1, {**dict.fromkeys(names, "pass"), "live": "fail"})


def test_access_security_and_the_rest_are_shown_by_machines_and_signed_by_people(edge):
    lists = {
        "access-review": ("temporary", "tokens"),
        "security-assessment": ("alerts", "detection", "scan", "patch-age", "incidents", "violations"),
        "security-audit": ("findings", "response", "patching", "trail"),
        "patch-status": ("none-late", "scanned"),
        "vendor-review": ("contract",),
        "service-standards": ("standby", "failover", "recovery", "plan", "baseline", "runbooks"),
        "handover": (),
        "new-hire": (),
        "team-skills": (),
    }
    edge("check", now="2026-11-20T11:55:00Z")
    expected = {"response": "fail", "failover": "fail", "recovery": "fail", "runbooks": "warn"}
    for name, machines in lists.items():
        _, found = edge.verdicts(name)
        by_machine = {item: verdict for item, verdict in found.items() if verdict != "pending"}
        assert by_machine == {item: expected.get(item, "pass") for item in machines}, name
