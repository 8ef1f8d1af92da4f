"""Who hears of what in the template `edge-platform`, and what opsctl does there by itself."""

from __future__ import annotations

import pytest
from templates.edge_platform.vendors import PROJECT, ROUTING_KEY


def escalate(edge, severity, code=0):
    edge.go(
        "run",
        "escalate",
        "--set",
        f"severity={severity}",
        "--set",
        "service=api",
        "--set",
        "say=It is slow",
        code=code,
    )
    mail = edge.programs / "mail.log"
    return {path for _, path, _ in edge.messages.changes()}, mail.read_text() if mail.exists() else ""


SLACK, PAGER, SMS = "/services/T1/B1/secret", "/v2/enqueue", "/2010-04-01/Accounts/AC1/Messages.json"


@pytest.mark.parametrize(
    ("severity", "channels", "mail"),
    [
        ("sev1", {SLACK, PAGER, SMS}, "-s|sev1 api|oncall@example.com|It is slow\n"),
        ("sev2", {SLACK, PAGER}, "-s|sev2 api|oncall@example.com|It is slow\n"),
        ("sev3", {SLACK}, ""),
        ("sev4", {SLACK}, ""),
    ],
)
def test_each_severity_has_its_channels(edge, severity, channels, mail):
    assert escalate(edge, severity) == (channels, mail)


def test_what_is_sent_is_what_the_channels_document(edge):
    escalate(edge, "sev1")
    sent = {path: body for _, path, body in edge.messages.changes()}
    assert sent == {
        SLACK: {"text": "sev1 api: It is slow"},
        PAGER: {
            "routing_key": ROUTING_KEY,
            "event_action": "trigger",
            "dedup_key": "opsctl/production/api",
            "payload": {"summary": "sev1 api: It is slow", "source": "opsctl", "severity": "critical"},
        },
        SMS: "To=%2B15550100&MessagingServiceSid=MG1&Body=Critical+incident+(api).+Acknowledge+within+15+minutes.",
    }


def test_a_channel_that_is_broken_keeps_no_other_back(edge):
    edge.messages.silent = {"slack"}
    escalation = edge.path / "runbooks/escalation.yaml"
    escalation.write_text(escalation.read_text().replace("retry_delay: 1s", "retry_delay: 0s"))
    found = escalate(edge, "sev1", code=1)
    assert found == ({SLACK, PAGER, SMS}, "-s|sev1 api|oncall@example.com|It is slow\n")
    # Within another runbook too.
    edge.messages.journal.clear()
    edge("runbook", "run", "critical-outage")
    assert {path for _, path, _ in edge.messages.changes()} == {SLACK, PAGER, SMS}


def test_a_message_cannot_break_out_of_its_json(edge):
    ran = edge(
        "runbook",
        "run",
        "escalate",
        "--set",
        "severity=sev3",
        "--set",
        "service=api",
        "--set",
        'say=a", "b": "c',
    )
    assert (ran.code, edge.messages.changes()) == (2, [])


# What opsctl does by itself.


def test_a_first_page_that_is_down_is_deployed_anew_twice_and_no_more(edge, hasty):
    edge("check", "app/home", now="2026-11-20T11:55:00Z")
    edge.platform.broken = {"/"}
    tried = []
    for minute in (0, 5, 10, 25, 45):
        edge("check", "app/home", now=f"2026-11-20T12:{minute:02}:00Z")
        tried.append(len([path for _, path, _ in edge.vercel.changes() if path == "/v13/deployments"]))
    assert tried == [0, 1, 1, 2, 2]
    bodies = [body for _, path, body in edge.vercel.changes() if path == "/v13/deployments"]
    assert bodies[0] == {
        "name": "shop",
        "project": PROJECT,
        "deploymentId": "dpl_live",
        "target": "production",
    }
    # What was live before is live again, and whoever is on call was told of both.
    assert edge.vercel.changes()[1][1] == f"/v10/projects/{PROJECT}/promote/dpl_live"
    assert [body["text"] for _, path, body in edge.messages.changes() if path == SLACK][:2] == [
        "sev1 app: The app is down; dpl_live is deployed anew", "sev1 app: Deploying dpl_live anew did not help",
    ]  # fmt: skip


def test_what_somebody_is_on_is_left_to_them(edge, hasty):
    edge.platform.broken = {"/"}
    assert edge("incident", "open", "App down", "-s", "app", "--severity", "sev1").code == 0
    assert edge("incident", "ack", "1").code == 0
    for minute in (0, 5, 10):
        edge("check", "app/home", now=f"2026-11-20T12:{minute:02}:00Z")
    assert edge.vercel.changes() == []


def test_a_health_endpoint_that_fails_twice_pages_at_once(edge):
    edge("check", "api/health", now="2026-11-20T11:55:00Z")
    edge.platform.broken = {"/health"}
    edge("check", "api/health", now="2026-11-20T12:00:00Z")
    assert edge.messages.changes() == []
    edge("check", "api/health", now="2026-11-20T12:05:00Z")
    assert {path for _, path, _ in edge.messages.changes()} == {SLACK, PAGER, SMS}
