"""The workspace of the template `edge-platform`, filled in for the servers that the tests run beside it."""

from __future__ import annotations

import json
import os
from datetime import datetime

from templates.edge_platform.programs import programs
from templates.edge_platform.vendors import (
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
    Messages,
    Platform,
    StatusPage,
    Vercel,
)
from templates.unhurried import unhurried

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
