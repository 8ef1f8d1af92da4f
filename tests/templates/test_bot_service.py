"""The template `bot-service` against stand-ins of all that a bot lives with: what each check says of each condition."""

from __future__ import annotations

import json
import os
from datetime import datetime

import pytest
from templates.vendors_bot import (
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

    def __init__(self, opsctl, telegram, health, commands, folder):
        self.opsctl, self.telegram, self.health, self.programs = opsctl, telegram, health, commands
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
        an_hour_ago = datetime.fromisoformat(NOW).timestamp() - 3000
        os.utime(folder / name, (an_hour_ago, an_hour_ago))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    forget_trust()
    made = Bot(opsctl, telegram, health, programs(folder / "programs", NOW), folder)
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
    # Friday is no day for a deployment.
    assert bot.verdicts("pre-deploy", *PRODUCTION, now="2026-11-20T09:00:00Z") == (1, {"window": "fail"})


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
    assert bot.telegram.sent() == [
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
    assert bot.telegram.sent()[-1] == (OPS_CHAT, "Version 1.5.0 was taken back; 1.4.2 runs again.")
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
    assert (bot.telegram.sent(), bot.programs.calls("docker compose")) == ([], [])


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
    assert steps(run) == dict.fromkeys(("dump", "configuration", "old", "ended"), "ok")
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
    assert bot.telegram.sent() == [(USERS_CHAT, (
        "Version 1.5.0 is out.\n\nFeatures\nWhat features means.\n\nKnown issues\nWhat known issues means.\n"
        "\nFeedback\nWhat feedback means.\n\nHelp\nWhat help means."
    ))]  # fmt: skip
