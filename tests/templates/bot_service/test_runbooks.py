"""The runbooks of the template `bot-service`: deployments and the ways back, backups and restores, and messages."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from templates.bot_service.vendors import OPS_CHAT, OPS_TOKEN, PASSWORD, SECRET, USERS_CHAT
from templates.bot_service.workspace import DEPLOY, DEVIATIONS, PRODUCTION, write_plan

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
    said = [word for one in RUNBOOKS[name] for word in ("--set", one)]
    ran = bot("runbook", "run", name, "--dry-run", "--env", "staging", *said)
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
