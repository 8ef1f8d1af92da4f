"""The template `aws-platform` against programs and servers that answer as AWS, GitHub, Docker and the rest do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates import vendors_aws as vendors
from templates.unhurried import unhurried

import opsctl.templating
from opsctl import trust
from opsctl.workspace import load_workspace

# A Thursday on which no freeze is on.
NOW = "2026-11-19T12:00:00Z"
LATER = "2026-11-19T12:30:00Z"
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


# What `bin/ask` is asked, and the words that its answers may hold.
READERS = {
    "alarms": ("a",), "metric": ("a", "b", "Sum", "1"), "errors": ("a", "1"), "snapshots": ("a",), "dump": ("a", "b"),
    "stored": ("a", "b"), "findings": (), "settings": ("/a", "/b"), "account": (), "deployed": ("a", "b", "c"), "patched": ("a",),
    "containers": ("a",),
}  # fmt: skip
WORDS = (
    "MetricAlarms", "CompositeAlarms", "AlarmName", "StateValue", "MetricDataResults", "Id", "StatusCode", "Timestamps",
    "Values", "DBSnapshots", "Status", "SnapshotCreateTime", "DBSnapshotIdentifier", "Contents", "Key", "LastModified",
    "Size", "ContentLength", "findings", "severity", "firstObservedAt", "Parameters", "Name", "SummaryMap", "services",
    "deployments", "taskDefinition", "Commands", "State", "Health",
)  # fmt: skip


class Shop:
    """The template's workspace, filled in for all that the tests run beside it."""

    def __init__(self, opsctl, folder):
        self.opsctl, self.path = opsctl, opsctl.path
        self.world = vendors.World(folder)
        self.conditions = dict.fromkeys(("github", "site", "outside", "pagerduty", "slack"), "up")
        self.dispatched = []
        self.env = {}

    def __call__(self, *arguments, who="alice", now=NOW):
        return self.opsctl(*arguments, env={**self.env, "OPSCTL_ACTOR": who}, now=now)

    def all_are(self, condition):
        self.world.all_are(condition)
        self.conditions = dict.fromkeys(self.conditions, condition)

    def vendors_are(self, condition):
        self.all_are(condition)
        self.conditions["site"] = "up"

    def dispatch(self, said):
        """What GitHub does with a deployment: the image runs, as a revision of its own."""
        self.dispatched.append(said)
        cluster = f"shop-{said['inputs']['environment']}"
        images = {**self.world.read()["images"], cluster: {"revision": 12, "image": said["ref"]}}
        self.world.change(images=images)

    def seen(self, *selectors):
        """What `opsctl check` sees of each check now; nothing of it is kept."""
        ran = self("check", *selectors, "--no-record", "-o", "json")
        return {one["check"]: one["seen"] for one in json.loads(ran.out)["checks"]}

    def bad(self, *selectors):
        return {name: state for name, state in self.seen(*selectors).items() if state != "up"}

    def message(self, check):
        ran = self("check", check, "--no-record", "-o", "json")
        return json.loads(ran.out)["checks"][0]["message"]

    def gate(self, name, *arguments, subject="v1.4.2", now=NOW):
        """The exit code, and every item that is not passed."""
        ran = self("gate", name, "--subject", subject, "-o", "json", *arguments, now=now)
        items = json.loads(ran.out)["items"]
        return ran.code, {one["id"]: one["verdict"] for one in items if one["verdict"] != "pass"}

    def sign(self, checklist, item, *, who, subject="v1.4.2", now=NOW):
        words = ["checklist", "sign", checklist, item, "--subject", subject, "--evidence", "seen"]
        ran = self(*words, who=who, now=now)
        assert ran.code == 0, ran.err

    def go(self, *words, answers=(), now=NOW, who="alice", code=0):
        """Run a runbook to its end, with an answer for each step at which it waits; its record."""
        ran = self("runbook", *words, now=now, who=who)
        for step, said in answers:
            run = self.last_run()
            assert (ran.code, run["steps"][-1]["step"]) == (4, step), ran.out + ran.err
            if said == "approve":
                done = self("runbook", "approve", run["run"], step, who="bob", now=now)
            else:
                done = self("runbook", "answer", run["run"], step, said, now=now, who=who)
            assert done.code == 0, done.err
            ran = self("runbook", "resume", run["run"], now=now, who=who)
        assert ran.code == code, ran.out + ran.err
        return self.last_run()

    def last_run(self):
        found = json.loads(self("runbook", "runs", "--all", "-o", "json").out)["runs"]
        return max(found, key=lambda one: one["number"])

    def rehearsed(self, *words):
        """The exit code of a dry run, and how each step that reads went; what changes has nothing to tell."""
        ran = self("runbook", "run", *words, "--dry-run", "-o", "json")
        steps = json.loads(ran.out)["steps"]
        return ran.code, {one["step"]: one.get("outcome") for one in steps}


@pytest.fixture
def shop(opsctl, tmp_path_factory, certificates, web_tls, monkeypatch):
    made = Shop(opsctl, tmp_path_factory.mktemp("aws"))
    known = made.conditions
    github = vendors.server(lambda asked: vendors.github(asked, made.conditions["github"], made.dispatch))
    messages = vendors.server(
        lambda asked: (
            vendors.pagerduty(asked, made.conditions["pagerduty"])
            if asked.path == "/v2/enqueue"
            else vendors.slack(asked, made.conditions["slack"])
        )
    )
    tls = web_tls("good")
    tls.next = lambda asked: vendors.site(asked, made.conditions["site"], made.conditions["outside"])
    made.messages, made.github = messages, github
    host, port = "127.0.0.1", tls.port
    values = {
        "domain": host, "staging_domain": host, "development_domain": host, "port": port, "uptime_host": f"{host}:{port}",
        "application": "shop", "search_term": "chair", "sample": "1001", "region": vendors.REGION,
        "recovery_region": vendors.RECOVERY, "aws_profile": vendors.PROFILE, "load_balancer": vendors.BALANCER,
        "database": "shop", "bucket": "shop-uploads", "sample_object": "images/sample.jpg", "backup_bucket": "shop-backups",
        "topic": f"arn:aws:sns:{vendors.REGION}:{vendors.ACCOUNT}:ops", "repository": vendors.REPOSITORY,
        "github_api": github.url, "pagerduty_events": messages.url, "operations_lead": "alice", "platform_lead": "bob",
        "development_lead": "carol", "auditor": "dave",
    }  # fmt: skip
    here = Path(sys.executable).parent
    made.env = {
        "PATH": os.pathsep.join([str(made.world.folder), str(here), os.environ["PATH"]]),
        "AWS_ACCESS_KEY_ID": vendors.KEY, "AWS_SECRET_ACCESS_KEY": vendors.SECRET_KEY, "GITHUB_TOKEN": vendors.GITHUB_TOKEN,
        "SLACK_WEBHOOK_URL": f"{messages.url}/services/T0/B0/secret-of-slack", "PAGERDUTY_ROUTING_KEY": vendors.ROUTING_KEY,
    }  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    forget_trust()
    said = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    ran = made("init", "--template", "aws-platform", "--name", "Shop", *said)
    assert ran.code == 0, ran.err
    for folder in ("cdk", "terraform", "ansible"):
        (made.path / "infrastructure" / folder).mkdir(parents=True)
    committed(made.path)
    unhurried(made.path)
    assert set(known) == set(made.conditions)
    yield made
    github.close()
    messages.close()
    forget_trust()


def committed(folder):
    """The workspace is a repository; the version to deploy is a commit of somebody who signs nothing."""
    who = ("-c", "user.name=erin", "-c", "user.email=erin@example.com")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "All of it"), ("tag", "v1.4.2")):
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def forget_trust():
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()


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
    for secret in (vendors.SECRET_KEY, vendors.GITHUB_TOKEN, vendors.ROUTING_KEY, "secret-of-slack"):
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


# ---- what `bin/ask` makes of answers


ASK = runpy.run_path(
    str(Path(opsctl.templating.__file__).parent / "templates/aws-platform/bin/ask"), run_name="ask"
)
STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA", "missing"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


def asked(answer, *argv):
    """The exit code and the line of `bin/ask` where AWS answers so."""
    out = io.StringIO()
    ran = subprocess.CompletedProcess((), 0, json.dumps(answer), "")
    with (
        mock.patch.dict(ASK["main"].__globals__, {"tool": lambda *_, **__: ran}),
        contextlib.redirect_stdout(out),
    ):
        code = ASK["main"](list(argv))
    return code, out.getvalue()


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), STATES, min_size=1))
def test_the_worst_of_alarms_counts_and_what_is_not_shown_is_never_well(states):
    there = [{"AlarmName": name, "StateValue": state} for name, state in states.items() if state != "missing"]
    code, line = asked({"MetricAlarms": there[:2], "CompositeAlarms": there[2:]}, "alarms", *states)
    wanted = 2 if "ALARM" in states.values() else 0 if set(states.values()) == {"OK"} else 3
    assert code == wanted, line


@given(st.integers(0, 2_000_000_000))
def test_a_time_is_the_same_as_a_number_and_as_a_text(seconds):
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert {ASK["moment"](one) for one in (seconds, f"{text}Z", f"{text}.123Z", f"{text}+00:00")} == {
        float(seconds)
    }


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0, 1e12))
def test_the_share_that_failed_is_of_all_requests(requests, target, balancer):
    values = [[requests], [target], [balancer], []]
    found = [
        {"Id": f"m{number}", "StatusCode": "Complete", "Timestamps": [0] * len(one), "Values": one}
        for number, one in enumerate(values)
    ]
    code, line = asked({"MetricDataResults": found}, "errors", "a", "1")
    percent = float(line.rsplit("percent=", 1)[1])
    assert code == 0
    total = requests + balancer
    assert percent == pytest.approx(100 * (target + balancer) / total if total else 100 * (target + balancer))


@given(JSON, st.sampled_from(sorted(READERS)))
def test_whatever_aws_answers_there_is_one_line_and_a_state(answer, name):
    code, line = asked(answer, name, *READERS[name])
    assert code in {0, 1, 2, 3}
    assert line.startswith(("OK: ", "WARNING: ", "CRITICAL: ", "UNKNOWN: ")[code])
    assert line.count("\n") == 1
    if not isinstance(answer, dict) or not answer:
        assert code in {2, 3}, line


@pytest.mark.parametrize(("version", "code"), [("v1.4.1", 0), ("v1.4.2", 1)])
def test_a_version_is_deployed_once_its_image_runs(shop, version, code):
    words = ["python3", "bin/ask", "--profile", vendors.PROFILE, "--region", vendors.REGION, "deployed"]
    ran = subprocess.run(
        [*words, "shop-staging", "shop-api", version],
        cwd=shop.path,
        env=shop.env,
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (code, b"")


@pytest.mark.parametrize(
    ("status", "code"),
    [("Success", 0), ("Pending", 1), ("InProgress", 1), ("Failed", 2), ("TimedOut", 2), ("Cancelled", 2)],
)
def test_patches_are_in_once_the_command_has_ended_well(status, code):
    assert asked({"Commands": [{"CommandId": "a", "Status": status}]}, "patched", "a")[0] == code


# ---- the gate, and what opens it


def test_a_new_workspace_may_not_deploy_to_production_and_is_told_why(shop):
    assert shop("check").code == 0
    assert shop.gate("pre-deploy", "--env", "production") == (
        1,
        {
            "reviewed": "pending",
            "staged": "fail",
            "rollback": "fail",
            "coordinated": "pending",
            "verified": "fail",
        },
    )


def test_the_gate_opens_once_everything_it_asks_for_was_shown(shop):
    assert shop("check").code == 0
    staging = ("--env", "staging", "--set", "target=staging")
    back = shop.go(
        "drill", "rollback", *staging, "--set", "revision=shop-api:11", answers=[("decide", "yes")]
    )
    assert back["state"] == "done"
    assert shop.world.read()["images"] == {"shop-staging": {"revision": 11, "image": "v1.4.1"}}
    shop.sign("pre-deploy", "reviewed", who="carol")
    assert shop.gate("pre-deploy", "--env", "staging")[0] == 0
    version = ("--set", "version=v1.4.2", "--set", "previous=v1.4.1")
    waiting = shop.go("run", "deploy", *staging, *version, code=1)
    assert (waiting["state"], waiting["steps"][-1]["step"]) == ("failed", "validate")
    shop.sign("post-deploy", "walked", who="alice")
    assert shop("runbook", "resume", waiting["run"]).code == 0
    assert shop.dispatched == [{"ref": "v1.4.2", "inputs": {"environment": "staging"}}]
    assert shop.go("run", "backup-verify", "--env", "production")["state"] == "done"
    shop.sign("pre-deploy", "coordinated", who="alice")
    assert shop.gate("pre-deploy", "--env", "production") == (0, {})
    waiting = shop.go("run", "deploy", "--env", "production", "--set", "target=production", *version, code=0)
    assert waiting["state"] == "done"
    assert shop.dispatched[-1] == {"ref": "v1.4.2", "inputs": {"environment": "production"}}


def opened(shop):
    """A workspace whose gate is open for production."""
    for name in ("staged", "rollback", "verified"):
        ran = shop(
            "checklist",
            "waive",
            "pre-deploy",
            name,
            "--reason",
            "tested",
            "--owner",
            "bob",
            "--expires",
            "1d",
        )
        assert ran.code == 0, ran.err
    shop.sign("pre-deploy", "reviewed", who="carol")
    shop.sign("pre-deploy", "coordinated", who="alice")
    assert shop("check").code == 0


# What each condition does to a gate that is open.
CLOSED_BY = {
    "degraded": (1, {"settings": "fail", "tests": "fail", "staging": "fail"}),
    "down": (1, {"settings": "fail", "tests": "fail", "staging": "fail", "backup": "fail", "alarms": "fail"}),
    "throttled": (3, dict.fromkeys(("settings", "tests", "backup", "alarms"), "unknown")),
    "unauthorised": (3, dict.fromkeys(("settings", "tests", "backup", "alarms"), "unknown")),
}


def test_the_gate_says_what_each_condition_means_for_a_deployment(shop):
    opened(shop)
    waived = dict.fromkeys(("staged", "rollback", "verified"), "waived")
    assert shop.gate("pre-deploy", "--env", "production") == (0, waived)
    for condition, (code, expected) in CLOSED_BY.items():
        if condition in {"degraded", "down"}:
            shop.all_are(condition)
        else:
            shop.vendors_are(condition)
        found = shop.gate("pre-deploy", "--env", "production")
        assert found == (code, waived | expected), condition


def test_a_freeze_and_an_incident_close_the_gate(shop):
    opened(shop)
    assert shop("incident", "open", "Nobody can sign in", "-s", "api", "--severity", "sev2").code == 0
    assert shop.gate("pre-deploy", "--env", "production")[1]["calm"] == "fail"
    saturday = "2026-11-21T12:00:00Z"
    assert shop.gate("pre-deploy", "--env", "production", now=saturday)[1]["unfrozen"] == "fail"
    assert shop.gate("pre-deploy", "--env", "staging", now=saturday)[1].get("unfrozen") is None


def test_a_deployment_that_makes_production_worse_is_taken_back(shop):
    opened(shop)

    def breaks(said):
        Shop.dispatch(shop, said)
        shop.conditions["site"] = "down" if said["ref"] == "v1.4.2" else "up"

    shop.dispatch = breaks
    text = (shop.path / "runbooks/delivery.yaml").read_text()
    (shop.path / "runbooks/delivery.yaml").write_text(text.replace("within: 10m", "within: 1s"))
    version = ("--set", "version=v1.4.2", "--set", "previous=v1.4.1")
    run = shop.go("run", "deploy", "--env", "production", "--set", "target=production", *version, code=1)
    assert run["state"] == "recovered"
    assert [one["ref"] for one in shop.dispatched] == ["v1.4.2", "v1.4.1"]


def test_post_deploy_asks_for_what_is_seen_and_for_a_walk(shop):
    assert shop.gate("post-deploy", "--env", "production") == (4, {"staging": "n/a", "walked": "pending"})
    shop.sign("post-deploy", "walked", who="alice")
    assert shop.gate("post-deploy", "--env", "production") == (0, {"staging": "n/a"})
    shop.all_are("down")
    found = shop.gate("post-deploy", "--env", "production")
    assert found == (1, {"healthy": "fail", "staging": "n/a", "errors": "fail", "search": "fail"})


# ---- runbooks


SAID = {
    "deploy": ("target=staging", "version=v1.4.2", "previous=v1.4.1"),
    "rollback": ("target=staging", "revision=shop-api:11"),
    "critical-incident": ("service=api",),
    "service-degradation": ("service=search",),
    "alert": ("about=api",),
    "inform": ("message=We are on it",),
    "db-maintenance": ("day=2026-11-22",),
    "database-restore": ("moment=2026-11-19T03:10:00Z",),
}
# How the steps that read go in a dry run, where all is well; those that change or ask are not done.
REHEARSED = {
    "deploy": {"gate": "failed", "development": "ok", "staging": "ok", "production": "ok", "validate": "failed", "done": "ok"},
    "rollback": {"before": "ok", "development": "ok", "staging": "ok", "production": "ok"},
    "critical-incident": {"restore": "ok"},
    "service-degradation": {"validate": "ok"},
    "restart-service": {"well": "ok"},
    "alert": {},
    "inform": {},
    "escalate": {"look": "ok"},
    "db-maintenance": {"before": "ok", "dead-rows": "ok", "after": "ok", "well": "ok", "compared": "ok"},
    "security-patching": {
        "due": "ok", "staging-done": "failed", "staging-well": "ok", "production-done": "failed", "production-well": "ok",
        "recorded": "ok",
    },
    "cleanup": {"unused": "ok", "about": "failed", "kept": "failed", "saved": "ok"},
    "ansible-drift": {"look": "ok", "well": "ok", "recorded": "ok"},
    "infrastructure-drift": {"cdk": "ok", "terraform": "ok", "green": "ok", "recorded": "ok"},
    "backup-verify": {"snapshot": "ok", "newest": "ok", "recorded": "ok"},
    "restore-drill": {"newest": "ok", "rows-here": "ok", "rows-there": "ok", "recorded": "ok"},
    "database-restore": {},
    "dr-drill": {"newest": "ok", "judge": "failed", "recorded": "ok"},
}  # fmt: skip


@pytest.mark.parametrize("runbook", REHEARSED)
def test_a_dry_run_reads_and_changes_nothing(shop, runbook):
    before = shop.world.read()
    said = [word for one in SAID.get(runbook, ()) for word in ("--set", one)]
    _, steps = shop.rehearsed(runbook, *said)
    assert {name: outcome for name, outcome in steps.items() if outcome} == REHEARSED[runbook]
    assert shop.world.read() == before
    assert (shop.dispatched, shop.messages.requests) == ([], [])
    changing = {
        "update-service",
        "delete-volume",
        "create-snapshot",
        "send-command",
        "put-parameter",
        "publish",
    }
    assert not [argv for argv in shop.world.called("aws") if changing.intersection(argv)]


def test_every_runbook_has_its_dry_run(shop):
    assert set(load_workspace(shop.path, {}).runbooks) == set(REHEARSED)


def test_a_damaged_backup_is_found(shop):
    shop.world.change(damaged=True)
    run = shop.go("run", "backup-verify", code=1)
    assert (run["state"], run["steps"][-1]["step"]) == ("failed", "compare")
    assert "the SHA-256 of .opsctl/verify/backup is not as" in json.dumps(run)


def test_a_restore_is_drilled_and_leaves_nothing_behind(shop):
    run = shop.go("drill", "restore-drill", answers=[("compare", "yes")])
    assert (run["state"], shop.world.read()["instances"]) == ("done", {})
    restored = next(one for one in shop.world.called("aws") if "restore-db-instance-from-db-snapshot" in one)
    assert restored[restored.index("--db-snapshot-identifier") + 1].startswith("rds:shop-20")


@pytest.mark.parametrize(("minutes", "state"), [("200", "done"), ("300", "failed")])
def test_a_recovery_in_another_region_is_measured_against_its_targets(shop, minutes, state):
    answers = [("declare", "yes"), ("application", "yes"), ("measure", minutes)]
    run = shop.go("drill", "dr-drill", answers=answers, code=0 if state == "done" else 1)
    assert (run["state"], shop.world.read()["instances"]) == (state, {})
    regions = {one[one.index("--region") + 1] for one in shop.world.called("aws")}
    assert regions == {vendors.RECOVERY}


def test_patches_go_to_staging_first_and_production_needs_an_approval(shop):
    run = shop.go("run", "security-patching", answers=[("production", "approve")])
    assert run["state"] == "done"
    sent = [one[one.index("--targets") + 1] for one in shop.world.called("aws") if "send-command" in one]
    assert sent == ["Key=tag:Environment,Values=staging", "Key=tag:Environment,Values=production"]


def test_the_database_is_cared_for_with_a_way_back_and_figures_from_before_and_after(shop):
    run = shop.go("run", "db-maintenance", "--set", "day=2026-11-22", answers=[("window", "yes")])
    assert run["state"] == "done"
    assert run["values"] == {"before": "0.0004", "after": "0.0004"}
    asked = [one[-1] for one in shop.world.called("psql")]
    assert asked[1:] == ["vacuum (analyze)", "select 1"]


def test_an_unused_volume_is_removed_with_a_way_back(shop):
    answers = [("choose", "vol-0a1b2c3d4e5f"), ("agreed", "yes")]
    run = shop.go("run", "cleanup", answers=answers)
    assert (run["state"], shop.world.read()["volumes"]) == ("done", [])
    assert "100 GiB a month less; snap-0f0e0d0c0b0a is kept" in json.dumps(run)


def test_hosts_that_drifted_are_explained_before_they_are_overwritten(shop):
    shop.world.is_("ansible-playbook", "degraded")
    waiting = shop.go("run", "ansible-drift", answers=[], code=4)
    assert waiting["steps"][-1]["step"] == "explain"
    assert shop("runbook", "answer", waiting["run"], "explain", "by hand, in the outage").code == 0
    assert shop("runbook", "resume", waiting["run"]).code == 4
    shop.world.is_("ansible-playbook", "up")
    assert shop("runbook", "approve", waiting["run"], "apply", who="bob").code == 0
    assert shop("runbook", "resume", waiting["run"]).code == 0
    assert ["--diff", "site.yml"] in shop.world.called("ansible-playbook")


def test_a_critical_incident_goes_its_five_steps(shop):
    assert shop("incident", "open", "Nobody can sign in", "-s", "api", "--severity", "sev1").code == 0
    words = ("run", "critical-incident", "--incident", "INC-1", "--set", "service=api")
    run = shop.go(
        *words, answers=[("contain", "yes"), ("investigate", "A full disk; 300 users for 20 minutes")]
    )
    assert [one["step"] for one in run["steps"]] == ["contain", "tell", "investigate", "restore", "review"]
    shown = shop("incident", "show", "INC-1").out
    assert "mitigated" in shown
    assert "A full disk; 300 users for 20 minutes" in shown


def test_a_degraded_service_goes_its_five_steps_and_its_mending_is_owed(shop):
    assert shop("incident", "open", "The search is slow", "-s", "search", "--severity", "sev3").code == 0
    words = ("run", "service-degradation", "--incident", "INC-1", "--set", "service=search")
    run = shop.go(*words, answers=[("assess", "yes"), ("mitigate", "Fewer results until Friday")])
    assert [one["step"] for one in run["steps"]] == ["assess", "mitigate", "communicate", "fix", "validate"]
    items = json.loads(shop("backlog", "list", "-o", "json").out)["items"]
    assert [(one["title"], one["owner"], one["priority"]) for one in items] == [
        ("Mend search for good", "carol", "high")
    ]


# ---- routines and reports


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
    shop("check")
    for period in ("daily", "weekly", "monthly", "quarterly", "yearly"):
        ran = shop("report", period, "-o", "markdown")
        assert (ran.code, ran.err) == (0, ""), period
        lines = [
            line for line in ran.out.splitlines() if line.startswith(("| web |", "| api |", "| search |"))
        ]
        assert len(lines) >= 3, period
        assert all("99.9%" in line for line in lines[:3]), period


# ---- what the stand-ins answer, against the model of the real service


def test_the_stand_in_of_aws_takes_and_answers_what_botocore_models(monkeypatch):
    session = botocore.session.get_session()
    for (service, operation), (speak, called, allowed) in vendors.OPERATIONS.items():
        if operation in {"wait", "cp"}:
            continue
        model = session.get_service_model(service.replace("s3api", "s3")).operation_model(called)
        known = {
            botocore.xform_name(name, "-")
            for name in (model.input_shape.members if model.input_shape else ())
        }
        assert {name.removeprefix("no-") for name in allowed} <= known, operation
        for condition in vendors.CONDITIONS[:3]:
            if (operation, condition) == ("head-object", "down"):
                continue
            monkeypatch.setattr(sys, "stdin", io.StringIO("a message"))
            world = {
                "alarms": {},
                "images": {},
                "volumes": ["vol-0a1b2c3d4e5f"],
                "instances": {"shop-drill": "a"},
            }
            said = dict(ASKED.get((service, operation), {}))
            told = vendors.Told(world, condition, said, [], vendors.REGION)
            fits(speak(told), model.output_shape, f"{service} {operation}")


ASKED = {
    ("cloudwatch", "describe-alarms"): {"alarm-types": ["MetricAlarm", "CompositeAlarm"], "alarm-names": ["shop-cpu"]},
    ("cloudwatch", "get-metric-data"): {
        "start-time": ["0"],
        "end-time": ["3600"],
        "metric-data-queries": [json.dumps([{"Id": "m0", "MetricStat": {"Metric": {"Namespace": "shop", "MetricName": "Revenue", "Dimensions": []}, "Period": 3600, "Stat": "Sum"}}])],
    },
    ("rds", "describe-db-snapshots"): {"db-instance-identifier": ["shop"]},
    ("rds", "create-db-snapshot"): {"db-snapshot-identifier": ["shop-a"]},
    ("rds", "restore-db-instance-from-db-snapshot"): {"db-instance-identifier": ["shop-drill"]},
    ("rds", "restore-db-instance-to-point-in-time"): {"target-db-instance-identifier": ["shop-restored"]},
    ("rds", "delete-db-instance"): {"db-instance-identifier": ["shop-drill"]},
    ("s3api", "list-objects-v2"): {"bucket": ["shop-backups"], "prefix": ["database/"]},
    ("s3api", "head-object"): {"bucket": ["shop-uploads"], "key": ["images/sample.jpg"]},
    ("inspector2", "list-findings"): {"filter-criteria": ['{"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}']},
    ("ssm", "describe-parameters"): {"parameter-filters": ["Key=Path,Option=Recursive,Values=/shop/staging"]},
    ("ssm", "put-parameter"): {"name": ["/shop/a"], "value": ["b"]},
    ("ssm", "send-command"): {"targets": ["Key=tag:Environment,Values=staging"], "document-name": ["AWS-RunPatchBaseline"]},
    ("ssm", "list-commands"): {"command-id": ["00000000-0000-4000-8000-000000000001"]},
    ("ecs", "describe-services"): {"cluster": ["shop-staging"], "services": ["shop-api"]},
    ("ecs", "describe-task-definition"): {"task-definition": ["shop-api:11"]},
    ("ecs", "update-service"): {"cluster": ["shop-staging"], "service": ["shop-api"]},
    ("sns", "publish"): {"subject": ["a"], "message": ["file:///dev/stdin"]},
    ("ec2", "create-snapshot"): {"volume-id": ["vol-0a1b2c3d4e5f"]},
    ("ec2", "delete-volume"): {"volume-id": ["vol-0a1b2c3d4e5f"]},
}  # fmt: skip


def fits(value, shape, path):
    """Whether an answer has only members that the model has, of its types and enumerations."""
    if value is None:
        return
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)}"
        for name, one in value.items():
            fits(one, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for one in value:
            fits(one, shape.member, path)
    elif shape.type_name == "map":
        for one in value.values():
            fits(one, shape.value, path)
    else:
        types = {
            "string": str,
            "timestamp": str,
            "boolean": bool,
            "integer": int,
            "long": int,
            "double": (int, float),
        }
        assert isinstance(value, types[shape.type_name]), f"{path}: {value!r} is no {shape.type_name}"
        assert (
            value in getattr(shape, "enum", None) or not shape.enum if shape.type_name == "string" else True
        ), path
