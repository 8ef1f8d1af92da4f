"""What each check of the template `web-platform` says in each condition of its vendors."""

from __future__ import annotations

import json

import pytest
from templates.web_platform.vendor import N8N_KEY, SUPABASE_TOKEN, VERCEL_TOKEN, WAIT, Condition

UP = dict.fromkeys(
    (
        "auth/health", "backups/hosted", "backups/own", "capacity/disk", "capacity/performance", "capacity/security",
        "database/rest", "deployments/latest", "deployments/serving", "executions/failed", "executions/stuck",
        "infrastructure/drift", "infrastructure/settings", "logs/arriving", "logs/errors", "supabase/health",
        "supabase/project", "vendors/supabase", "vendors/vercel", "web/certificate", "web/home", "workflows/alive",
        "workflows/ready",
    ),
    "up",
)  # fmt: skip
# Of what needs no vendor, the vendors' condition says nothing: our own copy, the certificate, and the plan of the code.
OURS = {"backups/own": "up", "web/certificate": "up", "infrastructure/drift": "up"}
UNKNOWN = {**dict.fromkeys(UP, "unknown"), **OURS}
STATES = {
    Condition.UP: UP,
    Condition.DEGRADED: {
        **UP,
        "backups/hosted": "down",  # its newest complete backup is 29 hours old
        "capacity/disk": "degraded",
        "capacity/security": "degraded",
        "deployments/latest": "degraded",  # the newest failed, the one before it serves
        "executions/failed": "degraded",
        "executions/stuck": "degraded",
        "logs/errors": "degraded",
        "supabase/health": "degraded",
        "supabase/project": "degraded",
        "vendors/supabase": "degraded",
        "vendors/vercel": "degraded",
    },
    Condition.DOWN: {
        **dict.fromkeys(UP, "down"),
        **OURS,
        "deployments/latest": "degraded",
        "executions/failed": "unknown",  # n8n has no database, so it cannot say
        "executions/stuck": "unknown",
        "workflows/alive": "up",  # the process runs all the same
    },
    Condition.FAILING: {**UP, "executions/failed": "down", "executions/stuck": "down"},
    Condition.STARTING: {
        **UP,
        "executions/failed": "unknown",  # a plain text with 200 is no answer
        "executions/stuck": "unknown",
        "workflows/ready": "down",
    },
    # Whoever is refused knows nothing. Only of the site itself it is known that it serves no page: it is down.
    Condition.RATE_LIMITED: {**UNKNOWN, "web/home": "down"},
    Condition.UNAUTHORISED: {
        **UNKNOWN,
        "web/home": "down",
        "workflows/alive": "up",  # health needs no key
        "workflows/ready": "up",
    },
    Condition.FORBIDDEN: {**UNKNOWN, "web/home": "down", "workflows/alive": "up", "workflows/ready": "up"},
    # What we run ourselves is down where its server fails; a vendor's word that fails says nothing of what it is about.
    Condition.BROKEN: {
        **UNKNOWN,
        "auth/health": "down",
        "database/rest": "down",
        "logs/arriving": "down",
        "logs/errors": "down",
        "web/home": "down",
        "workflows/alive": "down",
        "workflows/ready": "down",
    },
    Condition.PORTAL: {**UNKNOWN, "web/home": "down"},
    Condition.CUT: {**UNKNOWN, "web/home": "down"},
}
CODES = {Condition.UP: 0, Condition.DEGRADED: 1}


def test_with_all_values_and_secrets_given_nothing_is_left_to_set(platform):
    ran = platform("validate")
    assert (ran.code, ran.out) == (0, "valid: 12 services, 23 checks\n")


@pytest.mark.parametrize("condition", Condition)
def test_each_check_says_of_each_condition_exactly_what_is_known(platform, condition):
    platform.become(condition)
    code, states = platform.states()
    assert states == STATES[condition]
    assert code == CODES.get(condition, 3 if set(states.values()) <= {"up", "unknown"} else 1)


@pytest.mark.parametrize("condition", [Condition.RATE_LIMITED, Condition.UNAUTHORISED, Condition.FORBIDDEN])
def test_nothing_is_up_that_a_vendor_refused_to_answer(condition):
    needs_no_key = (
        {"workflows/alive", "workflows/ready"} if condition is not Condition.RATE_LIMITED else set()
    )
    assert {check for check, state in STATES[condition].items() if state == "up"} - needs_no_key == set(OURS)


def test_what_is_slower_than_the_limits_is_degraded(platform):
    platform.edit("services/web.yaml", "latency < 10m", "latency < 1us")
    platform.edit("services/database.yaml", "latency < 10m", "latency < 1us")
    assert platform.states("web", "database")[1] == {
        "database/rest": "degraded",
        "web/certificate": "up",
        "web/home": "degraded",
    }


def test_vendors_that_nobody_can_reach_are_down_and_what_asks_for_figures_knows_nothing(platform):
    for one in platform.vendors.values():
        one.close()
    code, states = platform.states()
    asks = {"backups/hosted", "executions/failed", "executions/stuck"}
    ours = {"backups/own", "infrastructure/drift"}
    assert code == 1
    assert {check for check, state in states.items() if state == "unknown"} == asks
    assert {check for check, state in states.items() if state == "up"} == ours
    for one in platform.vendors.values():
        one.close = lambda: None


@pytest.mark.parametrize(
    ("variable", "checks"),
    [
        (
            "VERCEL_TOKEN",
            {"deployments/latest", "deployments/serving", "infrastructure/settings", "infrastructure/drift"},
        ),
        ("SUPABASE_ANON_KEY", {"auth/health", "database/rest"}),
        ("N8N_API_KEY", {"executions/failed", "executions/stuck"}),
        ("LOGS_TOKEN", {"logs/arriving", "logs/errors"}),
    ],
)
@pytest.mark.parametrize("value", ["", "of-somebody-else"])
def test_a_secret_that_is_missing_or_wrong_makes_exactly_what_needs_it_unknown(
    platform, variable, checks, value
):
    # A plan is made by OpenTofu itself, which the stand-in does not ask for its token.
    expected = checks if value == "" else checks - {"infrastructure/drift"}
    code, states = platform.states(**{variable: value})
    assert code == 3
    assert {check for check, state in states.items() if state != "up"} == expected
    assert {states[check] for check in expected} == {"unknown"}


@pytest.mark.parametrize(
    ("exit_code", "state"), [(0, "up"), (1, "unknown"), (2, "degraded"), (127, "unknown")]
)
def test_drift_is_degraded_and_a_plan_that_cannot_be_made_is_unknown(platform, exit_code, state):
    (platform.programs / "tofu.exit").write_text(f"{exit_code}\n")
    assert platform.states("infrastructure/drift")[1] == {"infrastructure/drift": state}
    assert platform.calls("tofu") == [
        "tofu -chdir=infra plan -detailed-exitcode -input=false -no-color -lock-timeout=30s"
    ]


@pytest.mark.parametrize(("hours", "state"), [(25, "up"), (27, "down")])
def test_our_own_copy_of_the_database_is_down_once_it_is_older_than_26_hours(platform, hours, state):
    platform.copy_of_the_database(hours)
    assert platform.states("backups/own")[1] == {"backups/own": state}


def test_what_is_refused_says_so_and_keeps_the_secret(platform):
    platform.become(Condition.RATE_LIMITED)
    ran = platform(
        "check", "deployments/serving", "executions/failed", "backups/hosted", "--explain", "--no-record"
    )
    assert f"n8n answered 429; retry after {WAIT} s" in ran.err + ran.out
    assert "Supabase answered 429" in ran.err + ran.out
    assert not any(secret in ran.out + ran.err for secret in (VERCEL_TOKEN, N8N_KEY, SUPABASE_TOKEN))


def test_outages_of_the_critical_services_open_one_incident_each_and_refusals_of_vendors_none(platform):
    platform.become(Condition.RATE_LIMITED, "vercel", "supabase", "vercel_status", "supabase_status")
    for _ in range(3):
        assert platform("check", "tag:often").code == 3
    assert json.loads(platform("incident", "list", "-o", "json").out)["incidents"] == []
    platform.become(Condition.DOWN, "project")
    platform("check", "tag:often", now="2026-11-19T12:05:00Z")
    platform("check", "tag:often", now="2026-11-19T12:10:00Z")
    found = json.loads(platform("incident", "list", "-o", "json", now="2026-11-19T12:10:00Z").out)[
        "incidents"
    ]
    assert [(one["incident"], one["severity"], sorted(one["services"])) for one in found] == [
        ("INC-1", "sev1", ["auth", "database"])
    ]
