"""What the template `bot-service` does by itself: cron's messages, routines and reports."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from templates.bot_service.vendors import OPS_CHAT, OPS_TOKEN
from templates.bot_service.workspace import BEFORE, NOW, PRODUCTION, accept, practise, write_plan

THEN = "2026-12-06T14:05:00Z"


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
    assert "\n    runbook: opsctl runbook run restart-service\n" in texts[1]
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
        bot.check("bot", now=f"2026-11-19T11:{minute:02}:00Z")
    bot.verdicts("pre-deploy", *PRODUCTION, now=BEFORE)
    for period in ("daily", "weekly", "monthly", "handover", "standup"):
        ran = bot("report", period)
        assert (ran.code, ran.err) == (0, ""), period
    text = bot("report", "daily").out
    assert "## Services against target" in text
    (line,) = [one for one in text.splitlines() if one.startswith("| bot ")]
    assert "99.9%" in line
    assert "pre-deploy" in text
