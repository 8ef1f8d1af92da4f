"""The workspace of the template `bot-service`, filled in for all that the tests run beside it."""

from __future__ import annotations

import json
import os

from templates.bot_service.vendors import OPS_TOKEN, PASSWORD, SECRET, TOKEN

from opsctl import trust

# A Thursday, within the release window.
NOW = "2026-11-19T12:00:00Z"
BEFORE = "2026-11-19T11:55:00Z"
SECRETS = {
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "TELEGRAM_WEBHOOK_SECRET": SECRET,
    "OPS_BOT_TOKEN": OPS_TOKEN,
    "DATABASE_PASSWORD": PASSWORD,
}
SETTINGS = """\
BOT_VERSION=1.4.2
WORKERS=4
TELEGRAM_BOT_TOKEN=of-the-bot
TELEGRAM_WEBHOOK_SECRET=of-the-webhook
DATABASE_URL=postgresql://database/bot
CACHE_URL=redis://cache:6379/0
LOG_LEVEL=info
"""


class Bot:
    """The template's workspace, filled in for all that the tests run beside it."""

    def __init__(self, opsctl, telegram, health, database, cache, commands, folder):
        self.opsctl, self.telegram, self.health, self.programs = opsctl, telegram, health, commands
        self.database, self.cache = database, cache
        self.path, self.folder = opsctl.path, folder
        self.env = {**SECRETS, "PATH": f"{commands.folder}{os.pathsep}{os.environ['PATH']}"}

    def __call__(self, *arguments, who="bob", now=NOW, **env):
        return self.opsctl(*arguments, env={**self.env, "OPSCTL_ACTOR": who, **env}, now=now)

    def seen(self, *selectors, **env):
        """What `opsctl check` sees of every check now, which is not kept."""
        ran = self("check", *selectors, "--no-record", "-o", "json", **env)
        return {one["check"]: one["seen"] for one in json.loads(ran.out)["checks"]}

    def check(self, *selectors, now=BEFORE):
        """The exit code of `opsctl check`, which is kept, and every check that does not stand as up."""
        ran = self("check", *selectors, "-o", "json", now=now)
        found = json.loads(ran.out)["checks"]
        return ran.code, {one["check"]: one["state"] for one in found if one["state"] != "up"}

    def verdicts(self, checklist, *arguments, subject="1.5.0", now=NOW):
        """The exit code of the gate, and every item that is not passed."""
        ran = self("gate", checklist, "--subject", subject, "-o", "json", *arguments, now=now)
        found = json.loads(ran.out)["items"]
        return ran.code, {one["id"]: one["verdict"] for one in found if one["verdict"] != "pass"}

    def sign(self, checklist, *items, who="bob", subject="1.5.0", now=NOW):
        for item in items:
            words = ["checklist", "sign", checklist, item, "--subject", subject, "--evidence", "seen"]
            ran = self(*words, who=who, now=now)
            assert ran.code == 0, ran.err

    def go(self, *arguments, answers=(), now=NOW, code=0):
        """Run a runbook to its end, with an answer for each step it waits at; the run, as it is recorded."""
        ran = self("runbook", *arguments, now=now)
        run = self.last_run()
        for step, answer in answers:
            assert (ran.code, run["steps"][-1]["step"]) == (4, step), ran.out + ran.err
            if answer == "approve":
                ran = self("runbook", "approve", run["run"], step, who="alice", now=now)
            else:
                ran = self("runbook", "answer", run["run"], step, answer, now=now)
            assert ran.code == 0, ran.err
            ran = self("runbook", "resume", run["run"], now=now)
            run = self.last_run()
        assert ran.code == code, ran.out + ran.err
        return run

    def last_run(self):
        found = json.loads(self("runbook", "runs", "--all", "-o", "json").out)["runs"]
        return max(found, key=lambda one: one["number"])

    def edit(self, file, old, new):
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{file} does not say {old}"
        path.write_text(text.replace(old, new))


def forget_trust():
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()


def write_plan(bot):
    """Let every section of the release's plan say something."""
    path = bot.path / "releases/next.md"
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(
            f"{one}\n\nWhat {one[3:].lower()} means." if one.startswith("## ") else one for one in lines
        )
    )


DEPLOY = ("--set", "version=1.5.0", "--set", "previous=1.4.2", "--set", "minutes=1")
DEVIATIONS = ("deviations", "none")


def practise(bot):
    """Deploy to staging, and drill the ways back."""
    staging = ("--env", "staging", "--set", "services=staging")
    bot.sign("pre-deploy", "backup-plan")
    bot.go("run", "deploy", *staging, *DEPLOY, answers=[("functions", "yes"), DEVIATIONS])
    bot.go("drill", "rollback", "--env", "staging", "--set", "version=1.4.2",
           answers=[("criteria", "yes"), ("data", "works"), DEVIATIONS])  # fmt: skip
    bot.go("drill", "database-restore", answers=[DEVIATIONS])


def accept(bot):
    """Give every word that people give for a release."""
    bot.sign("release-plan", "team")
    bot.sign("release-plan", "team", who="carol")
    bot.sign("release-plan", "support", who="erin")
    bot.sign("user-acceptance", "features", "workflows", who="dave")
    bot.sign("user-acceptance", "documents", who="erin")


PRODUCTION = ("--env", "production")
