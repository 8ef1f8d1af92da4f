"""The gates of the template `bot-service`: what each item sees, and what they wait for."""

from __future__ import annotations

import json

import pytest
from templates.bot_service.vendors import TOKEN
from templates.bot_service.workspace import PRODUCTION, SETTINGS, accept, practise, write_plan


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
