"""The template `bot-service` as its tests ask for it."""

from __future__ import annotations

import os
from datetime import datetime

import pytest
from servers import program
from templates.bot_service.vendors import OPS_CHAT, USERS_CHAT, Health, Listener, Telegram, programs
from templates.bot_service.workspace import NOW, SETTINGS, Bot, forget_trust
from templates.unhurried import unhurried


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
