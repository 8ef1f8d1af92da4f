"""What each check of the template `edge-platform` says of each condition of its vendors, and the incidents that follow."""

from __future__ import annotations

import json

import pytest
from templates.edge_platform.vendors import ACCOUNT, DATABASE, PROJECT, TEAM, ZONE, Condition, answer

ALL_UP = dict.fromkeys(
    (
        "api/certificate", "api/health", "app/certificate", "app/home", "capacity/throughput", "capacity/utilisation",
        "cloudflare/status", "credentials/cloudflare", "credentials/vercel", "database/export", "database/query",
        "database/size", "dependencies/scan", "deployment/latest", "deployment/production", "edge/answer", "logs/errors",
        "security/threats", "standby/home", "status-page/agrees", "status-page/reachable", "vercel/status",
        "worker/errors", "worker/resources", "worker/version", "worker/zone",
    ),
    "up",
)  # fmt: skip


def group(*names, state):
    return dict.fromkeys(names, state)


BY_CLOUDFLARE = (
    "worker/zone", "worker/version", "worker/errors", "worker/resources", "database/query", "database/size",
    "security/threats", "capacity/utilisation", "capacity/throughput",
)  # fmt: skip
BY_VERCEL = ("deployment/production", "deployment/latest")
PAGES = ("vercel/status", "cloudflare/status")
# What our own hosts are asked for by users: where they refuse or limit us, users are refused.
OURS = ("app/home", "standby/home", "api/health", "edge/answer", "status-page/reachable")
NOT_KNOWN = group(*BY_CLOUDFLARE, *BY_VERCEL, *PAGES, "logs/errors", "status-page/agrees", state="unknown")
EXPECTED = {
    Condition.UP: {},
    Condition.DEGRADED: group(
        "api/health", "worker/zone", "worker/version", "worker/errors", "worker/resources", "database/query",
        *BY_VERCEL, "logs/errors", *PAGES, state="degraded",
    ),
    Condition.DOWN: {
        **group(
            *OURS, "worker/zone", "worker/version", "worker/errors", "worker/resources", "database/query", "logs/errors",
            "security/threats", "deployment/production", *PAGES, state="down",
        ),
        # Without an answer there is no size; without a page there is nothing to compare.
        **group("database/size", "status-page/agrees", state="unknown"),
        # A build that failed leaves the deployment before in place.
        "deployment/latest": "degraded",
    },
    Condition.LIMITED: {
        **NOT_KNOWN, **group(*OURS, state="down"), **group("credentials/cloudflare", "credentials/vercel", state="unknown"),
    },
    Condition.UNAUTHORISED: {
        **NOT_KNOWN, **group(*OURS, "credentials/cloudflare", "credentials/vercel", state="down"),
    },
    # The tokens themselves are good: they only may not see this.
    Condition.FORBIDDEN: {**NOT_KNOWN, **group(*OURS, state="down")},
    Condition.BROKEN: {
        **NOT_KNOWN,
        **group(*OURS, "database/query", "logs/errors", state="down"),
        **group("credentials/cloudflare", "credentials/vercel", state="unknown"),
    },
    Condition.PORTAL: {
        **NOT_KNOWN,
        **group("app/home", "standby/home", "edge/answer", state="down"),
        **group("api/health", "status-page/reachable", "credentials/cloudflare", "credentials/vercel", state="unknown"),
    },
}  # fmt: skip


@pytest.mark.parametrize("condition", Condition)
def test_each_check_has_one_state_in_each_condition_of_all_vendors(edge, condition):
    edge.set(condition)
    expected = {**ALL_UP, **EXPECTED[condition]}
    code = 0 if condition in {Condition.UP, Condition.DEGRADED} else 1
    assert edge.states() == (code, expected)


@pytest.mark.parametrize("condition", [Condition.LIMITED, Condition.UNAUTHORISED, Condition.FORBIDDEN])
def test_a_vendor_that_limits_or_refuses_us_is_never_up_and_no_outage_of_ours(edge, condition):
    edge.set(condition, edge.cloudflare, edge.vercel, edge.vercel_status, edge.cloudflare_status)
    code, states = edge.states()
    told = {name: state for name, state in states.items() if state != "up"}
    credentials = {Condition.LIMITED: "unknown", Condition.UNAUTHORISED: "down"}.get(condition)
    refused = group("credentials/cloudflare", "credentials/vercel", state=credentials) if credentials else {}
    assert told == {**group(*BY_CLOUDFLARE, *BY_VERCEL, *PAGES, state="unknown"), **refused}
    assert code == (1 if credentials == "down" else 3)


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        ("cloudflare", BY_CLOUDFLARE),
        ("vercel", BY_VERCEL),
        ("vercel_status", ("vercel/status",)),
        ("cloudflare_status", ("cloudflare/status",)),
    ],
)
def test_one_vendor_that_limits_us_makes_only_its_own_checks_unknown(edge, vendor, words):
    edge.set(Condition.LIMITED, getattr(edge, vendor))
    code, states = edge.states()
    credentials = {f"credentials/{vendor}"} & set(ALL_UP)
    assert (code, {name for name, state in states.items() if state != "up"}) == (3, {*words, *credentials})


def test_a_request_for_each_check_is_what_the_vendor_documents(edge):
    edge.states("deployment", "database/query", "worker/zone", "credentials")
    journal = [*edge.vercel.journal, *edge.cloudflare.journal]
    asked = [(one.method, one.path, dict(sorted(one.query.items())), one.body) for one in journal]
    listed = {"limit": "1", "projectId": PROJECT, "target": "production", "teamId": TEAM}
    query = f"/accounts/{ACCOUNT}/d1/database/{DATABASE}/query"
    assert sorted(asked, key=str) == sorted(
        [
            ("GET", "/user/tokens/verify", {}, ""),
            ("GET", "/v2/user", {}, ""),
            ("GET", "/v6/deployments", listed, ""),
            ("GET", "/v6/deployments", dict(sorted({**listed, "state": "READY"}.items())), ""),
            ("GET", f"/zones/{ZONE}", {}, ""),
            ("POST", query, {}, {"sql": "select 1 as ok"}),
        ],
        key=str,
    )


def test_the_workspace_says_what_is_missing_until_all_is_given(edge, opsctl):
    assert edge("validate") == (0, "valid: 15 services, 26 checks\n", "")
    bare = opsctl("init", "bare", "--template", "edge-platform", "--name", "Shop")
    assert bare.code == 0
    assert opsctl("validate", "-C", "bare", "--allow-unset").code == 0
    found = opsctl("validate", "-C", "bare")
    assert found.code == 5
    assert "unset-app-host.invalid" in found.out + found.err
    assert "CLOUDFLARE_API_TOKEN" in found.out + found.err


def test_with_common_it_is_valid_and_nothing_of_either_is_lost(opsctl):
    made = opsctl("init", "both", "--template", "common", "--template", "edge-platform", "--name", "Shop")
    assert made.code == 0
    assert opsctl("validate", "-C", "both", "--allow-unset") == (0, "valid: 16 services, 27 checks\n", "")
    routines = json.loads(opsctl("routine", "list", "-C", "both", "-o", "json").out)["routines"]
    assert {"daily-standup", "weekly-ops-review", "morning", "weekly-monday"} <= {
        one["routine"] for one in routines
    }


# The status page against our incidents.


@pytest.mark.parametrize(
    ("page", "severity", "state"),
    [
        ("none", None, "up"),
        ("none", "sev3", "up"),
        ("none", "sev2", "down"),
        ("major", "sev2", "up"),
        ("major", None, "down"),
        ("maintenance", None, "up"),
    ],
)
def test_the_status_page_has_to_say_what_our_incidents_say(edge, page, severity, state):
    edge.platform.page = page
    if severity:
        assert edge("incident", "open", "Slow", "--severity", severity).code == 0
    assert edge.states("status-page/agrees")[1] == {"status-page/agrees": state}


def test_an_hour_without_a_request_is_unknown_and_not_without_errors(edge):
    edge.cloudflare.hourly = 0
    assert edge.states("worker/errors", "capacity")[1] == {
        "worker/errors": "unknown", "capacity/throughput": "down", "capacity/utilisation": "degraded",
    }  # fmt: skip


def test_logs_without_a_single_line_are_down(edge, monkeypatch):
    monkeypatch.setattr(edge.platform, "speak", lambda _asked: answer(200, {"total": 0, "errors": 0}))
    assert edge.states("logs")[1] == {"logs/errors": "down"}


def test_a_backup_that_is_old_or_empty_is_down(edge):
    assert edge.states("database/export", now="2026-11-21T03:59:59Z")[1] == {"database/export": "up"}
    assert edge.states("database/export", now="2026-11-21T04:00:00Z")[1] == {"database/export": "down"}
    edge.fresh("backups/d1-20261120T110000Z.sql", "", "2026-11-20T11:00:00Z")
    assert edge.states("database/export")[1] == {"database/export": "down"}


# Incidents that the checks open.


def run_checks(edge, *minutes):
    for minute in minutes:
        edge("check", now=f"2026-11-20T12:{minute:02}:00Z")
    return [
        (one["severity"], one["key"], one["services"])
        for one in json.loads(edge("incident", "list", "-o", "json").out)["incidents"]
    ]


def test_an_api_that_limits_us_opens_nothing_before_the_third_time_and_no_sev1(edge):
    edge.set(Condition.LIMITED, edge.cloudflare)
    assert run_checks(edge, 0, 5) == []
    # That nobody watches the firewall is told as soon as what it stops.
    assert sorted(run_checks(edge, 10)) == [
        ("sev2", "security", ["security"]),
        ("sev3", "credentials", ["credentials"]),
        ("sev3", "database", ["database"]),
        ("sev3", "worker", ["worker"]),
    ]


def test_an_outage_of_the_api_is_a_sev1_by_itself(edge):
    edge.platform.broken = {"/health"}
    assert run_checks(edge, 0) == []
    assert run_checks(edge, 5) == [("sev1", "api", ["api"])]
