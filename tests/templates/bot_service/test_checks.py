"""What each check of the template `bot-service` says of each condition of what a bot lives with."""

from __future__ import annotations

import pytest
from templates.bot_service.workspace import SECRETS

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


def test_with_common_it_is_valid_and_keeps_its_people(opsctl):
    assert (
        opsctl("init", "--template", "common", "--template", "bot-service", "--set", "owner=alice").code == 0
    )
    assert opsctl("validate", "--allow-unset") == (0, "valid: 11 services, 27 checks\n", "")
    assert "  owner: [alice]\n" in (opsctl.path / "opsctl.yaml").read_text()
