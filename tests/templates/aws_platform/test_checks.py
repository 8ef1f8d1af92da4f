"""What each check of the template `aws-platform` says of each condition of its vendors, and who hears of it."""

from __future__ import annotations

import json
import sys

import pytest
from templates.aws_platform import known
from templates.aws_platform.workspace import NOW

# What is asked of a tool of a vendor, and what of the site itself.
SITE = {
    "web/home", "web/certificate", "api/health", "search/query", "catalogue/read", "admin/login", "admin/closed",
    "staging/home", "staging/api", "staging/search", "development/api",
}  # fmt: skip
AWS = {
    "api/errors", "api/latency", "database/alarms", "database/backup", "database/retention", "database/dump",
    "database/free-storage", "storage/sample", "infrastructure/alarms", "infrastructure/cpu", "infrastructure/memory",
    "configuration/same-names", "logs/arrive", "logs/errors", "business/active-users", "business/entries-created",
    "business/searches", "business/admin-actions", "business/revenue", "security/events", "security/logins", "security/failed-logins",
    "security/denied", "security/findings", "security/root-user",
}  # fmt: skip
CODE = {"infrastructure/cdk", "infrastructure/terraform", "infrastructure/ansible"}
GITHUB = {"ci/tests", "ci/deployment"}
VENDORS = AWS | CODE | GITHUB | {"containers/health", "external-uptime/site"}
EVERYTHING = SITE | VENDORS | {"response/in-time"}
# What is not up where each is worse than wished, and where it is bad.
WORSE = {
    "degraded": {
        **dict.fromkeys(CODE | GITHUB, "degraded"),
        **dict.fromkeys(
            (
                "api/errors", "api/health", "api/latency", "configuration/same-names", "database/alarms",
                "database/backup", "database/free-storage", "external-uptime/site", "infrastructure/alarms",
                "infrastructure/cpu", "infrastructure/memory", "logs/errors", "business/admin-actions", "security/denied",
                "security/events", "security/failed-logins", "security/findings",
            ),
            "degraded",
        ),
        "containers/health": "unknown",
        "staging/api": "down",
    },
    "down": {
        **dict.fromkeys(SITE - {"web/certificate"}, "down"),
        **dict.fromkeys(AWS | GITHUB | {"containers/health", "external-uptime/site"}, "down"),
        **dict.fromkeys(CODE, "degraded"),
        "configuration/same-names": "degraded",
        "business/admin-actions": "degraded",
    },
}  # fmt: skip


def test_all_is_up_where_all_is_well(shop):
    assert shop("validate") == (0, "valid: 18 services, 44 checks\n", "")
    assert shop.seen() == dict.fromkeys(EVERYTHING, "up")


@pytest.mark.parametrize("condition", ["degraded", "down"])
def test_what_is_worse_than_wished_is_degraded_and_what_is_bad_is_down(shop, condition):
    shop.all_are(condition)
    assert shop.bad() == WORSE[condition]


@pytest.mark.parametrize("condition", ["throttled", "unauthorised"])
def test_a_vendor_that_does_not_tell_is_unknown_and_the_site_is_as_it_is(shop, condition):
    shop.vendors_are(condition)
    ran = shop("check", "--no-record", "-o", "json")
    seen = {one["check"]: one["seen"] for one in json.loads(ran.out)["checks"]}
    assert seen == dict.fromkeys(EVERYTHING, "up") | dict.fromkeys(VENDORS, "unknown")
    assert ran.code == 3


def test_what_a_vendor_says_of_why_it_does_not_tell_is_shown(shop):
    shop.vendors_are("throttled")
    words = "the plugin could not tell (exit code 3): UNKNOWN: aws exited 255: An error occurred (ThrottlingException) when "
    assert shop.message("database/alarms") == (
        f"{words}calling the DescribeAlarms operation (reached max retries: 4): Rate exceeded"
    )
    assert "RequestLimitExceeded" in shop.message("infrastructure/terraform")
    shop.vendors_are("unauthorised")
    assert "InvalidClientTokenId" in shop.message("storage/sample")
    assert "permission denied" in shop.message("containers/health")
    assert "No valid credential sources" in shop.message("infrastructure/terraform")


@pytest.mark.parametrize("condition", ["slowed", "empty"])
def test_github_that_slows_us_down_or_has_no_run_yet_is_unknown(shop, condition):
    shop.conditions["github"] = condition
    assert shop.seen("ci") == dict.fromkeys(GITHUB, "unknown")


def test_github_is_asked_with_a_token_and_a_version(shop):
    shop.seen("ci")
    asked = {one.path for one in shop.github.requests}
    assert asked == {
        "/repos/example/shop/actions/workflows/ci.yml/runs?branch=main&status=completed&per_page=1",
        "/repos/example/shop/actions/workflows/deploy.yml/runs?status=completed&per_page=1",
    }


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"shop-cpu": "ALARM"}, "down"),
        ({"shop-cpu": "INSUFFICIENT_DATA"}, "unknown"),
        ({"shop-cpu": "deleted"}, "unknown"),
        ({"shop-cpu": "INSUFFICIENT_DATA", "shop-memory": "ALARM"}, "down"),
        ({"shop-api-latency": "OK"}, "up"),
    ],
)
def test_an_alarm_is_what_cloudwatch_says_of_it(shop, states, expected):
    shop.world.change(alarms=states)
    assert shop.seen("infrastructure/alarms") == {"infrastructure/alarms": expected}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            "quiet",
            {
                "api/errors",
                "api/latency",
                "infrastructure/cpu",
                "business/revenue",
                "security/events",
                "logs/arrive",
            },
        ),
        ("empty", set()),
    ],
)
def test_a_metric_without_data_is_unknown(shop, condition, expected):
    shop.world.is_("aws", condition)
    asked = (
        "api/errors",
        "api/latency",
        "infrastructure/cpu",
        "business/revenue",
        "security/events",
        "logs/arrive",
    )
    assert shop.bad(*asked) == dict.fromkeys(expected, "unknown")


def test_a_database_without_a_snapshot_is_down(shop):
    shop.world.is_("aws", "empty")
    assert shop.seen("database/backup", "database/retention") == {
        "database/backup": "down",
        "database/retention": "down",
    }
    assert shop.message("database/backup").startswith('plugin_state == "OK" (found "CRITICAL")')


def test_a_container_that_is_gone_is_down(shop):
    shop.world.is_("docker", "gone")
    assert shop.seen("containers") == {"containers/health": "down"}


def test_an_administration_that_lets_everybody_in_is_down(shop):
    shop.conditions["site"] = "open"
    assert shop.seen("admin/closed") == {"admin/closed": "down"}


def test_a_program_that_is_not_there_is_unknown(shop, tmp_path):
    # Nothing else is found: a real program that this machine has would be asked in place of the missing one.
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "python3").symlink_to(sys.executable)
    shop.env["PATH"] = str(tmp_path / "only")
    asked = ("database/backup", "infrastructure/cdk", "infrastructure/ansible")
    assert shop.seen(*asked) == dict.fromkeys(asked, "unknown")


def test_no_secret_is_shown_or_kept(shop):
    shop.all_are("down")
    ran = shop("check", "-o", "json")
    kept = b"".join(one.read_bytes() for one in (shop.path / ".opsctl").rglob("*") if one.is_file())
    for secret in (known.SECRET_KEY, known.GITHUB_TOKEN, known.ROUTING_KEY, "secret-of-slack"):
        assert secret not in ran.out + ran.err
        assert secret.encode() not in kept


def test_what_is_critical_and_down_opens_incidents_and_tells_everybody(shop):
    shop.conditions["site"] = "down"
    for at in (NOW, "2026-11-19T12:05:00Z", "2026-11-19T12:10:00Z"):
        shop("check", "web", "api", now=at)
    incidents = json.loads(shop("incident", "list", "-o", "json").out)["incidents"]
    assert [(one["incident"], one["severity"], one["state"]) for one in incidents] == [
        ("INC-1", "sev1", "open")
    ]
    told = [json.loads(one.body) for one in shop.messages.requests]
    assert sorted(one["text"] for one in told if "text" in one) == [
        "sev1: api is not well. See opsctl status",
        "sev1: web is not well. See opsctl status",
    ]
    assert sorted((one["dedup_key"], one["event_action"]) for one in told if "dedup_key" in one) == [
        ("api", "trigger"),
        ("web", "trigger"),
    ]
    assert sorted(subject for subject, _ in shop.world.read()["mails"]) == ["sev1: api", "sev1: web"]


def test_a_channel_that_fails_keeps_no_other_back(shop):
    shop.conditions["slack"] = "throttled"
    run = shop.go("run", "alert", "--set", "about=api", code=1)
    assert run["state"] == "failed"
    assert [one.path for one in shop.messages.requests].count("/v2/enqueue") == 1
    assert shop.world.read()["mails"] == [["sev1: api", "api is not well (sev1). See opsctl status"]]


def test_sev3_wakes_nobody(shop):
    assert shop.go("run", "alert", "--set", "about=search", "--set", "severity=sev3")["state"] == "done"
    assert [one.path for one in shop.messages.requests] == ["/services/T0/B0/secret-of-slack"]


def test_an_incident_that_waits_too_long_calls_the_next_level(shop):
    assert shop("incident", "open", "Nobody can sign in", "-s", "api", "--severity", "sev1").code == 0
    # By this machine's clock, which the check goes by, it has waited for days.
    ran = shop("check", "response", now="2026-11-19T13:00:00Z")
    assert ran.code == 1
    told = [json.loads(one.body) for one in shop.messages.requests]
    assert [one["dedup_key"] for one in told if "dedup_key" in one] == ["overdue"]
    assert shop.last_run()["runbook"] == "escalate"
    # Not again within half an hour.
    shop("check", "response", now="2026-11-19T13:05:00Z")
    assert len(shop.messages.requests) == len(told)
