"""What Uptime Kuma watches, taken in from its database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import yaml


def database(path, *monitors):
    columns = dict.fromkeys(key for one in monitors for key in one)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"create table monitor ({', '.join(columns)})")
        db.execute("create table proxy (id, protocol, host, port, auth)")
        db.execute("create table docker_host (id, docker_daemon, docker_type)")
        db.execute("insert into proxy values (7, 'http', 'proxy.example', 3128, 0)")
        db.execute(
            "insert into docker_host values (1, '/run/podman.sock', 'socket'), (2, 'http://b:2375', 'tcp')"
        )
        for one in monitors:
            db.execute(
                f"insert into monitor values ({', '.join('?' * len(columns))})",
                [one.get(key) for key in columns],
            )
        db.commit()


def test_a_database_of_version_2_is_read_as_a_backup_is(opsctl):
    common = {"active": 1, "user_id": 1, "created_date": "2026-01-01", "interval": 60, "maxretries": 1}
    database(
        opsctl.path / "kuma.db",
        {"id": 3, "name": "Page", "type": "http", "url": "https://a.example", "accepted_statuscodes_json": '["204"]',
         "ignore_tls": 0, "upside_down": 1, "retry_interval": 60, "proxy_id": 7, "basic_auth_user": "", **common},
        {"id": 4, "name": "Box", "type": "docker", "docker_host": 1, "docker_container": "web", **common},
        {"id": 5, "name": "Far", "type": "docker", "docker_host": 2, "docker_container": "web", **common},
        {"id": 6, "name": "All", "type": "group", **common, "active": 0},
        {"id": 7, "name": "In it", "type": "ping", "hostname": "a.example", "parent": 6, **common},
        {"id": 8, "name": "Name", "type": "dns", "hostname": "a.example", **common,
         "conditions": '[{"variable": "record", "operator": "contains", "value": "192."}]'},
    )  # fmt: skip
    ran = opsctl("import", "uptime-kuma", "kuma.db")
    assert ran.code == 1
    services = yaml.safe_load(ran.out)["services"]
    assert {name: next(iter(one["checks"].values())) for name, one in services.items()} == {
        "page": {"title": "Page", "http": {"url": "https://a.example", "redirects": 10,
                                           "proxy": "http://proxy.example:3128"},
                 "expect": ["not status == 204"], "every": "60s", "fail_after": 2},
        "box": {"title": "Box", "docker": {"container": "web", "socket": "/run/podman.sock"},
                "expect": ["healthy == true"], "every": "60s", "fail_after": 2},
        "name": {"title": "Name", "dns": {"name": "a.example", "type": "A"}, "every": "60s", "fail_after": 2,
                 "expect": ["count > 0", 'any(answers) contains "192."']},
    }  # fmt: skip
    lost = [line for line in ran.err.splitlines() if line.startswith("lost")]
    assert lost == [
        "lost\tFar (monitor 5)\topsctl asks Docker by its socket, not at `http://b:2375`; run opsctl there",
        "lost\tIn it (monitor 7)\tit is paused there",
        "lost\tAll (monitor 6)\tit is paused there",
    ]


def test_a_database_of_which_a_column_is_missing_is_read(opsctl):
    group = {"id": 1, "name": "All", "type": "group"}
    inner = {"id": 2, "name": "In it", "type": "ping", "hostname": "a.example", "parent": 1}
    database(opsctl.path / "kuma.db", group, inner)
    ran = opsctl("import", "uptime-kuma", "kuma.db")
    assert (ran.code, list(yaml.safe_load(ran.out)["services"]["all"]["checks"])) == (0, ["in-it", "group"])


def test_a_database_is_left_as_it_was(opsctl):
    path = opsctl.path / "kuma.db"
    database(path, {"id": 1, "name": "A", "type": "ping", "hostname": "a.example", "active": 1})
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("update monitor set name = 'B'")
        db.commit()
        before = sorted(one.name for one in opsctl.path.iterdir())
        # What is not yet in the file itself is read where it is.
        assert "title: B" in opsctl("import", "uptime-kuma", "kuma.db").out
        assert sorted(one.name for one in opsctl.path.iterdir()) == before
    assert opsctl("import", "uptime-kuma", "kuma.db").code == 0
    assert [one.name for one in opsctl.path.iterdir() if one.name.startswith("kuma")] == ["kuma.db"]


@pytest.mark.parametrize(
    ("value", "words"), [("1", "it has more than 5000 monitors; split it"), ("zeroblob(1000000)", "too big")]
)
def test_a_database_without_an_end_is_refused(opsctl, value, words):
    with closing(sqlite3.connect(opsctl.path / "kuma.db")) as db:
        endless = "with recursive more(id) as (select 1 union all select id + 1 from more limit 9999)"
        db.execute(f"create view monitor as {endless} select id, {value} as name from more")
    ran = opsctl("import", "uptime-kuma", "kuma.db")
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_a_database_of_something_else_is_told(opsctl):
    with closing(sqlite3.connect(opsctl.path / "other.db")) as db:
        db.execute("create table a (b)")
    ran = opsctl("import", "uptime-kuma", "other.db")
    assert (ran.code, ran.out) == (2, "")
    assert (
        "other.db: it cannot be taken in: it cannot be read as a database of Uptime Kuma: no such table"
        in ran.err
    )
