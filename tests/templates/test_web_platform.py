"""The template `web-platform` against stand-ins of its vendors: what each check says in each condition, gate, runbooks."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from servers import program
from templates.vendors_web import (
    ANON_KEY,
    LOGS_TOKEN,
    N8N_KEY,
    PAGE,
    PROJECT,
    REF,
    SUPABASE_TOKEN,
    TABLE,
    TEAM,
    VERCEL_TOKEN,
    WAIT,
    Condition,
    Vendor,
    loki,
    n8n,
    site,
    statuspage,
    supabase_management,
    supabase_project,
    vercel,
    webhook,
)

from opsctl import trust

# A Thursday, on which no freeze is.
NOW = "2026-11-19T12:00:00Z"
ALICE, BOB = "alice@example.com", "bob@example.com"
LATER = "2026-11-19T12:30:00Z"
TLS = {"site": site, "project": supabase_project, "n8n": n8n, "logs": loki}
PLAIN = {
    "vercel": vercel,
    "supabase": supabase_management,
    "vercel_status": statuspage,
    "supabase_status": statuspage,
}
CHAT = ("chat", "teams")
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
STUBS = {
    "vercel": 'case "$1" in deploy) echo "https://$SITE";; esac',
    "supabase": """\
for last; do :; done
case "$*" in
*--role-only*) echo 'CREATE ROLE "app";' >"$last" ;;
*--data-only*) { seq 1 500; echo 'RESET ALL;'; } >"$last" ;;
"db dump"*) echo 'CREATE TABLE "categories" ();' >"$last" ;;
esac
""",
    "tofu": """\
case "$*" in
*-out=drift.tfplan*) echo plan >"${1#-chdir=}/drift.tfplan" ;;
esac
code=$(cat "$HERE/tofu.exit" 2>/dev/null || echo 0)
case "$*" in *plan*) [ "$code" = 1 ] && echo "Error: no valid credential" >&2; exit "$code" ;; esac
""",
    "psql": "echo 120",
    "npm": 'exit "$(cat "$HERE/npm.exit" 2>/dev/null || echo 0)"',
}


class Platform:
    """A workspace made of the template, all its addresses and secrets those of the vendors beside it.

    `calls()` are the commands of vendors that were run, with their arguments.
    """

    def __init__(self, opsctl, vendors, programs):
        self.opsctl, self.vendors, self.programs, self.path = opsctl, vendors, programs, opsctl.path
        self.env = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "VERCEL_TOKEN": VERCEL_TOKEN,
            "VERCEL_AUTOMATION_BYPASS_SECRET": "bypass-of-the-tests",
            "SUPABASE_ACCESS_TOKEN": SUPABASE_TOKEN,
            "SUPABASE_ANON_KEY": ANON_KEY,
            "SUPABASE_DB_PASSWORD": "database-of-the-tests",
            "SCRATCH_DB_PASSWORD": "scratch-of-the-tests",
            "N8N_API_KEY": N8N_KEY,
            "LOGS_TOKEN": LOGS_TOKEN,
            "SLACK_WEBHOOK_URL": f"{vendors['chat'].url}/services/T0/B0/secret",
            "TEAMS_WEBHOOK_URL": f"{vendors['teams'].url}/workflows/secret?sig=secret",
        }

    def __call__(self, *arguments, who=ALICE, now=NOW, **env):
        return self.opsctl(*arguments, env={**self.env, "OPSCTL_ACTOR": who, **env}, now=now)

    def become(self, condition, *names):
        for name in names or self.vendors:
            self.vendors[name].condition = condition

    def states(self, *selectors, **how):
        """The exit code of `opsctl check`, and the state of every check."""
        ran = self("check", *selectors, "--no-record", "-o", "json", **how)
        return ran.code, {one["check"]: one["state"] for one in json.loads(ran.out)["checks"]}

    def verdicts(self, checklist, *arguments, subject="v1.4.2", **how):
        """The exit code of a gate, and the verdict of every item."""
        ran = self(
            "gate", checklist, "--subject", subject, "--env", "production", "-o", "json", *arguments, **how
        )
        return ran.code, {one["id"]: one["verdict"] for one in json.loads(ran.out)["items"]}

    def sign(self, checklist, *items, subject="v1.4.2", **how):
        for item in items:
            ran = self(
                "checklist", "sign", checklist, item, "--subject", subject, "--evidence", "seen", **how
            )
            assert ran.code == 0, ran.err

    def edit(self, name, old, new):
        text = (self.path / name).read_text()
        assert old in text
        (self.path / name).write_text(text.replace(old, new))

    def calls(self, program=""):
        log = self.programs / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(program)]

    def said(self):
        """What was written into the chat."""
        return [
            json.loads(one.body).get("text", "a card") for name in CHAT for one in self.vendors[name].journal
        ]

    def copy_of_the_database(self, hours):
        """Our own copy of the database, so old."""
        copy = self.path / "backups/data-2026-11-19.sql"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("\n".join(["1"] * 600) + "\nRESET ALL;\n")
        at = datetime.fromisoformat(NOW).timestamp() - hours * 3600
        os.utime(copy, (at, at))


def programs_in(folder, ca, host):
    """Programs that trust the tests' certificates, and stand-ins for the vendors' own."""
    folder.mkdir()
    real = {
        "python3": sys.executable,
        "curl": shutil.which("curl") or "curl",
        "opsctl": f"{sys.executable} -m opsctl",
    }
    here = Path(__file__).resolve().parents[2]
    for name, command in real.items():
        trusting = f"SSL_CERT_FILE={ca} CURL_CA_BUNDLE={ca} PYTHONPATH={here}"
        _script(folder / name, f'{trusting} exec {command} "$@"\n')
    for name, does in STUBS.items():
        _script(
            folder / name, f'HERE={folder} SITE={host}\nprintf "%s\\n" "{name} $*" >>"$HERE/calls"\n{does}\n'
        )
    return folder


def _script(path, text):
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


@pytest.fixture
def vendors(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.certificate, certificates.good.key)
    found = {name: Vendor(speak, context) for name, speak in TLS.items()}
    found |= {name: Vendor(speak) for name, speak in PLAIN.items()}
    found |= {name: Vendor(webhook) for name in CHAT}
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def platform(opsctl, vendors, certificates, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    trust.trusted_certificates.cache_clear()
    values = {
        "domain": vendors["site"].host,
        "page_says": PAGE.split()[-1],
        "owner": ALICE,
        "vercel_project": PROJECT,
        "vercel_team": TEAM,
        "supabase_ref": REF,
        "supabase_host": vendors["project"].host,
        "supabase_table": TABLE,
        "n8n_host": vendors["n8n"].host,
        "logs_host": vendors["logs"].host,
        "vercel_api": vendors["vercel"].url,
        "supabase_api": vendors["supabase"].url,
        "vercel_status": vendors["vercel_status"].url,
        "supabase_status": vendors["supabase_status"].url,
        # However busy this machine is, no answer is late.
        "page_within": "10m",
        "row_within": "10m",
    }
    given = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    assert opsctl("init", "--template", "web-platform", "--name", "Site", *given).code == 0
    (opsctl.path / "infra").mkdir()
    folder = programs_in(tmp_path_factory.mktemp("programs") / "bin", certificates.ca, vendors["site"].host)
    made = Platform(opsctl, vendors, folder)
    made.copy_of_the_database(hours=5)
    yield made
    trust.trusted_certificates.cache_clear()


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


# The gate


@pytest.fixture
def release(platform):
    """A commit of Bob's with the tag v1.4.2 in a repository that has v1.4.1, and a rollback that was drilled."""

    def git(*words):
        who = {"GIT_AUTHOR_NAME": "bob", "GIT_AUTHOR_EMAIL": BOB}
        who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
        subprocess.run(
            ["git", *words], cwd=platform.path, env={**os.environ, **who}, check=True, capture_output=True
        )

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "before")
    git("tag", "v1.4.1")
    (platform.path / "CHANGELOG.md").write_text("# 1.4.2\n")
    platform.edit("docs/configuration.md", "## Environments", "More.\n\n## Environments")
    git("add", ".")
    git("commit", "-q", "-m", "after")
    git("tag", "v1.4.2")
    return platform


def _drill(platform, now="2026-11-01T10:00:00Z"):
    drilled = platform(
        "runbook", "drill", "rollback-web", "--set", "back_again=yes", "--env", "production", now=now
    )
    assert drilled.code == 0, drilled.out + drilled.err


MANUAL = {"reviewed", "flag", "announced"}
REQUEST = ("scope", "risk", "evidence", "rollback", "window", "approved")


def test_a_version_that_nobody_has_signed_waits_for_people_and_for_nothing_else(release):
    _drill(release)
    code, found = release.verdicts("pre-deploy", "--no-record")
    assert (code, {name for name, verdict in found.items() if verdict == "pending"}) == (
        4,
        MANUAL | {"request"},
    )
    assert {verdict for name, verdict in found.items() if name not in MANUAL | {"request"}} <= {"pass", "n/a"}


def test_the_gate_opens_once_all_have_signed_and_closes_again_with_the_freeze(release):
    _drill(release)
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
    _drill(release)
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


# The runbooks


def runbooks_of(platform):
    """Every runbook as its file says."""
    files = [yaml.safe_load(path.read_text()) for path in (platform.path / "runbooks").glob("*.yaml")]
    return {name: one for file in files for name, one in file["runbooks"].items()}


RUNBOOKS = {
    "backup-database": (),
    "deploy-blue-green": ("version=v1.4.2", "what=A new search"),
    "escalate": ("incident=INC-1", "to=lead"),
    "log-errors": (),
    "maintenance": ("what=A larger database", "select=database", "lasts=1h"),
    "n8n-failed-workflow": (),
    "rollback-web": (),
    "rotate-credentials": ("name=SUPABASE_SERVICE_ROLE_KEY", "value=a-new-secret"),
    "supabase-outage": (),
    "supabase-restore": ("day=2026-11-19",),
    "test-channels": (),
    "tofu-drift": (),
}
CHANGING = ("vercel", "tofu -chdir=infra apply", "supabase backups restore", "supabase db")


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_dry_run_shows_every_step_and_changes_nothing(release, runbook):
    told = [word for one in RUNBOOKS[runbook] for word in ("--set", one)]
    before = {path: path.stat().st_mtime_ns for path in release.path.glob("**/*") if ".git/" not in str(path)}
    ran = release("runbook", "run", runbook, *told, "--env", "production", "--dry-run")
    steps = [one["id"] for one in runbooks_of(release)[runbook]["steps"]]
    assert [step for step in steps if step not in ran.out] == []
    assert "a-new-secret" not in ran.out + ran.err
    assert not any(call.startswith(CHANGING) for call in release.calls())
    assert [
        one for vendor in release.vendors.values() for one in vendor.asked("POST") if "read-only" not in one
    ] == []
    after = {path: path.stat().st_mtime_ns for path in release.path.glob("**/*") if ".git/" not in str(path)}
    changed = {path.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= {".opsctl", "opsctl.db", "opsctl.db-journal"}


def test_every_runbook_has_a_dry_run_here(release):
    assert set(runbooks_of(release)) == set(RUNBOOKS)


def test_a_rollback_needs_nobody_and_puts_the_deployment_back_that_served_before(platform):
    ran = platform("runbook", "run", "rollback-web", "--env", "production")
    assert ran.code == 0, ran.out + ran.err
    assert platform.calls("vercel") == ["vercel rollback dpl_2 --yes --timeout 5m"]
    assert platform.said() == [f"{platform.vendors['site'].host} was put back from dpl_3 to dpl_2"]


def test_a_drill_of_the_rollback_ends_where_it_began(platform):
    _drill(platform)
    assert platform.calls("vercel") == [
        "vercel rollback dpl_2 --yes --timeout 5m",
        "vercel promote dpl_3 --yes --timeout 5m",
    ]


def test_without_a_deployment_to_go_back_to_nothing_is_moved(platform):
    platform.become(Condition.DOWN, "vercel")
    ran = platform("runbook", "run", "rollback-web", "--env", "production")
    assert (ran.code, platform.calls("vercel")) == (1, [])


def test_a_deployment_is_built_beside_what_serves_looked_at_promoted_and_told(release, monkeypatch):
    monkeypatch.setattr("opsctl.steps.wait.pause", lambda _seconds: None)
    _drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert ran.code == 0, ran.out + ran.err
    idle = release.vendors["site"].host
    assert release.calls("vercel")[2:] == [
        "vercel deploy --prod --skip-domain --yes --meta version=v1.4.2",
        f"vercel promote {idle} --yes --timeout 5m",
    ]
    assert release.said()[1:] == [f"Deploying v1.4.2 to {idle}: Search", f"v1.4.2 serves {idle}"]
    looked = [one for one in release.vendors["site"].journal if "x-vercel-protection-bypass" in one.headers]
    assert [one.headers["x-vercel-protection-bypass"] for one in looked] == ["bypass-of-the-tests"]


def test_a_deployment_after_which_the_site_is_down_is_taken_back(release, monkeypatch):
    monkeypatch.setattr("opsctl.steps.wait.pause", lambda _seconds: release.become(Condition.DOWN, "site"))
    release.edit("runbooks/deploy.yaml", "within: 2m", "within: 10ms")
    _drill(release)
    release.sign("change-request", *REQUEST)
    release.sign("pre-deploy", *MANUAL)
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert ran.code == 1
    assert release.calls("vercel")[-1] == "vercel promote dpl_3 --yes --timeout 5m"
    assert (
        "(run of deploy-blue-green) is recovered: green failed, and what was done before was undone"
        in ran.out
    )
    assert release.said()[-1].startswith("v1.4.2 was taken back; ")


def test_a_closed_gate_keeps_a_deployment_from_beginning(release):
    ran = release(
        "runbook",
        "run",
        "deploy-blue-green",
        "--set",
        "version=v1.4.2",
        "--set",
        "what=Search",
        "--env",
        "production",
    )
    assert (ran.code, release.calls("vercel"), release.said()) == (1, [], [])


def _real_now():
    """The machine's own time, for what looks at the ages of files that programs wrote."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def test_a_backup_has_three_parts_and_takes_the_old_ones_away(platform):
    old = platform.path / "backups/data-2020-01-01.sql"
    old.write_text("RESET ALL;\n")
    os.utime(old, (0, 0))
    ran = platform("runbook", "run", "backup-database", "--env", "production", now=_real_now())
    assert ran.code == 0, ran.out + ran.err
    assert [call.split(" --file")[0] for call in platform.calls("supabase")] == [
        "supabase db dump --linked --role-only",
        "supabase db dump --linked",
        "supabase db dump --linked --data-only --use-copy",
    ]
    day = _real_now()[:10]
    made = {path.name for path in (platform.path / "backups").glob("*.sql")}
    assert {f"data-{day}.sql", f"roles-{day}.sql", f"schema-{day}.sql"} <= made
    assert not {"data-2020-01-01.sql", "part.sql"} & made


def test_a_dump_that_was_cut_off_never_counts_as_a_copy(platform):
    shutil.rmtree(platform.path / "backups")
    stub = platform.programs / "supabase"
    stub.write_text(stub.read_text().replace("RESET ALL;", "-- cut off"))
    ran = platform("runbook", "run", "backup-database", "--env", "production", now=_real_now())
    assert (ran.code, platform.states("backups/own", now=_real_now())[1]) == (1, {"backups/own": "down"})


def test_in_an_outage_workflows_that_write_are_paused_and_run_again_afterwards(platform):
    n8n_ = platform.vendors["n8n"]
    ran = platform("runbook", "run", "supabase-outage", "--env", "production")
    assert (ran.code, n8n_.paused) == (4, {"wf1"}), ran.out + ran.err
    assert platform("runbook", "answer", "RUN-1", "act", "yes").code == 0
    ran = platform("runbook", "resume", "RUN-1")
    assert (ran.code, n8n_.paused) == (0, set()), ran.out + ran.err
    assert n8n_.asked("POST") == [
        "/api/v1/workflows/wf1/deactivate",
        "/api/v1/workflows/wf1/activate",
    ]


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        ("retry", ["/api/v1/executions/3000/retry"]),
        ("disable", ["/api/v1/workflows/wf1/deactivate"]),
        ("nothing", []),
    ],
)
def test_a_failed_workflow_is_retried_disabled_or_left_and_is_always_remembered(platform, action, changed):
    program("curl")
    assert platform("runbook", "run", "n8n-failed-workflow").code == 4
    assert platform("runbook", "answer", "RUN-1", "which", "3000").code == 0
    assert platform("runbook", "resume", "RUN-1").code == 4
    assert platform("runbook", "answer", "RUN-1", "cause", action).code == 0
    ran = platform("runbook", "resume", "RUN-1")
    assert ran.code == 0, ran.out + ran.err
    assert platform.vendors["n8n"].asked("POST") == changed
    items = json.loads(platform("backlog", "list", "-o", "json").out)["items"]
    assert [one["title"] for one in items] == [f"Workflow wf1 failed (execution 3000); {action}"]


def test_no_secret_is_an_argument_of_a_program_where_others_on_the_machine_could_see_it(platform):
    def arguments(node):
        if isinstance(node, dict):
            for name, value in node.items():
                if name in {"argv", "run"} and isinstance(value, list):
                    yield value
                yield from arguments(value)
        elif isinstance(node, list):
            for one in node:
                yield from arguments(one)

    found = [
        argv
        for path in platform.path.glob("*/*.yaml")
        for argv in arguments(yaml.safe_load(path.read_text()))
    ]
    assert len(found) > 40
    assert [argv for argv in found if any("${" in str(word) for word in argv)] == []


def test_maintenance_is_begun_and_ended_around_the_work_and_told(platform):
    told = ("--set", "what=A larger disk", "--set", "select=database", "--set", "lasts=1h")
    # What the run begins by a command of its own is begun by the machine's clock; this is after that.
    now = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    assert platform("runbook", "run", "maintenance", *told, now=now).code == 4
    platform("runbook", "answer", "RUN-1", "planned", "yes", now=now)
    assert platform("runbook", "resume", "RUN-1", now=now).code == 4
    # What is in maintenance is not made.
    assert platform.states("database", "web/home", now=now)[1] == {"web/home": "up"}
    platform("runbook", "answer", "RUN-1", "work", "yes", now=now)
    ran = platform("runbook", "resume", "RUN-1", now=now)
    assert ran.code == 0, ran.out + ran.err
    assert platform.states("database", now=now) == (0, {"database/rest": "up"})
    host = platform.vendors["site"].host
    assert platform.said() == [
        f"Maintenance of {host} begins: A larger disk. It takes 1h at most.",
        f"Maintenance of {host} is over: A larger disk",
    ]


@pytest.mark.parametrize(("cause", "items"), [("noise", 1), ("deployment", 0)])
def test_errors_in_the_logs_are_traced_and_noise_is_remembered(platform, cause, items):
    assert platform("runbook", "run", "log-errors").code == 4
    platform("runbook", "answer", "RUN-1", "cause", cause)
    assert platform("runbook", "resume", "RUN-1").code == 0
    assert len(json.loads(platform("backlog", "list", "-o", "json").out)["items"]) == items


def test_both_channels_are_tried_and_a_person_says_that_the_messages_were_seen(platform):
    assert platform("runbook", "drill", "test-channels").code == 4
    host = platform.vendors["site"].host
    assert platform.said() == [f"A test of the channel for operations of {host}. Nothing is wrong.", "a card"]
    assert platform("runbook", "answer", "RUN-1", "seen", "yes").code == 0
    assert platform("runbook", "resume", "RUN-1").code == 0


# The rest of the workspace


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


# The stand-ins, asked by the vendors' own clients where those are installed. n8n has none.


def test_the_stand_in_for_the_database_speaks_to_the_vendors_own_client(vendors, certificates, monkeypatch):
    from postgrest import APIError, SyncPostgrestClient

    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    headers = {"apikey": ANON_KEY, "Authorization": f"Bearer {ANON_KEY}"}
    with SyncPostgrestClient(f"{vendors['project'].url}/rest/v1", headers=headers) as client:
        assert client.from_(TABLE).select("*").limit(1).execute().data == [{"id": 1, "name": "boats"}]
        for condition, code in ((Condition.DOWN, "PGRST001"), (Condition.FORBIDDEN, "42501")):
            vendors["project"].condition = condition
            with pytest.raises(APIError) as refused:
                # It would try a 503 three times more, and wait longer each time.
                client.from_(TABLE).select("*").limit(1).retry(enabled=False).execute()
            assert refused.value.code == code


SDK = """
import { Vercel } from "@vercel/sdk";
const vercel = new Vercel({bearerToken: process.env.TOKEN, serverURL: process.env.ADDRESS, retryConfig: {strategy: "none"}});
const [projectId, teamId] = process.env.IDS.split(" ");
const calls = {
  deployments: () => vercel.deployments.getDeployments({projectId, teamId, target: "production", limit: 2}),
  alias: () => vercel.aliases.getAlias({idOrAlias: "shop.example.com", projectId, teamId}),
  settings: () => vercel.projects.filterProjectEnvs({idOrName: projectId, teamId}),
};
const found = {};
for (const [name, call] of Object.entries(calls))
  found[name] = await call().catch(error => error.statusCode >= 400 ? {refused: error.statusCode} : {wrong: error.message});
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(
    not os.environ.get("OPSCTL_VERCEL_SDK") or shutil.which("node") is None,
    reason="set OPSCTL_VERCEL_SDK to a folder in which `npm install @vercel/sdk` was run, and install node",
)
def test_the_stand_in_for_vercel_speaks_to_the_vendors_own_client(vendors):
    def asked():
        env = {
            **os.environ,
            "TOKEN": VERCEL_TOKEN,
            "ADDRESS": vendors["vercel"].url,
            "IDS": f"{PROJECT} {TEAM}",
        }
        argv = ["node", "--input-type=module", "--eval", SDK]
        folder = os.environ["OPSCTL_VERCEL_SDK"]
        ran = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(ran.stdout)

    found = asked()
    assert [one["readyState"] for one in found["deployments"]["deployments"]] == ["READY", "READY"]
    assert found["alias"]["deploymentId"] == "dpl_3"
    assert found["settings"]["envs"][0]["key"] == "NEXT_PUBLIC_SUPABASE_URL"
    refusals = {Condition.UNAUTHORISED: 401, Condition.FORBIDDEN: 403, Condition.RATE_LIMITED: 429}
    for condition, status in refusals.items():
        vendors["vercel"].condition = condition
        assert asked() == {name: {"refused": status} for name in found}
