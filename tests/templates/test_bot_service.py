"""The template `bot-service` against stand-ins of all that a bot lives with: what each check says of each condition."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from servers import program
from templates.unhurried import unhurried
from templates.vendors_bot import (
    MOVED_CHAT,
    OPS_CHAT,
    OPS_TOKEN,
    PASSWORD,
    SECRET,
    TOKEN,
    USERS_CHAT,
    Health,
    Listener,
    Telegram,
    programs,
)

from opsctl import trust

# A Thursday, within the release window.
NOW = "2026-11-19T12:00:00Z"
BEFORE = "2026-11-19T11:55:00Z"
THEN = "2026-12-06T14:05:00Z"
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
ALL_UP = dict.fromkeys(
    (
        "bot/breakers", "bot/capacity", "bot/data", "bot/health", "bot/transactions", "bot/updates",
        "cache/ping", "cache/use", "container/limits", "container/state",
        "database/backup", "database/backup-job", "database/port", "database/sessions",
        "host/configuration-backup", "host/disk", "host/load", "host/memory", "logs/fresh", "opsctl/store",
        "staging/health", "telegram/answers", "webhook/certificate", "webhook/errors", "webhook/registered",
        "webhook/token",
    ),
    "up",
)  # fmt: skip


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


@pytest.fixture
def bot(opsctl, tmp_path_factory, certificates, web_tls, monkeypatch):
    program("curl")  # by which its scripts speak
    folder = tmp_path_factory.mktemp("srv")
    (folder / "programs").mkdir()
    front = web_tls("good")
    health, database, cache = Health(), Listener(), Listener(b"+PONG\r\n")
    telegram = Telegram(f"https://127.0.0.1:{front.port}/telegram")
    values = {
        "health_host": health.host, "health_scheme": "http", "staging_host": health.host,
        "webhook_host": "127.0.0.1", "webhook_port": front.port, "telegram_api": telegram.url,
        "ops_chat": OPS_CHAT, "users_chat": USERS_CHAT, "compose_folder": folder, "source_folder": folder,
        "database_port": database.port, "cache_port": cache.port, "backup_folder": folder, "log_file": folder / "bot.log",
        "owner": "alice", "operator": "bob", "stand_in": "carol", "product": "dave", "support": "erin",
    }  # fmt: skip
    (folder / ".env").write_text(SETTINGS)
    (folder / "compose.yaml").write_text("services: {}\n")
    for name in ("bot.log", "database-20261119T023000Z.dump", "configuration-20261119T023000Z.tar.gz"):
        (folder / name).write_bytes(b"x" * 4096)
        written = datetime.fromisoformat(NOW).timestamp() - (900 if name == "bot.log" else 30_000)
        os.utime(folder / name, (written, written))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    forget_trust()
    made = Bot(opsctl, telegram, health, database, cache, programs(folder / "programs", NOW), folder)
    said = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    ran = made("init", "--template", "bot-service", "--name", "Example bot", *said)
    assert ran.code == 0, ran.err
    # What this machine has to spare is not what is tested here.
    made.edit(
        "services/host.yaml",
        "used_percent < 90%, read_only == false], warn: [used_percent < 80%]",
        "used_percent <= 100%]",
    )
    made.edit(
        "services/host.yaml", "used_percent < 95%], warn: [used_percent < 85%]", "used_percent <= 100%]"
    )
    made.edit("services/host.yaml", "per_cpu < 4], warn: [per_cpu < 2]", "per_cpu >= 0]")
    unhurried(made.path)
    assert made("heartbeat", "ok", "database-backup", now="2026-11-19T11:10:00Z").code == 0
    yield made
    for one in (telegram, health, database, cache):
        one.close()
    forget_trust()


def forget_trust():
    trust.trusted_certificates.cache_clear()
    trust.handshake_context.cache_clear()


def test_it_is_valid_and_names_what_is_not_filled_in(opsctl):
    ran = opsctl("init", "--template", "bot-service")
    assert ran.code == 0
    assert opsctl("validate", "--allow-unset") == (0, "valid: 10 services, 26 checks\n", "")
    told = opsctl("validate")
    assert told.code == 5
    for name in (
        "health-host",
        "staging-host",
        "webhook-host",
        "ops-chat",
        "users-chat",
        "owner",
        "operator",
        "product",
    ):
        assert f"unset-{name}.invalid" in told.out + told.err
    for name in ("TELEGRAM_BOT_TOKEN", "DATABASE_PASSWORD"):
        assert f"the environment variable {name} is not set" in told.out


def test_all_is_up_where_all_is_well(bot):
    assert bot("validate") == (0, "valid: 10 services, 26 checks\n", "")
    assert bot.seen() == ALL_UP
    assert bot.check() == (0, {})


TELEGRAM_CHECKS = ("telegram/answers", "webhook/errors", "webhook/registered", "webhook/token")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("up", ("up", "up", "up", "up")),
        ("degraded", ("up", "degraded", "degraded", "up")),
        ("down", ("down", "unknown", "down", "down")),
        ("rate-limited", ("unknown", "unknown", "unknown", "unknown")),
        ("unauthorised", ("unknown", "unknown", "unknown", "down")),
    ],
)
def test_each_state_of_telegram_is_told_apart(bot, state, expected):
    bot.telegram.state = state
    assert bot.seen() == ALL_UP | dict(zip(TELEGRAM_CHECKS, expected, strict=True))


def test_telegram_that_does_not_answer_at_all_is_down(bot):
    bot.telegram.close()
    expected = dict(zip(TELEGRAM_CHECKS, ("down", "unknown", "down", "down"), strict=True))
    assert bot.seen("telegram", "webhook") == {"webhook/certificate": "up"} | expected


@pytest.mark.parametrize(
    ("missing", "expected"), [("TELEGRAM_BOT_TOKEN", "unknown"), ("DATABASE_PASSWORD", "up")]
)
def test_a_check_without_its_secret_is_unknown(bot, missing, expected):
    found = bot.seen("telegram/answers", "database/sessions", **{missing: ""})
    assert found["telegram/answers"] == expected
    assert sorted(found.values()) == ["unknown", "up"]


def test_a_webhook_that_is_not_ours_is_down(bot):
    bot.telegram.webhook = "https://other.example.com/telegram"
    assert bot.seen("webhook/registered") == {"webhook/registered": "down"}
    bot.telegram.webhook = ""
    assert bot.seen("webhook/registered") == {"webhook/registered": "down"}


def test_no_secret_is_ever_shown(bot):
    bot.telegram.state = "unauthorised"
    for format_ in ("text", "json", "markdown"):
        ran = bot("check", "telegram", "webhook", "database", "--explain", "-o", format_)
        for secret in SECRETS.values():
            assert secret not in ran.out + ran.err


HEALTH_CHECKS = (
    "bot/breakers",
    "bot/capacity",
    "bot/data",
    "bot/health",
    "bot/transactions",
    "bot/updates",
    "staging/health",
)


def test_a_degraded_bot_is_degraded_and_its_figures_still_count(bot):
    bot.health.state = "degraded"
    assert bot.seen() == ALL_UP | {"bot/health": "degraded", "staging/health": "degraded"}


def test_a_bot_that_is_down_is_down_and_its_figures_are_not_known(bot):
    bot.health.state = "down"
    expected = dict.fromkeys(HEALTH_CHECKS, "unknown") | {"bot/health": "down", "staging/health": "down"}
    assert bot.seen() == ALL_UP | expected


def test_a_bot_that_does_not_answer_is_down_with_all_its_figures(bot):
    bot.health.close()
    assert bot.seen() == ALL_UP | dict.fromkeys(HEALTH_CHECKS, "down")


@pytest.mark.parametrize(
    ("section", "figure", "warns", "fails", "check"),
    [
        ("updates", "failed_percent", 0.5, 1, "bot/updates"),
        ("updates", "p95_ms", 500, 2000, "bot/updates"),
        ("transactions", "completed_percent", 99.4, 98.9, "bot/transactions"),
        ("capacity", "used_percent", 80, 95, "bot/capacity"),
        ("queue", "oldest_seconds", 60, 300, "bot/capacity"),
        ("breakers", "open", 1, None, "bot/breakers"),
        ("data", "inconsistencies", None, 1, "bot/data"),
    ],
)
def test_each_figure_of_the_bot_has_its_limits(bot, section, figure, warns, fails, check):
    for value, state in ((warns, "degraded"), (fails, "down")):
        if value is not None:
            bot.health.figures[section][figure] = value
            assert bot.seen("bot") == {
                name: one for name, one in ALL_UP.items() if name.startswith("bot/")
            } | {check: state}
    del bot.health.figures[section][figure]
    assert bot.seen(check) == {check: "unknown"} or section == "breakers"


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


def test_the_gate_names_all_that_is_not_there_yet_and_opens_when_it_is(bot):
    assert bot.verdicts("pre-deploy", *PRODUCTION) == (1, {
        "testing-performance": "unknown", "documentation-procedure": "fail", "documentation-rollback": "fail",
        "documentation-communication": "fail", "backup-plan": "pending", "backup-recovery": "fail",
        "rollback-tested": "fail", "planned": "fail", "accepted": "pending",
    })  # fmt: skip
    write_plan(bot)
    bot.check()
    practise(bot)
    assert bot.verdicts("pre-deploy", *PRODUCTION) == (4, {"planned": "pending", "accepted": "pending"})
    accept(bot)
    assert bot.verdicts("pre-deploy", *PRODUCTION) == (0, {})
    # In the evening nobody is there to watch.
    assert bot.verdicts("pre-deploy", *PRODUCTION, now="2026-11-19T18:00:00Z") == (1, {"window": "fail"})


def test_the_gate_has_sixteen_items_in_four_groups_and_four_for_the_way_back(bot):
    items = json.loads(bot("gate", "pre-deploy", "--subject", "1.5.0", *PRODUCTION, "-o", "json").out)[
        "items"
    ]
    groups = {}
    for one in items:
        group, _, rest = one["id"].partition("-")
        if rest:
            groups.setdefault(group, []).append(rest)
    assert groups == {
        "environment": ["configuration", "secrets", "dependencies", "resources"],
        "testing": ["tests", "integration", "performance", "security"],
        "documentation": ["procedure", "configuration", "rollback", "communication"],
        "backup": ["database", "configuration", "plan", "recovery"],
        "rollback": ["procedure", "backup", "criteria", "tested"],
    }


@pytest.mark.parametrize(
    ("spoil", "items"),
    [
        (lambda bot: (bot.folder / ".env").write_text(SETTINGS.replace("=info", "=")), {"environment-configuration"}),
        (lambda bot: (bot.folder / ".env").write_text(SETTINGS + "SECRET_DOOR=open\n"), {"documentation-configuration"}),
        (lambda bot: (bot.folder / ".env").unlink(), {"environment-configuration", "documentation-configuration"}),
        (lambda bot: bot.env.update(OPS_BOT_TOKEN=""), {"environment-secrets"}),
        (lambda bot: setattr(bot.telegram, "state", "down"), {"environment-dependencies"}),
        (lambda bot: bot.programs.fail("make"), {"testing-tests", "testing-integration", "testing-security"}),
        (lambda bot: bot.programs.fail("pg_restore"), {"rollback-backup"}),
        (lambda bot: next(bot.folder.glob("database-*")).unlink(), {"backup-database", "rollback-backup"}),
        (lambda bot: next(bot.folder.glob("configuration-*")).unlink(), {"backup-configuration"}),
        (lambda bot: (bot.path / "docs/rollback-criteria.md").write_text("# Nothing\n"), {"rollback-criteria"}),
        (lambda bot: bot("incident", "open", "It is slow", "-s", "bot", "--severity", "sev2"), {"calm"}),
    ],
    ids=lambda one: "-".join(sorted(one)) if isinstance(one, set) else "",
)  # fmt: skip
def test_each_item_of_the_gate_sees_what_it_is_for(bot, spoil, items):
    write_plan(bot)
    bot.check()
    bot.sign("pre-deploy", "backup-plan")
    assert bot.verdicts("pre-deploy", "--env", "staging") == (0, NOT_ON_STAGING)
    spoil(bot)
    assert bot.verdicts("pre-deploy", "--env", "staging") == (
        1,
        NOT_ON_STAGING | dict.fromkeys(items, "fail"),
    )


NOT_ON_STAGING = dict.fromkeys(
    ("documentation-procedure", "backup-recovery", "rollback-tested", "planned", "accepted"), "n/a"
)


def test_requests_that_are_refused_or_limited_do_not_open_the_gate(bot):
    for state in ("rate-limited", "unauthorised"):
        bot.telegram.state = state
        _, found = bot.verdicts("pre-deploy", *PRODUCTION)
        assert found["environment-dependencies"] == "unknown"


def test_right_after_a_deployment_people_and_checks_say_that_it_is_well(bot):
    assert bot.verdicts("post-deploy-immediate", *PRODUCTION) == (4, {"functions": "pending"})
    bot.sign("post-deploy-immediate", "functions")
    assert bot.verdicts("post-deploy-immediate", *PRODUCTION) == (0, {})
    bot.health.figures["updates"]["failed_percent"] = 0.7
    assert bot.verdicts("post-deploy-immediate", *PRODUCTION) == (1, {"errors": "fail"})


def test_a_day_and_a_week_later_figures_and_people_are_asked(bot):
    assert bot.verdicts("post-deploy-24h")[1] == {"performance": "unknown", "feedback": "pending"}
    bot.check()
    assert bot.verdicts("post-deploy-24h") == (4, {"feedback": "pending"})
    bot.sign("post-deploy-24h", "feedback", who="dave")
    assert bot.verdicts("post-deploy-24h") == (0, {})
    # One result says nothing of a week.
    waits = {"stable": "unknown", "regression": "pending", "improvement": "pending"}
    assert bot.verdicts("post-deploy-7d") == (3, waits)


def test_every_checklist_says_what_it_waits_for(bot):
    write_plan(bot)
    bot.check()
    found = {name: bot.verdicts(name) for name in (
        "release-plan", "quality", "user-acceptance", "announce-before", "announce-during", "announce-after",
        "service-standards", "onboarding", "training", "drills", "security-review",
    )}  # fmt: skip
    assert found == {
        "release-plan": (4, dict.fromkeys(("team", "support"), "pending")),
        "quality": (1, {"staging": "fail", "functions": "pending", "migration": "pending"}),
        "user-acceptance": (4, dict.fromkeys(("features", "workflows", "documents"), "pending")),
        "announce-before": (4, {"sent": "pending"}),
        "announce-during": (4, dict.fromkeys(("status", "problems", "timing"), "pending")),
        "announce-after": (4, {"confirmed": "pending"}),
        "service-standards": (1, {"restart-policy": "fail"} | dict.fromkeys(
            ("error-handling", "input-validation", "graceful-degradation", "efficiency"), "pending")),
        "onboarding": (4, dict.fromkeys(("documents", "tools", "process", "shadowed"), "pending")),
        "training": (4, dict.fromkeys(("skills", "two-people", "stand-in", "gaps"), "pending")),
        "drills": (1, dict.fromkeys(
            ("deploy", "rollback", "restore", "webhook", "restart", "scale", "load", "token"), "fail")),
        "security-review": (1, {"token-age": "fail", "access": "pending", "compliance": "pending"}),
    }  # fmt: skip


def test_an_empty_section_of_the_plan_is_named(bot):
    assert bot.verdicts("release-plan")[1] == dict.fromkeys(
        ("features", "fixes", "performance", "security", "breaking", "migration", "rollback", "impact", "window",
         "communication"), "fail") | {"team": "pending", "support": "pending"}  # fmt: skip
    bot.edit("releases/next.md", "## Fixes", "## Fixes\n\nNone.")
    assert "fixes" not in bot.verdicts("release-plan")[1]


def test_a_token_in_a_file_of_the_workspace_is_found(bot):
    (bot.path / "docs/note.md").write_text(f"The token is {TOKEN}.\n")
    assert bot.verdicts("security-review")[1]["no-secrets"] == "fail"
    assert TOKEN not in bot("gate", "security-review", "--subject", "now").out


RUNBOOKS = {
    "announce": ("stage=before", "version=1.5.0"),
    "backup": (),
    "database-restore": (),
    "deploy": ("version=1.5.0", "previous=1.4.2"),
    "load-test": (),
    "maintenance": (),
    "restart-service": (),
    "rollback": ("version=1.4.2",),
    "rotate-token": (),
    "scale-out": ("workers=6", "before=4"),
    "slow-queries": (),
    "stuck-work": ("work=job-7",),
    "webhook-down": (),
}
READING = (
    "docker compose ps",
    "docker compose logs",
    "docker inspect",
    "psql -X",
    "redis-cli",
    "pg_restore --list",
    "make ",
)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_dry_run_of_each_runbook_changes_nothing(bot, name):
    write_plan(bot)
    bot.check()
    bot.sign("pre-deploy", "backup-plan")
    bot.programs.forget()
    before = {path: path.read_bytes() for path in bot.folder.glob("*") if path.is_file()}
    ran = bot(
        "runbook", "run", name, "--dry-run", *(word for one in RUNBOOKS[name] for word in ("--set", one))
    )
    assert (ran.code, ran.err) == (0, "")
    assert [one for one in bot.programs.calls() if not one.startswith(READING)] == []
    assert {one.method for one in bot.telegram.calls} <= {"getme", "getwebhookinfo"}
    assert {path: path.read_bytes() for path in bot.folder.glob("*") if path.is_file()} == before
    assert bot("runbook", "runs", "--all").out == ""


def test_all_runbooks_are_tried_here(bot):
    assert sorted(one.split()[0] for one in bot("runbook", "list").out.splitlines()) == sorted(RUNBOOKS)


def steps(run):
    """What became of each step of a run."""
    return {one["step"]: one["outcome"] for one in run["steps"]}


def test_a_deployment_goes_its_eight_steps_and_tells_the_team(bot):
    write_plan(bot)
    bot.check()
    bot.sign("pre-deploy", "backup-plan")
    staging = ("--env", "staging", "--set", "services=staging")
    run = bot.go(
        "run", "deploy", *staging, *DEPLOY, answers=[("functions", "yes"), ("deviations", "It took longer")]
    )
    assert steps(run) == dict.fromkeys(
        (
            "criteria",
            "stakeholders",
            "execute",
            "progress",
            "health",
            "functions",
            "watch",
            "deviations",
            "told",
        ),
        "ok",
    )
    assert bot.telegram.sent == [
        (OPS_CHAT, "Deployment of 1.5.0 begins; 1.4.2 runs until then. Support: erin."),
        (OPS_CHAT, "Version 1.5.0 runs. Deviations: It took longer"),
    ]
    assert {one.token for one in bot.telegram.calls if one.method == "sendmessage"} == {OPS_TOKEN}
    assert [one for one in bot.programs.calls("docker compose") if "logs" not in one] == [
        "docker compose pull --quiet", "docker compose run --rm migrate", "docker compose up --detach --wait --remove-orphans",
    ]  # fmt: skip
    assert "BOT_VERSION=1.5.0\n" in (bot.folder / ".env").read_text()
    assert run["values"]["deviations"] == "It took longer"


def test_a_deployment_that_is_not_well_brings_the_previous_version_back(bot):
    write_plan(bot)
    bot.check()
    bot.sign("pre-deploy", "backup-plan")
    bot.edit("runbooks/deploy.yaml", "within: 5m", "within: 1s")
    bot.health.state = "down"
    staging = ("--env", "staging", "--set", "services=staging")
    run = bot.go("run", "deploy", *staging, *DEPLOY, code=1)
    assert run["state"] == "recovered"
    assert bot.telegram.sent[-1] == (OPS_CHAT, "Version 1.5.0 was taken back; 1.4.2 runs again.")
    assert steps(run) == {
        "criteria": "ok",
        "stakeholders": "ok",
        "execute": "ok",
        "progress": "ok",
        "health": "failed",
    }
    assert bot.programs.calls("docker compose run") == ["docker compose run --rm migrate"]
    assert "BOT_VERSION=1.4.2\n" in (bot.folder / ".env").read_text()
    assert (bot.programs.folder / "docker.image").read_text() == "registry.example.com/bot:1.4.2\n"


def test_a_deployment_does_not_begin_while_the_gate_is_closed(bot):
    run = bot.go("run", "deploy", *PRODUCTION, *DEPLOY, code=1)
    assert steps(run) == {"criteria": "failed"}
    assert (bot.telegram.sent, bot.programs.calls("docker compose")) == ([], [])


@pytest.mark.parametrize("state", ["rate-limited", "unauthorised", "down"])
def test_a_message_that_telegram_does_not_take_is_not_sent(bot, state):
    write_plan(bot)
    bot.check()
    bot.sign("pre-deploy", "backup-plan")
    bot.edit("runbooks/deploy.yaml", "retries: 2", "retries: 0")
    bot.edit(
        "checklists/pre-deploy.yaml",
        "check: [telegram, database/port, cache/ping]",
        "check: [database/port, cache/ping]",
    )
    bot.telegram.state = state
    run = bot.go("run", "deploy", "--env", "staging", *DEPLOY, code=1)
    assert steps(run) == {"criteria": "ok", "stakeholders": "failed"}
    assert OPS_TOKEN not in json.dumps(run)


def test_going_back_with_the_data_needs_the_owner(bot):
    answers = [("criteria", "yes"), ("data", "back"), ("migration", "approve"), DEVIATIONS]
    run = bot.go("run", "rollback", *PRODUCTION, "--set", "version=1.4.2", answers=answers)
    assert steps(run) == dict.fromkeys(("criteria", "data", "migration", "image", "health", "told", "deviations"), "ok") | {
        "incident": "skipped"}  # fmt: skip
    assert bot.programs.calls("docker compose") == [
        "docker compose run --rm migrate down", "docker compose pull --quiet",
        "docker compose up --detach --wait --remove-orphans",
    ]  # fmt: skip


def test_a_webhook_is_set_again_with_its_secret_and_nothing_is_dropped(bot):
    front = bot.telegram.webhook
    bot.telegram.webhook = ""
    bot("incident", "open", "No updates", "-s", "webhook", "--severity", "sev1")
    run = bot.go("run", "webhook-down", "--incident", "INC-1")
    assert steps(run) == dict.fromkeys(("tell", "look", "reachable", "set", "delivered", "told"), "ok")
    (call,) = [one for one in bot.telegram.calls if one.method == "setwebhook"]
    assert call.parameters == {"url": front, "secret_token": SECRET, "drop_pending_updates": False}
    assert bot.telegram.webhook == front
    assert SECRET not in json.dumps(run)
    (incident,) = json.loads(bot("incident", "list", "-o", "json").out)["incidents"]
    assert incident["state"] == "mitigated"


def test_a_new_token_gets_the_webhook(bot):
    bot.telegram.webhook = ""
    run = bot.go("run", "rotate-token", answers=[("new", "yes"), ("gone", "yes")])
    assert steps(run) == dict.fromkeys(("new", "restart", "webhook", "works", "gone"), "ok")


def test_a_bot_that_is_down_is_restarted_twice_and_then_left_to_people(bot):
    bot.edit("runbooks/service.yaml", "within: 2m", "within: 1s")
    bot.check("bot")
    bot.health.state = "down"
    restarts = []
    for minute in (0, 5, 20, 35):
        bot.check("bot", now=f"2026-11-19T12:{minute:02}:00Z")
        restarts.append(len(bot.programs.calls("docker compose restart")))
    # It counts as down from the second failure, and a pause lies between two attempts.
    assert restarts == [0, 1, 2, 2]
    assert "somebody" not in bot("check", "bot", now="2026-11-19T12:40:00Z").err
    assert bot("check", "bot", now="2026-11-19T12:45:00Z").err == (
        "remedy of bot/health: restart-service was tried 2 times in 1h; a person has to look\n"
    )
    (incident,) = json.loads(bot("incident", "list", "-o", "json", now="2026-11-19T12:46:00Z").out)[
        "incidents"
    ]
    assert (incident["severity"], incident["services"], incident["state"]) == ("sev1", ["bot"], "open")


def test_a_backup_is_taken_and_reports(bot):
    for path in (*bot.folder.glob("database-*"), *bot.folder.glob("configuration-*")):
        path.unlink()
    now = datetime.now().astimezone().isoformat()
    assert set(bot.seen("database/backup", "host/configuration-backup").values()) == {"down"}
    bot.programs.now(now)
    run = bot.go("run", "backup", now=now)
    assert steps(run) == dict.fromkeys(("dump", "configuration", "record", "old", "ended"), "ok")
    assert bot.check("database/backup", "database/backup-job", "host/configuration-backup", now=now) == (
        0,
        {},
    )
    assert PASSWORD not in " ".join(bot.programs.calls())


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(bot):
    next(bot.folder.glob("database-*")).unlink()
    bot.programs.fail("pg_dump")
    run = bot.go("run", "backup", code=1)
    assert steps(run) == {"dump": "failed"}
    assert list(bot.folder.glob("database-*.dump")) == []


def test_a_drill_of_the_restore_leaves_the_bots_database_alone(bot):
    run = bot.go("drill", "database-restore", answers=[DEVIATIONS])
    assert {name: one for name, one in steps(run).items() if one != "skipped"} == dict.fromkeys(
        ("backup", "restore", "compare", "tidy", "deviations"), "ok"
    )
    (call,) = bot.programs.calls("pg_restore")
    assert call.startswith(
        "pg_restore --clean --if-exists --no-owner --exit-on-error --single-transaction --dbname=bot_restored /"
    )
    assert bot.programs.calls("dropdb") == ["dropdb --if-exists bot_restored"]
    assert bot.programs.calls("docker compose") == []


def test_a_real_restore_stops_the_bot_and_needs_the_owner(bot):
    answers = [("sure", "yes"), ("stop", "approve"), DEVIATIONS]
    run = bot.go("run", "database-restore", "--set", "target=bot", answers=answers)
    assert {name: one for name, one in steps(run).items() if one != "ok"} == {"tidy": "skipped"}
    assert [one for one in bot.programs.calls("docker compose") if " ps " not in one] == [
        "docker compose stop bot",
        "docker compose start bot",
    ]


def test_more_workers_stay_where_they_help_and_go_where_they_do_not(bot):
    bot.edit("runbooks/service.yaml", "within: 10m", "within: 1s")
    words = ("run", "scale-out", "--set", "workers=6", "--set", "before=4")
    bot.go(*words, answers=[("trigger", "yes"), ("note", "half as full")])
    assert "WORKERS=6\n" in (bot.folder / ".env").read_text()
    bot.edit("runbooks/service.yaml", "bot/updates]\n", "bot/updates, bot/data]\n")
    bot.health.figures["data"]["inconsistencies"] = 1
    run = bot.go(
        "run", "scale-out", "--set", "workers=8", "--set", "before=6", answers=[("trigger", "yes")], code=1
    )
    assert run["state"] == "recovered"
    assert "WORKERS=6\n" in (bot.folder / ".env").read_text()


def test_the_first_limit_of_a_load_test_becomes_an_improvement(bot):
    answers = [("result", "120"), ("scales", "no"), ("bottleneck", "the lock on tables"), ("kept", "yes")]
    bot.go("run", "load-test", "--env", "staging", answers=answers)
    assert bot.programs.calls("make") == ["make load-test"]
    assert "Lift the first limit under load: the lock on tables" in bot("backlog", "list").out


def test_stuck_work_is_finished_and_maintenance_leaves_all_well(bot):
    bot.go(
        "run",
        "stuck-work",
        "--set",
        "work=job-7",
        answers=[("decide", "refund"), ("told", "one user, by message")],
    )
    assert "docker compose run --rm admin refund job-7" in bot.programs.calls("docker")
    assert set(steps(bot.go("run", "maintenance")).values()) == {"ok"}
    bot.go("run", "slow-queries", answers=[("choice", "none")])
    assert set(steps(bot.go("run", "restart-service")).values()) == {"ok"}


def test_users_read_what_the_plan_says(bot):
    bot.go("run", "announce", "--set", "stage=before", "--set", "version=1.5.0", code=1)
    write_plan(bot)
    bot.go("run", "announce", "--set", "stage=after", "--set", "version=1.5.0", answers=[("right", "yes")])
    assert bot.telegram.sent == [(USERS_CHAT, (
        "Version 1.5.0 is out.\n\nFeatures\nWhat features means.\n\nKnown issues\nWhat known issues means.\n"
        "\nFeedback\nWhat feedback means.\n\nHelp\nWhat help means."
    ))]  # fmt: skip


def cron(bot, now):
    """Call bin/cron.sh as cron does, at that time."""
    bot.programs.now(now)
    env = {"HOME": os.environ["HOME"], "SSL_CERT_FILE": os.environ["SSL_CERT_FILE"], **bot.env}
    done = subprocess.run(
        ["sh", "bin/cron.sh"], cwd=bot.path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_the_team_is_told_what_changed_and_only_that(bot):
    (bot.path / "routines/daily.yaml").unlink()
    bot.edit(
        "services/bot.yaml",
        "        remedy: {runbook: restart-service, attempts: 2, within: 1h, cooldown: 10m}\n",
        "",
    )
    assert cron(bot, "2026-11-19T12:00:00Z") == (0, "", "")
    assert bot.telegram.sent == []
    bot.health.state = "down"
    # Most checks count from their second failure, and one from its third; then there is nothing new to tell.
    assert [cron(bot, f"2026-11-19T12:{minute:02}:00Z")[0] for minute in (5, 10, 15, 20, 25)] == [
        1,
        1,
        1,
        1,
        1,
    ]
    chats, texts = zip(*bot.telegram.sent, strict=True)
    assert chats == (OPS_CHAT,) * 3
    assert [[f"{state}\t{check}" in text for text in texts] for state, check in (
        ("down", "staging/health"), ("down", "bot/health"), ("unknown", "bot/updates"), ("unknown", "bot/capacity"),
    )] == [[True, True, True], [False, True, True], [False, True, True], [False, False, True]]  # fmt: skip
    assert "\n✗ bot/health is down since 2026-11-19 12:05:00 UTC\n    status == 200 (found 503)" in texts[1]
    assert "\n    runbook: runbooks/restart-service.md\n" in texts[1]
    assert "\nopened INC-1 sev1: " in texts[1]
    bot.health.state = "up"
    assert cron(bot, "2026-11-19T12:30:00Z") == (0, "", "")
    assert bot.telegram.sent[3:] == [(OPS_CHAT, "All is well again.")]


@pytest.mark.parametrize("state", ["rate-limited", "down"])
def test_what_the_chat_cannot_be_told_goes_by_mail_and_is_told_later(bot, state):
    (bot.path / "routines/daily.yaml").unlink()
    cron(bot, "2026-11-19T12:00:00Z")
    bot.health.figures["data"]["inconsistencies"] = 1
    bot.telegram.state = state
    code, out, err = cron(bot, "2026-11-19T12:05:00Z")
    assert (code, out) == (1, "")
    assert "down\tbot/data\tjson.data.inconsistencies == 0 (found 1)" in err
    assert OPS_TOKEN not in err
    bot.telegram.state = "up"
    cron(bot, "2026-11-19T12:10:00Z")
    assert [chat for chat, text in bot.telegram.sent if "✗ bot/data is down" in text] == [OPS_CHAT]


def test_a_workspace_that_is_broken_is_told_too(bot):
    (bot.path / "routines/daily.yaml").write_text("routines: [\n")
    code, _, _ = cron(bot, "2026-11-19T12:00:00Z")
    assert code == 5
    assert "routines/daily.yaml" in bot.telegram.sent[0][1]


WAITS, FAILS, DONE = "waiting", "failed", "ok"
# What becomes of each step when all is well, and nobody has signed or practised anything.
ROUTINES = {
    "health": {"checks": DONE},
    "daily-look": {"report": DONE, "incidents": DONE, "messages": WAITS},
    "alert-tuning": {"alerts": DONE} | dict.fromkeys(
        ("thresholds", "noise", "gaps", "false-positives", "remedies", "causes"), WAITS),
    "maintenance": {"runbook": DONE, "afterwards": DONE, "second": WAITS, "store": DONE},
    "security-scan": {"scan": DONE, "backlog": DONE},
    "weekly-figures": {"report": DONE, "trends": WAITS, "early-signs": WAITS, "spread": WAITS},
    "after-deploy-now": dict.fromkeys(("verification", "deviations", "user-impact"), WAITS),
    "announcements": dict.fromkeys(("before", "during", "after"), WAITS),
    "after-deploy-24h": {"verification": WAITS},
    "after-deploy-7d": {"verification": FAILS},
    "docs-review": {"due": WAITS, "accuracy": WAITS, "completeness": WAITS, "feedback": WAITS, "quality": FAILS, "stale": FAILS},
    "capacity-review": {"now": DONE, "report": DONE} | dict.fromkeys(
        ("growth", "peaks", "forecast", "strategy", "procurement", "budget", "allocation"), WAITS),
    "metrics-review": dict.fromkeys(
        ("figures", "incidents", "deployments", "automation", "throughput", "freshness"), WAITS),
    "users-review": dict.fromkeys(("satisfaction", "users", "support-tickets", "transactions"), WAITS),
    "cost-review": {"cost": WAITS, "gains": WAITS},
    "security-month": {"review": FAILS, "posture": WAITS},
    "retrospective": {"successes": WAITS, "failures": WAITS, "reviews": DONE, "improvements": WAITS, "backlog": DONE},
    "knowledge-session": {"session": WAITS},
    "drills": {"freshness": WAITS, "drills": FAILS, "findings": WAITS},
    "rollback-drill": {"drill": WAITS},
    "restore-drill": {"drill": WAITS},
    "load-test": {"test": WAITS, "baseline": WAITS},
    "tuning": {"queries": WAITS, "cache": WAITS, "opportunities": WAITS},
    "standards": {"bot": FAILS, "team": WAITS, "automation": WAITS, "fit": WAITS},
}  # fmt: skip


def routine(bot, name, now=NOW):
    """Run a routine now, and what became of each of its steps."""
    ran = bot("routine", "run", name, now=now)
    found = json.loads(bot("routine", "history", name, "-o", "json", now=now).out)["slots"][0]
    assert "internal error" not in ran.err
    return {step["step"]: step["outcome"] for step in found["steps"]}


def test_each_routine_does_what_machines_can_and_waits_for_people(bot):
    write_plan(bot)
    bot.check()
    assert {name: routine(bot, name) for name in ROUTINES} == ROUTINES
    known = [one["routine"] for one in json.loads(bot("routine", "list", "-o", "json").out)["routines"]]
    assert sorted(known) == sorted([*ROUTINES, "nightly-backup"])


def test_the_nightly_backup_is_due_at_half_past_two(bot):
    # By the real clock, as files have their times by it.
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    bot("heartbeat", "ok", "database-backup", now=midnight.isoformat())
    assert bot("routine", "run", "--due", "--quiet", now=midnight.isoformat()) == (0, "", "")
    later = midnight + timedelta(days=1, hours=2, minutes=31)
    bot.programs.now(later.isoformat())
    before = {path.name for path in bot.folder.iterdir()}
    ran = bot("routine", "run", "--due", now=later.isoformat())
    assert "nightly-backup of " in ran.out
    made = sorted(
        {path.name.split("-")[0] for path in bot.folder.iterdir()} - {name.split("-")[0] for name in before}
    )
    assert made == ["record.db"]
    assert len(bot.programs.calls("pg_dump")) == 1
    state = json.loads(bot("routine", "history", "nightly-backup", "-o", "json", now=later.isoformat()).out)[
        "slots"
    ][0]
    assert (state["state"], [one["outcome"] for one in state["steps"]]) == ("done", ["ok"])


def test_a_version_that_passed_the_gate_is_followed_for_a_week(bot):
    write_plan(bot)
    bot.check()
    practise(bot)
    accept(bot)
    assert bot("routine", "run", "--due", "--quiet", now="2026-11-19T12:01:00Z") == (0, "", "")
    assert bot.verdicts("pre-deploy", *PRODUCTION, now="2026-11-19T12:02:00Z") == (0, {})
    times = {"2026-11-19T13:03:00Z": "after-deploy-now", "2026-11-19T14:03:00Z": "announcements",
             "2026-11-20T12:03:00Z": "after-deploy-24h", "2026-11-26T12:03:00Z": "after-deploy-7d"}  # fmt: skip
    for now, name in times.items():
        bot.programs.now(now)
        bot("routine", "run", "--due", "--quiet", now=now)
        begun = [
            one
            for one in times.values()
            if json.loads(bot("routine", "history", one, "-o", "json", now=now).out)["slots"]
        ]
        assert begun == list(times.values())[: list(times).index(now) + 1]
        waits = bot("routine", "due", now=now)
        assert waits.code != 0
        assert name in waits.out


def test_a_step_is_signed_by_those_who_may_and_with_what_it_asks_for(bot):
    for now in ("2026-12-06T13:55:00Z", THEN):
        bot.programs.now(now)
        bot("routine", "run", "--due", "--quiet", now=now)

    def done(*words, who):
        return bot("routine", "done", "users-review", "satisfaction", *words, who=who, now=THEN)

    assert done("--note", "4.6 of 5", who="bob") == (1, "", "opsctl: bob is not product; who is: dave\n")
    assert done(who="dave") == (2, "", "opsctl: satisfaction needs evidence: add --note, --url or --file\n")
    assert done("--note", "4.6 of 5, 31 answers", who="dave").code == 0
    slot = json.loads(bot("routine", "history", "users-review", "-o", "json", now=THEN).out)["slots"][0]
    (signed,) = [one for one in slot["steps"] if one["step"] == "satisfaction"]
    assert (signed["outcome"], signed["by"], signed["note"]) == ("ok", "dave", "4.6 of 5, 31 answers")


def test_reports_show_services_against_their_objectives_and_what_was_decided(bot):
    for minute in range(0, 60, 5):
        bot.check(now=f"2026-11-19T11:{minute:02}:00Z")
    bot.verdicts("pre-deploy", *PRODUCTION, now=BEFORE)
    for period in ("daily", "weekly", "monthly", "handover", "standup"):
        ran = bot("report", period)
        assert (ran.code, ran.err) == (0, ""), period
    text = bot("report", "daily").out
    assert "## Services against target" in text
    (line,) = [one for one in text.splitlines() if one.startswith("| bot ")]
    assert "99.9%" in line
    assert "pre-deploy" in text


def test_with_common_it_is_valid_and_keeps_its_people(opsctl):
    assert (
        opsctl("init", "--template", "common", "--template", "bot-service", "--set", "owner=alice").code == 0
    )
    assert opsctl("validate", "--allow-unset") == (0, "valid: 11 services, 27 checks\n", "")
    assert "  owner: [alice]\n" in (opsctl.path / "opsctl.yaml").read_text()


def use_the_real(bot, stand_in, port, *names):
    """Take the stand-ins of programs away, and put the port of a real server in the place of a stand-in's."""
    for name in names:
        (bot.programs.folder / name).unlink()
    for path in (*bot.path.glob("services/*.yaml"), *bot.path.glob("bin/*.sh")):
        path.write_text(path.read_text().replace(f"{stand_in}", f"{port}"))


def test_a_real_cache_says_how_much_it_helps(bot, redis_server):
    use_the_real(bot, bot.cache.port, redis_server.port, "redis-cli")
    talk = ["redis-cli", "-p", str(redis_server.port)]

    def tell(*words):
        subprocess.run([*talk, *words], check=True, capture_output=True)

    tell("config", "resetstat")
    # Nobody asked it for anything, and its memory has no limit.
    assert bot.seen("cache") == {"cache/ping": "up", "cache/use": "degraded"}
    try:
        tell("config", "set", "maxmemory", "100mb")
        tell("set", "a", "1")
        for _ in range(10):
            tell("get", "a")
        assert bot.seen("cache") == {"cache/ping": "up", "cache/use": "up"}
        for _ in range(5):
            tell("get", "b")
        assert bot.seen("cache") == {"cache/ping": "up", "cache/use": "degraded"}
    finally:
        tell("config", "set", "maxmemory", "0")
        tell("flushall")


def test_a_real_database_is_backed_up_and_restored_beside_itself(bot, postgres_server):
    program("pg_dump", "usr/lib/postgresql/*/bin")
    use_the_real(
        bot, bot.database.port, postgres_server.port, "psql", "pg_dump", "pg_restore", "createdb", "dropdb"
    )

    def tell(database, words):
        talk = [
            "psql",
            "-qXAt",
            "-h",
            "127.0.0.1",
            "-p",
            str(postgres_server.port),
            "-U",
            "postgres",
            "-d",
            database,
        ]
        return subprocess.run([*talk, "-c", words], check=True, capture_output=True, text=True).stdout

    tell("postgres", "create role bot login createdb")
    tell("postgres", "create database bot owner bot")
    try:
        tell(
            "bot",
            "create table users (id int); insert into users select generate_series(1, 341); alter table users owner to bot",
        )
        assert bot.seen("database/port", "database/sessions") == {
            "database/port": "up",
            "database/sessions": "up",
        }
        now = datetime.now(UTC).isoformat()
        bot.programs.now(now)
        bot.go("run", "backup", now=now)
        run = bot.go("drill", "database-restore", answers=[DEVIATIONS], now=now)
        (compared,) = [one["message"] for one in run["steps"] if one["step"] == "compare"]
        assert compared == "exit code 0: public.users: 341"
        assert tell("postgres", "select datname from pg_database where datname like 'bot%'") == "bot\n"
        use_the_real(bot, postgres_server.port, bot.database.port)
        assert bot.seen("database/sessions") == {"database/sessions": "down"}
    finally:
        tell("postgres", "drop database if exists bot_restored")
        tell("postgres", "drop database bot")
        tell("postgres", "drop role bot")


def ask(telegram, method, token=TOKEN, **parameters):
    """What the stand-in of Telegram answers to a method with JSON."""
    return telegram.answer(
        "POST", f"/bot{token}/{method}", "application/json", json.dumps(parameters).encode()
    )


def test_the_stand_in_of_telegram_refuses_what_telegram_refuses():
    telegram = Telegram("https://bot.example.com/telegram")
    bad = "Bad Request: "
    said = {
        (401, "Unauthorized"): ask(telegram, "getMe", token=TOKEN[:-1] + "x"),
        (404, "Not Found"): ask(telegram, "getMe", token="no-token"),
        (400, bad + "bad webhook: An HTTPS URL must be provided for webhook"): ask(
            telegram, "setWebhook", url="http://bot.example.com/"),
        (400, bad + "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"): ask(
            telegram, "setWebhook", url="https://bot.example.com:444/"),
        (400, bad + "secret token contains unallowed characters"): ask(
            telegram, "setWebhook", url="https://bot.example.com/", secret_token="a b"),
        (400, bad + "chat_id is empty"): ask(telegram, "sendMessage", text="a"),
        (400, bad + "message text is empty"): ask(telegram, "sendMessage", chat_id=OPS_CHAT, text=" "),
        (400, bad + "message is too long"): ask(telegram, "sendMessage", chat_id=OPS_CHAT, text="a" * 4097),
        (400, bad + "chat not found"): ask(telegram, "sendMessage", chat_id="7", text="a"),
    }  # fmt: skip
    for (code, description), (status, body) in said.items():
        assert (status, body) == (code, {"ok": False, "error_code": code, "description": description})
    moved = ask(telegram, "sendMessage", chat_id=MOVED_CHAT, text="a")
    assert moved[1]["parameters"] == {"migrate_to_chat_id": int(OPS_CHAT)}
    telegram.state = "rate-limited"
    assert ask(telegram, "getMe") == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 14",
            "parameters": {"retry_after": 14},
        },
    )
    telegram.state = "down"
    assert ask(telegram, "getMe") == (502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})
    telegram.close()


def test_the_stand_in_of_telegram_takes_parameters_as_telegram_does():
    telegram = Telegram("https://bot.example.com/telegram")
    form = urlencode({"chat_id": OPS_CHAT, "text": "all well"})
    for method, target, kind, body in (
        ("GET", f"/bot{TOKEN}/sendMessage?{form}", "", b""),
        ("POST", f"/bot{TOKEN}/sendmessage", "application/x-www-form-urlencoded", form.encode()),
        ("POST", f"/bot{TOKEN}/sendMessage", "application/json", json.dumps(dict(parse_qsl(form))).encode()),
    ):
        status, said = telegram.answer(method, target, kind, body)
        assert (status, said["ok"], said["result"]["text"]) == (200, True, "all well")
    assert telegram.sent == [(OPS_CHAT, "all well")] * 3
    telegram.close()
