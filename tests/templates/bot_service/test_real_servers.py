"""The template `bot-service` with a real cache and a real database; and its stand-in of Telegram."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from servers import program
from templates.bot_service.vendors import MOVED_CHAT, OPS_CHAT, TOKEN, Telegram
from templates.bot_service.workspace import DEVIATIONS


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
