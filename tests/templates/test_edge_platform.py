"""The template `edge-platform` against stand-ins of its vendors: what each check says of each condition, and what follows."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates.unhurried import unhurried
from templates.vendors_edge import (
    ACCOUNT,
    CLOUDFLARE_TOKEN,
    DATABASE,
    LOGS_TOKEN,
    PROJECT,
    RECORD,
    ROUTING_KEY,
    TABLE,
    TEAM,
    VERCEL_TOKEN,
    WORKER,
    ZONE,
    Cloudflare,
    Condition,
    Messages,
    Platform,
    StatusPage,
    Vercel,
    answer,
    programs,
)

from opsctl import templating, trust

TEMPLATES = Path(templating.__file__).with_name("templates")
# A Friday, before the freeze of the afternoon.
NOW = "2026-11-20T12:00:00Z"
SECRETS = {
    "CLOUDFLARE_API_TOKEN": CLOUDFLARE_TOKEN,
    "VERCEL_TOKEN": VERCEL_TOKEN,
    "LOGS_TOKEN": LOGS_TOKEN,
    "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_BASIC": "QUMxOnRva2Vu",
    "TWILIO_MESSAGING_SERVICE_SID": "MG1",
    "ONCALL_PHONE": "15550100",
}
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


class Edge:
    """The template's workspace, filled in for the servers that the tests run beside it."""

    def __init__(self, opsctl, folder, ca, tls):
        self.opsctl, self.path = opsctl, opsctl.path / "ops"
        self.cloudflare, self.vercel, self.messages = Cloudflare(), Vercel(), Messages()
        self.vercel_status, self.cloudflare_status = StatusPage(), StatusPage()
        self.platform = Platform(tls)
        self.vendors = (
            self.cloudflare, self.vercel, self.messages, self.vercel_status, self.cloudflare_status, self.platform,
        )  # fmt: skip
        self.programs = programs(folder / "programs", self.cloudflare, ca)
        self.env = {
            **SECRETS,
            "SLACK_WEBHOOK_URL": f"{self.messages.url}/services/T1/B1/secret",
            "PREVIEW_URL": f"{self.platform.url}/",
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
        }
        self.values = {
            "app_host": "localhost", "app_text": "Welcome to the shop", "api_host": "127.0.0.1", "standby_host": "127.0.0.1", "status_host": "127.0.0.1",
            "logs_host": "127.0.0.1", "https_port": str(self.platform.port), "latency_target": "1h",
            "operations_lead": "alice", "system_administrator": "bob", "database_administrator": "carol",
            "reliability_engineer": "dave", "critical_mail": "oncall@example.com", "vercel_project": PROJECT,
            "vercel_team": TEAM, "vercel_name": "shop", "cloudflare_account": ACCOUNT, "cloudflare_zone": ZONE,
            "dns_record": RECORD, "worker": WORKER, "d1_name": "shop", "d1_database": DATABASE, "d1_table": TABLE,
            "vercel_api": self.vercel.url, "cloudflare_api": self.cloudflare.url, "vercel_status": self.vercel_status.url,
            "cloudflare_status": self.cloudflare_status.url, "pagerduty_api": self.messages.url,
            "twilio_api": self.messages.url,
        }  # fmt: skip
        given = [part for name, value in self.values.items() for part in ("--set", f"{name}={value}")]
        made = opsctl("init", "ops", "--template", "edge-platform", "--name", "Shop", *given)
        assert made.code == 0, made.err
        unhurried(self.path)
        self.fresh(
            "backups/d1-20261120T020000Z.sql", "insert into users values (1);\n" * 50, "2026-11-20T02:00:00Z"
        )
        self.fresh("scans/npm-audit.json", '{"vulnerabilities": {}}', "2026-11-15T03:00:00Z")

    def fresh(self, name, text, at):
        """A file that was last written at a time."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        when = datetime.fromisoformat(at).timestamp()
        os.utime(path, (when, when))

    def __call__(self, *arguments, who="bob", now=NOW, **env):
        (self.programs / "now").write_text(now)
        return self.opsctl(
            arguments[0],
            *arguments[1:],
            "-C",
            str(self.path),
            env={**self.env, "OPSCTL_ACTOR": who, **env},
            now=now,
        )

    def set(self, condition, *vendors):
        for vendor in vendors or self.vendors:
            vendor.condition = condition

    def states(self, *selectors, now=NOW, **env):
        """The exit code of `opsctl check`, and the state of every check."""
        ran = self("check", *selectors, "--no-record", "-o", "json", now=now, **env)
        return ran.code, {one["check"]: one["state"] for one in json.loads(ran.out)["checks"]}

    def verdicts(self, checklist, *arguments, now=NOW, subject="v1.4.2", **env):
        """The exit code of the gate, and the verdict of every item."""
        ran = self("gate", checklist, "--subject", subject, "-o", "json", *arguments, now=now, **env)
        return ran.code, {one["id"]: one["verdict"] for one in json.loads(ran.out)["items"]}

    def sign(self, checklist, *items, who, subject="v1.4.2", now=NOW):
        for item in items:
            ran = self(
                "checklist",
                "sign",
                checklist,
                item,
                "--subject",
                subject,
                "--evidence",
                "seen",
                who=who,
                now=now,
            )
            assert ran.code == 0, ran.err

    def go(self, *arguments, answers=(), now=NOW, code=0, who="bob"):
        """Run a runbook to its end, with an answer for each step that it waits at in turn; the name of the run."""
        ran = self("runbook", *arguments, now=now, who=who)
        name = self.last_run()["run"]
        for step, said in answers:
            assert ran.code == 4, f"{step}: {ran.out}{ran.err}"
            words = ("approve", name, step) if said is None else ("answer", name, step, said)
            done = self("runbook", *words, now=now, who="alice" if said is None else who)
            assert done.code == 0, done.err
            ran = self("runbook", "resume", name, now=now, who=who)
        assert ran.code == code, ran.out + ran.err
        return name

    def last_run(self):
        found = json.loads(self("runbook", "runs", "--all", "-o", "json").out)["runs"]
        return max(found, key=lambda one: int(one["run"].partition("-")[2]))

    def close(self):
        for vendor in self.vendors:
            vendor.close()
        assert [fault for vendor in self.vendors for fault in vendor.faults] == []


@pytest.fixture
def edge(opsctl, certificates, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.certificate, certificates.good.key)
    made = Edge(opsctl, tmp_path_factory.mktemp("edge"), certificates.ca, context)
    yield made
    made.close()
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()


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


# Gates.


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


# Runbooks.


REHEARSALS = {
    "critical-outage": (
        (),
        (
            "would acknowledge, did look, did providers, would call, ask roles, ask page, ask way, did rollback, did failover, "
            "did restore, did wait, ask mitigated, did green, would tell, ask after"
        ),
    ),
    "failover": (
        (),
        (
            "did standby, did before, ask decide, would switch, did served, would tell, did deployment, ask well, would return, "
            "did home"
        ),
    ),
    "vercel-rollback": (
        (),
        "did deployments, ask decide, would promote, did green, would tell, would notify, ask fix",
    ),
    "cloudflare-outage": (
        (),
        (
            "did status, did ours, ask ticket, would tell, ask page, ask way, would bypass, did served, ask over, did green, "
            "would proxy, did behind, ask close"
        ),
    ),
    "auto-recovery": ((), "did live, would call, would redeploy, did green, would tell"),
    "escalate": (("severity=sev1", "service=api", "say=It is slow"), "would tell, did users"),
    "d1-export": ((), "would folder, would export, would keep, would prune"),
    "d1-export-restore": (
        ("mode=restore", "moment=2026-11-20T09:00:00Z"),
        (
            "would moment, did live, would export, did newest, would scratch, would load, would count, would compare, "
            "would remove, would bookmark, ask writers, would restore, did answers, ask usable, did green"
        ),
    ),
    "security-incident": (
        (),
        (
            "would acknowledge, did threats, did level, ask way, would contain, ask revoke, ask offline, would evidence, "
            "ask logs, ask rotate, did access, would call, ask duty, would tell, ask review"
        ),
    ),
    "vulnerability-scan": ((), "would folder, would scan, did findings"),
    "vulnerability-patch": (
        ("item=OPS-1", "change=v2"),
        "did item, ask triage, ask due, ask patched, ask gate, did healthy, would scan, ask gone, did close",
    ),
    "maintenance-window": (
        ("work=New index", "starts=2026-11-25T20:00Z"),
        (
            "ask notice, ask way-back, did calm, would export, would mute, would start, ask page, ask work, would unmute, "
            "did verify, ask finish, would told, ask deviation, did time"
        ),
    ),
}


@pytest.mark.parametrize("runbook", REHEARSALS)
def test_a_dry_run_reads_what_is_and_changes_nothing(edge, runbook):
    assert edge("backlog", "add", "CVE-2026-1", "--tag", "vulnerability").code == 0
    given, steps = REHEARSALS[runbook]
    ran = edge("runbook", "run", runbook, "--dry-run", *(part for one in given for part in ("--set", one)))
    lines = [line.split("\t") for line in ran.out.splitlines() if not line.startswith("\t")]
    assert (ran.code, ran.err) == (0, "")
    assert ", ".join(f"{verb} {step}" for verb, step, *_ in lines) == steps
    assert [words for verb, _, words in lines if verb == "did" and not words.startswith("ok: ")] == []
    assert [change for vendor in edge.vendors for change in vendor.changes()] == []
    assert (edge.programs / "mail.log").exists() is False


def test_every_runbook_has_a_dry_run_here_an_owner_and_a_time_for_its_drill(edge):
    listed = json.loads(edge("runbook", "list", "-o", "json").out)["runbooks"]
    assert sorted(one["runbook"] for one in listed) == sorted(REHEARSALS)
    assert edge("check", "standby").code == 0
    told = edge("runbook", "lint").out
    assert "owner" not in told
    assert "drill_every" not in told


@pytest.fixture
def hasty(monkeypatch):
    """A step that waits for a check looks once."""
    monkeypatch.setattr("opsctl.steps.check._PAUSE", 10**6)


TELL_NOBODY = ("--set", "tell=nobody")


def test_a_rollback_moves_production_to_the_deployment_before(edge):
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes"), ("fix", "yes")])
    assert edge.vercel.changes() == [("POST", f"/v1/projects/{PROJECT}/rollback/dpl_before", "")]
    assert edge.vercel.live == "dpl_before"


def test_a_rollback_that_does_not_help_stops_and_goes_on_once_it_does(edge, hasty):
    edge.platform.broken = {"/"}
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes")], code=1)
    assert (edge.last_run()["state"], edge.vercel.live) == ("failed", "dpl_before")
    edge.platform.broken = set()
    assert edge("runbook", "resume", "RUN-1").code == 4
    edge("runbook", "answer", "RUN-1", "fix", "yes")
    assert edge("runbook", "resume", "RUN-1").code == 0
    assert len(edge.vercel.changes()) == 1


def test_a_rollback_that_the_vendor_does_not_carry_out_is_no_rollback(edge, monkeypatch):
    page = edge.path / "bin/json_is.py"
    page.write_text(page.read_text().replace("PAUSE = 2.0", "PAUSE = 1e6"))
    monkeypatch.setattr(Vercel, "_change", lambda _self, _asked: answer(201, {}))
    edge.go("run", "vercel-rollback", *TELL_NOBODY, answers=[("decide", "yes")], code=1)
    assert "targets.production.id should be dpl_before, found dpl_live" in str(edge.last_run()["steps"])


def test_a_failover_sends_users_to_the_standby_and_back(edge):
    edge.go("drill", "failover", answers=[("decide", "yes"), ("well", "yes")])
    record = f"/zones/{ZONE}/dns_records/{RECORD}"
    assert edge.cloudflare.changes() == [
        ("PATCH", record, {"content": "127.0.0.1"}), ("PATCH", record, {"content": "cname.vercel-dns.com"}),
    ]  # fmt: skip


def test_a_failover_to_a_standby_that_does_not_serve_is_taken_back_by_itself(edge, hasty, monkeypatch):
    ran = edge("runbook", "run", "failover")
    assert ran.code == 4
    edge.platform.broken = {"/"}
    edge("runbook", "answer", "RUN-1", "decide", "yes")
    assert edge("runbook", "resume", "RUN-1").code == 1
    assert edge.last_run()["state"] == "recovered"
    assert edge.cloudflare.record["content"] == "cname.vercel-dns.com"
    assert [body for _, _, body in edge.cloudflare.changes()] == [
        {"content": "127.0.0.1"}, {"content": "cname.vercel-dns.com"},
    ]  # fmt: skip


def test_nobody_is_sent_to_a_standby_that_is_down(edge, hasty):
    edge.platform.broken = {"/"}
    assert edge("runbook", "run", "failover").code == 1
    assert edge.cloudflare.changes() == []


def test_going_around_the_proxy_needs_the_lead_and_ends_behind_it_again(edge):
    answers = [
        ("ticket", "CF-123"),
        ("page", "yes"),
        ("way", "bypass"),
        ("bypass", None),
        ("over", "yes"),
        ("close", "yes"),
    ]
    edge.go("drill", "cloudflare-outage", answers=answers)
    assert [body for _, _, body in edge.cloudflare.changes()] == [{"proxied": False}, {"proxied": True}]


def test_an_export_is_read_back_before_it_counts(edge):
    edge.go("run", "d1-export", who="carol")
    newest = max((edge.path / "backups").glob("d1-*.sql"), key=lambda path: path.stat().st_mtime)
    assert newest.read_text().splitlines()[:2] == [
        f"CREATE TABLE {TABLE} (id integer);",
        f"INSERT INTO {TABLE} VALUES (0);",
    ]
    assert edge.states("database/export")[1] == {"database/export": "up"}


def test_an_export_without_rows_fails_and_takes_no_place(edge):
    edge.cloudflare.databases[DATABASE][1].execute(f"delete from {TABLE}")
    before = sorted((edge.path / "backups").glob("d1-*.sql"))
    edge.go("run", "d1-export", who="carol", code=1)
    assert sorted((edge.path / "backups").glob("d1-*.sql")) == before


def test_no_more_than_14_exports_are_kept(edge):
    for day in range(1, 20):
        edge.fresh(f"backups/d1-202510{day:02}T020000Z.sql", "x", f"2025-10-{day:02}T02:00:00Z")
    edge.go("run", "d1-export", who="carol")
    kept = sorted(path.name for path in (edge.path / "backups").glob("d1-*.sql"))
    assert len(kept) == 14
    assert kept[0] == "d1-20251008T020000Z.sql"


def test_a_restore_is_drilled_in_a_scratch_database_which_is_gone_afterwards(edge):
    edge.go("drill", "d1-export-restore", who="carol")
    databases = f"/accounts/{ACCOUNT}/d1/database"
    assert edge.cloudflare.changes() == [
        ("POST", databases, {"name": "restore-drill"}), ("DELETE", f"{databases}/scratch-1", ""),
    ]  # fmt: skip
    assert list(edge.cloudflare.databases) == [DATABASE]


def test_a_restore_that_lacks_rows_fails_and_leaves_no_scratch_database(edge, monkeypatch):
    shim = edge.programs / "wrangler"
    shim.write_text(
        shim.read_text().replace(
            '"sql": open(rest[rest.index("--file") + 1]).read()',
            f'"sql": "create table {TABLE} (id integer)"',
        )
    )
    edge.go("drill", "d1-export-restore", who="carol", code=1)
    assert edge.last_run()["state"] == "recovered"
    assert list(edge.cloudflare.databases) == [DATABASE]


def test_the_live_database_goes_back_in_time_only_with_the_lead(edge):
    moment = ("--set", "mode=restore", "--set", "moment=2026-11-20T09:00:00Z")
    edge.go(
        "run",
        "d1-export-restore",
        *moment,
        who="carol",
        answers=[("writers", "yes"), ("restore", None), ("usable", "yes")],
    )
    assert list(edge.cloudflare.databases) == [DATABASE]
    edge.go("run", "d1-export-restore", "--set", "mode=restore", who="carol", code=1)


def test_a_security_incident_is_contained_and_its_evidence_kept(edge):
    answers = [
        ("way", "under-attack-mode"),
        ("logs", "yes"),
        ("rotate", "yes"),
        ("duty", "yes"),
        ("review", "yes"),
    ]
    edge.go("drill", "security-incident", *TELL_NOBODY, answers=answers)
    assert edge.cloudflare.level == "under_attack"
    kept = sorted(path.name.partition("-")[0] for path in (edge.path / "evidence").iterdir())
    assert kept == ["history", "log"]


def test_a_vulnerability_is_patched(edge):
    assert edge("backlog", "add", "CVE-2026-1", "--tag", "vulnerability", "--due", "in 30d").code == 0
    answers = [("triage", "high"), ("due", "yes"), ("patched", "yes"), ("gate", "yes"), ("gone", "yes")]
    edge.go("run", "vulnerability-patch", "--set", "item=OPS-1", "--set", "change=v2", answers=answers)
    assert (edge.programs / "npm.log").read_text() == "audit --prefix ../app --omit=dev --json\n"


def test_maintenance_is_announced_begun_and_ended_and_nothing_is_promised_of_it(edge):
    given = ("--set", "work=New index", "--set", "starts=2026-11-25T20:00Z", "--set", "select=app")
    answers = [("notice", "yes"), ("way-back", "yes")]
    edge.go("run", "maintenance-window", *given, answers=answers, code=4)
    # What is in maintenance is not looked at.
    assert edge.states("app", "api/health") == (0, {"api/health": "up"})
    for step, said in (("page", "yes"), ("work", "yes"), ("finish", "yes"), ("deviation", "nothing")):
        assert edge("runbook", "answer", "RUN-1", step, said).code == 0
        ran = edge("runbook", "resume", "RUN-1")
    assert ran.code == 0
    assert edge.states("app")[1] == {"app/home": "up", "app/certificate": "up"}
    assert [body for _, _, body in edge.messages.changes()] == [
        {"text": "sev4 app: Maintenance begins - New index"}, {"text": "sev4 app: Maintenance is over - New index"},
    ]  # fmt: skip


def test_a_critical_outage_goes_from_the_alarm_to_the_review(edge):
    assert edge("incident", "open", "API down", "-s", "api", "--severity", "sev1").code == 0
    answers = [("roles", "yes"), ("page", "yes"), ("way", "failover"), ("mitigated", "yes"), ("after", "yes")]
    edge.go("run", "critical-outage", "--incident", "INC-1", answers=answers)
    incident = json.loads(edge("incident", "show", "INC-1", "-o", "json").out)
    found = incident.get("incident", incident)
    assert (found if isinstance(found, dict) else incident)["state"] == "mitigated"
    assert sorted(path for _, path, _ in edge.messages.changes()) == [
        "/2010-04-01/Accounts/AC1/Messages.json", "/services/T1/B1/secret", "/v2/enqueue",
    ]  # fmt: skip


# Who hears of what.


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


# Routines.


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
        edge("check", now=f"2026-11-20T11:{minute:02}:00Z")
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


# The programs that checks and runbooks run.


def program(name):
    path = TEMPLATES / "edge-platform/bin" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIGURES, PREVIEW, JSON_IS = program("cloudflare_figures"), program("preview_latency"), program("json_is")
counts = st.integers(0, 10**9)
groups = st.lists(
    st.tuples(
        st.sampled_from(["success", "scriptThrewException", "exceededResources"]),
        counts,
        counts,
        st.floats(0, 10**8),
    )
)


@given(groups)
def test_the_share_of_errors_is_of_all_requests_and_of_nothing_where_there_are_none(found):
    told = [
        {
            "sum": {"requests": n, "errors": bad},
            "quantiles": {"cpuTimeP99": cpu},
            "dimensions": {"status": status},
        }
        for status, n, bad, cpu in found
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FIGURES, "invocations", lambda *_arguments: told)
        figures = FIGURES.worker("api", "account", "worker")
    requests = sum(n for _, n, _, _ in found)
    assert figures["requests"] == requests
    if not requests:
        assert set(figures) == {"requests", "requests_per_second", "unknown"}
        return
    assert figures["error_percent"] == round(100 * sum(bad for _, _, bad, _ in found) / requests, 4)
    assert figures["exceeded_resources"] == sum(
        n for status, n, _, _ in found if status == "exceededResources"
    )
    assert figures["cpu_p99_ms"] == max(cpu for *_, cpu in found) / 1000


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_was_seen_and_is_the_least_that_so_many_are_below(values, share):
    found = PREVIEW.percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values)
    assert sum(one < found for one in values) < share * len(values)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"data": None, "errors": [{"message": "no"}]}, "the API answered with errors"),
        (
            {"data": {"viewer": {"accounts": [{}]}}},
            "the answer has another form: KeyError('workersInvocationsAdaptive')",
        ),
        ([], "the API answered with errors"),
    ],
)
def test_an_answer_of_another_form_is_unknown(edge, capsys, monkeypatch, body, told):
    monkeypatch.setattr(edge.cloudflare, "speak", lambda _asked: answer(200, body))
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", CLOUDFLARE_TOKEN)
    FIGURES.main(["worker", edge.cloudflare.url, ACCOUNT, WORKER])
    assert json.loads(capsys.readouterr().out) == {"unknown": told}


@pytest.mark.parametrize(
    ("path", "wanted", "code", "said"),
    [
        ("result.content", "cname.vercel-dns.com", 0, "result.content is cname.vercel-dns.com\n"),
        ("result.proxied", "true", 0, "result.proxied is true\n"),
        ("result.content", "x", 1, "result.content should be x, found cname.vercel-dns.com\n"),
        ("result.none", "x", 1, "result.none should be x, found nothing: 'none'\n"),
        ("errors.0", "x", 1, "errors.0 should be x, found nothing: list index out of range\n"),
    ],
)
def test_what_was_changed_is_verified_where_it_was_changed(
    edge, capsys, monkeypatch, path, wanted, code, said
):
    monkeypatch.setenv("TOKEN", CLOUDFLARE_TOKEN)
    assert JSON_IS.main(f"{edge.cloudflare.url}/zones/{ZONE}/dns_records/{RECORD}", path, wanted) == code
    out = capsys.readouterr()
    assert out.out + out.err == said


def test_a_refusal_verifies_nothing(edge, capsys, monkeypatch):
    monkeypatch.setenv("TOKEN", "another")
    url = f"{edge.cloudflare.url}/zones/{ZONE}/dns_records/{RECORD}"
    assert JSON_IS.main(url, "result.content", "cname.vercel-dns.com") == 1
    assert capsys.readouterr().err == (
        "result.content should be cname.vercel-dns.com, found nothing: HTTP Error 401: Unauthorized\n"
    )
