"""The workspace of the template `aws-platform`, filled in for all that the tests run beside it."""

from __future__ import annotations

import json
import subprocess

from templates.aws_platform import programs

from opsctl import trust

# A Thursday on which no freeze is on.
NOW = "2026-11-19T12:00:00Z"


class Shop:
    """The template's workspace, filled in for all that the tests run beside it."""

    def __init__(self, opsctl, folder):
        self.opsctl, self.path = opsctl, opsctl.path
        self.world = programs.World(folder)
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


def committed(folder):
    """The workspace is a repository; the version to deploy is a commit of somebody who signs nothing."""
    who = ("-c", "user.name=erin", "-c", "user.email=erin@example.com")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "All of it"), ("tag", "v1.4.2")):
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def forget_trust():
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()
