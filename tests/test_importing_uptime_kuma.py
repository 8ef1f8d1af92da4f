"""What Uptime Kuma watches, taken in from its backup."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from opsctl.importers import ForeignError, Note, fit
from opsctl.importers.kuma_types import WHY_NOT
from opsctl.importers.uptime_kuma import _MAKERS, take

BACKUP = """\
{"version": "1.23.16", "notificationList": [], "proxyList": [{"id": 1, "protocol": "socks", "host": "proxy.example.com", "port": 1080, "auth": false}],
 "monitorList": [
 {"id": 1, "name": "Shop", "type": "group", "interval": 60, "active": true, "parent": null},
 {"id": 2, "name": "Front end", "type": "keyword", "parent": 1, "url": "https://shop.example.com/", "method": "POST", "headers": "{\\"Authorization\\": \\"Bearer s3cret\\", \\"X-A\\": \\"b\\"}", "body": "{\\"a\\": 1}", "keyword": "welcome", "accepted_statuscodes": ["200-299", "401"], "interval": 60, "retryInterval": 20, "timeout": 48, "maxretries": 2, "ignoreTls": true, "expiryNotification": true, "proxyId": 1, "notificationIDList": {"1": true}, "upsideDown": false},
 {"id": 3, "name": "No errors", "type": "keyword", "parent": 1, "url": "https://shop.example.com/log", "keyword": "ERROR", "invertKeyword": true},
 {"id": 4, "name": "Queue", "type": "json-query", "parent": 1, "url": "https://shop.example.com/q", "jsonPath": "$.items[0].n", "jsonPathOperator": "<", "expectedValue": "5"},
 {"id": 5, "name": "db", "type": "port", "hostname": "db.example.com", "port": 5432, "upsideDown": true},
 {"id": 6, "name": "host", "type": "ping", "hostname": "2001:db8::1", "packetSize": 1000},
 {"id": 7, "name": "names", "type": "dns", "hostname": "example.com", "dns_resolve_server": "192.0.2.53, 192.0.2.54", "dns_resolve_type": "MX", "port": 53},
 {"id": 8, "name": "Backup", "type": "push", "interval": 86400, "pushToken": "abc"},
 {"id": 9, "name": "web", "type": "docker", "docker_container": "web", "docker_host": 1},
 {"id": 10, "name": "old", "type": "http", "url": "https://old.example.com", "active": false},
 {"id": 11, "name": "topic", "type": "mqtt", "hostname": "mqtt.example.com"},
 {"id": 12, "name": "nothing", "type": "group"},
 {"id": 13, "name": "odd", "type": "http", "url": "https://a.example.com/${x}"},
 {"id": 14, "name": "gone", "type": "http", "url": "https://a.example.com", "upsideDown": true, "basic_auth_user": "bob", "basic_auth_pass": "pw"}
 ]}
"""
YAML = """\
# Taken in from uptime-kuma by `opsctl import`; look through it, then `opsctl validate` and
# `opsctl check --prove`.
services:
  shop:
    title: Shop
    checks:
      front-end:
        title: Front end
        http:
          url: https://shop.example.com/
          method: POST
          body: '{"a": 1}'
          headers:
            Content-Type: application/json
            Authorization: ${env:FRONT_END_AUTHORIZATION}
            X-A: b
          verify: false
          redirects: 10
          proxy: socks5h://proxy.example.com:1080
        expect:
        - status in 200..401
        - not status in 300..400
        - body contains "welcome"
        warn:
        - expires_in > 21d
        timeout: 48s
        every: 60s
        fail_after: 3
      no-errors:
        title: No errors
        http:
          url: https://shop.example.com/log
          redirects: 10
        expect:
        - status in 200..299
        - not body contains "ERROR"
      queue:
        title: Queue
        http:
          url: https://shop.example.com/q
          redirects: 10
        expect:
        - status in 200..299
        - json.items[0].n < 5
      group:
        group:
        - shop/front-end
        - shop/no-errors
        - shop/queue
        title: Shop
        every: 60s
  db:
    title: db
    checks:
      db:
        title: db
        tcp: db.example.com:5432
        expect:
        - connected == false
  host:
    title: host
    checks:
      host:
        title: host
        ping: 2001:db8::1
        expect:
        - loss < 100%
  names:
    title: names
    checks:
      names:
        title: names
        dns:
          name: example.com
          type: MX
          resolver: 192.0.2.53
        expect:
        - count > 0
  backup:
    title: Backup
    checks:
      backup:
        title: Backup
        heartbeat:
          name: backup
          every: 86400s
  web:
    title: web
    checks:
      web:
        title: web
        docker: web
        expect:
        - healthy == true
  gone:
    title: gone
    checks:
      gone:
        title: gone
        http:
          url: https://a.example.com
          basic:
            username: bob
            password: ${env:GONE_PASSWORD}
          redirects: 10
        expect:
        - not status in 200..299
"""
NOTES = """\
taken	Front end (monitorList[1]).headers.Authorization	put it in the variable FRONT_END_AUTHORIZATION; it does not belong in a file
taken	Front end (monitorList[1]).keyword	became `body contains "welcome"`
taken	Front end (monitorList[1])	became shop/front-end
taken	No errors (monitorList[2])	became shop/no-errors
taken	Queue (monitorList[3]).jsonPath	became `json.items[0].n < 5`; types count here: a number is no text
taken	Queue (monitorList[3])	became shop/queue
taken	db (monitorList[4])	became db/db
taken	host (monitorList[5])	became host/host
taken	Backup (monitorList[7]).pushToken	in place of calling its address, the job says `opsctl heartbeat ok backup`
taken	Backup (monitorList[7])	became backup/backup
taken	web (monitorList[8]).docker_host	the container is looked for on this machine; where it is another, run opsctl there
taken	gone (monitorList[13]).basic_auth_pass	put it in the variable GONE_PASSWORD; it does not belong in a file
taken	gone (monitorList[13])	became gone/gone
taken	Front end (monitorList[1]).ignoreTls	became `verify: false`; CAREFUL: any certificate passes there, and here too: take `verify: false` away where you can
taken	Front end (monitorList[1]).expiryNotification	became `warn: expires_in > 21d`, the first of the days that it has by default; CAREFUL: an expiring certificate never fails there
taken	No errors (monitorList[2]).keyword	became `not body contains "ERROR"`; CAREFUL: an empty page, or another's, passes there, and here too: expect what must be in it
taken	db (monitorList[4]).upsideDown	what is expected was turned round; CAREFUL: it is up there whenever nothing could be asked, also where the fault is the monitor's own
taken	names (monitorList[6])	became names/names; CAREFUL: any record passes there, also a wrong one
taken	web (monitorList[8])	became web/web; CAREFUL: a container that is starting, or restarts again and again, is only pending there, never down
taken	gone (monitorList[13]).upsideDown	what is expected was turned round; CAREFUL: it is up there whenever nothing could be asked, also where the fault is the monitor's own
taken	Shop (monitorList[0])	became shop/group; CAREFUL: members that are paused do not count there, and without members it is only pending
lost	Front end (monitorList[1]).retryInterval	it is tried again after 20 s there; here `every` stays what it is
lost	Front end (monitorList[1]).notificationIDList	whom to tell is not said of a check
lost	host (monitorList[5]).packetSize	opsctl has nothing like it
lost	old (monitorList[9])	it is paused there
lost	topic (monitorList[10])	opsctl does not speak MQTT; a `command` with `mosquitto_sub -C 1 -W 10` may do
lost	odd (monitorList[12])	a text with `${` cannot be said in opsctl, where that is a reference to a secret
lost	names (monitorList[6]).dns_resolve_server	one is asked here, the first; write a check for each other; CAREFUL: one that answers hides the others there
lost	nothing (monitorList[11])	nothing is in it that came along; CAREFUL: members that are paused do not count there, and without members it is only pending
10 checks; 8 lines lost; 10 lines that passed when it must not
"""


def test_a_backup_becomes_services_with_a_note_on_every_line(opsctl):
    opsctl.write("backup.json", BACKUP).write("opsctl.yaml", "version: 1\nname: Shop\n")
    ran = opsctl("import", "uptime-kuma", str(opsctl.path / "backup.json"))
    assert (ran.code, ran.out, ran.err) == (1, YAML, NOTES)
    opsctl.write("services/kuma.yaml", YAML)
    assert opsctl("validate", "--allow-unset").out == "valid: 7 services, 10 checks\n"


def test_what_all_comes_along_exits_0(opsctl):
    monitor = {"type": "ping", "name": "Host", "hostname": "a.example", "interval": 60, "description": None}
    opsctl.write("backup.json", json.dumps({"version": "1.23.16", "monitorList": [monitor]}))
    ran = opsctl("import", "uptime-kuma", str(opsctl.path / "backup.json"))
    assert ran.code == 0
    assert yaml.safe_load(ran.out)["services"] == {
        "host": {
            "title": "Host",
            "checks": {
                "host": {"title": "Host", "ping": "a.example", "expect": ["loss < 100%"], "every": "60s"}
            },
        }
    }
    assert (
        ran.err
        == "taken\tHost (monitorList[0])\tbecame host/host\n1 check; 0 lines lost; 0 lines that passed when it must not\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "backup.json:1:1: it is empty"),
        ("[]", "backup.json:1:1: it cannot be taken in: it is no object; is this a backup of Uptime Kuma?"),
        ("{}", "backup.json:1:1: it cannot be taken in: it has no list `monitorList`"),
        (
            '{"version": "1",\n "monitorList": "x"}',
            "backup.json:2:17: it cannot be taken in: it has no list `monitorList`",
        ),
        (
            '{"monitorList": [\n  {"id" 1}]}',
            "backup.json:2:9: it cannot be taken in: it is not readable as JSON",
        ),
        ('{"monitorList": NaN}', "it is not readable as JSON: NaN is no value of JSON"),
        ('{"monitorList": ["\\ud800"]}', "it is not readable as JSON"),
        ("[" * 100_000, "it is not readable as JSON"),
    ],
)
def test_what_is_no_backup_is_told_with_its_place(opsctl, text, words):
    (opsctl.path / "backup.json").write_text(text)
    ran = opsctl("import", "uptime-kuma", str(opsctl.path / "backup.json"))
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


@pytest.mark.parametrize(
    ("codes", "expect"),
    [
        (["200-299"], ["status in 200..299"]),
        (["204"], ["status == 204"]),
        ([], ["status in 200..299"]),
        (["300-399", "200-299"], ["status in 200..399"]),
        (
            ["200-299", "401", "500-503"],
            ["status in 200..503", "not status in 300..400", "not status in 402..499"],
        ),
        (["200-500", "201-204", "502"], ["status in 200..502", "status != 501"]),
    ],
)
def test_codes_become_one_span_without_what_is_between(codes, expect):
    found = take(
        {"monitorList": [{"type": "http", "url": "https://a.example", "accepted_statuscodes": codes}]}
    )
    assert found.services["https-a.example"]["checks"]["https-a.example"]["expect"] == expect


@pytest.mark.parametrize(
    ("terms", "note"),
    [
        ({"accepted_statuscodes": ["2xx"]}, "`2xx` is no code of a status, nor codes from one to another"),
        ({"url": "ftp://a.example"}, "`ftp://a.example` is no address for http"),
        ({"url": None}, "it has no `url`"),
        (
            {"url": "https://bob:pw@a.example"},
            "opsctl does not take it: a password in an address ends up in logs",
        ),
        ({"proxyId": 7}, "its proxy is not in the backup, or wants a password; write it as `proxy`"),
        ({"upsideDown": True, "accepted_statuscodes": ["200", "204"]}, "upside down, it is up where any one"),
        ({"type": "keyword", "keyword": ""}, "it has no `keyword`"),
        ({"type": "keyword", "keyword": "a", "upsideDown": True}, "upside down, it is up where any one"),
        (
            {"type": "dns", "hostname": "a.example", "dns_resolve_type": "ANY"},
            "opsctl asks for no records of type `ANY`",
        ),
        ({"type": "push", "interval": 0}, "it has no `interval`"),
        ({"active": 0}, "it is paused there"),
        ({"body": "${x}"}, "a text with `${` cannot be said in opsctl"),
    ],
)
def test_a_monitor_that_cannot_be_said_is_lost(terms, note):
    found = take({"monitorList": [{"type": "http", "name": "a", "url": "https://a.example", **terms}]})
    assert found.services == {}
    (last,) = [one for one in found.notes if one.where.endswith("(monitorList[0])")]
    assert last.lost
    assert last.text.startswith(note)


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        ({"jsonPath": "$", "expectedValue": "ok"}, 'json == "ok"'),
        ({"jsonPath": "a.b[2].c", "expectedValue": "5"}, "json.a.b[2].c == 5"),
        ({"jsonPath": "$.a", "jsonPathOperator": "!=", "expectedValue": "true"}, "json.a != true"),
        ({"jsonPath": "$.a", "jsonPathOperator": "contains", "expectedValue": "5"}, 'json.a contains "5"'),
        ({"jsonPath": "$.a", "jsonPathOperator": ">", "expectedValue": "many"}, ""),
        ({"jsonPath": "$count(a)", "expectedValue": "5"}, ""),
    ],
)
def test_a_query_becomes_an_expectation_or_is_lost(terms, written):
    found = take({"monitorList": [{"type": "json-query", "name": "a", "url": "https://a.example", **terms}]})
    assert found.services["a"]["checks"]["a"]["expect"][1:] == ([written] if written else [])
    assert any(one.lost for one in found.notes) == (not written)


def test_groups_in_groups_are_judged_by_what_is_in_them_and_none_goes_round_in_a_circle():
    ping = {"type": "ping", "hostname": "a.example"}
    found = take(
        {
            "monitorList": [
                {"type": "group", "id": 1, "name": "All"},
                {"type": "group", "id": 2, "name": "Some", "parent": 1},
                {**ping, "id": 3, "name": "One", "parent": 2},
                {**ping, "id": 4, "name": "Two", "parent": 1},
                {"type": "group", "id": 5, "name": "Egg", "parent": 6},
                {"type": "group", "id": 6, "name": "Hen", "parent": 5},
            ]
        }
    )
    checks = {
        f"{name}/{one}": check
        for name, terms in found.services.items()
        for one, check in terms["checks"].items()
    }
    assert set(checks) == {"some/one", "all/two", "some/group", "all/group"}
    assert checks["all/group"]["group"] == ["some/group", "all/two"]
    assert Note("Egg (monitorList[4])", "it is in itself, by way of its parent", lost=True) in found.notes


HEALTH = 'syntax = "proto3"; package grpc.health.v1; service Health { rpc Check(A) returns (B); }'
DSN = "databaseConnectionString"


@pytest.mark.parametrize(
    ("monitor", "check", "lost"),
    [
        ({"type": "redis", DSN: "redis://bob:pw@a.example/0"},
         {"redis": {"address": "a.example:6379", "user": "bob", "password": "${env:X_PASSWORD}"},
          "expect": ["pong == true"]}, []),
        ({"type": "redis", DSN: "rediss://a.example", "ignoreTls": True},
         {"redis": {"address": "a.example:6379", "tls": True, "verify": False}, "expect": ["pong == true"]}, []),
        ({"type": "redis", DSN: "unix:///run/redis"}, None, ["`unix://...` is no address that opsctl takes"]),
        ({"type": "postgres", DSN: "postgres://app:p%40w@db.example/shop?sslmode=require&application_name=k"},
         {"postgres": {"address": "db.example:5432", "tls": "verify", "database": "shop", "user": "app",
                       "password": "${env:X_PASSWORD}"},
          "expect": ["version exists"]}, ["`application_name`: opsctl has nothing like it"]),
        ({"type": "postgres", DSN: "postgresql://[::1]:5433/", "databaseQuery": "select count(*) from jobs;"},
         {"postgres": {"address": "[::1]:5433", "tls": "none", "query": "select count(*) from jobs"},
          "expect": ["rows >= 0"]}, []),
        ({"type": "mysql", DSN: "mysql://app@db.example"},
         {"mysql": {"address": "db.example:3306", "user": "app", "query": "select 1"}, "expect": ["rows >= 0"]}, []),
        ({"type": "mysql", DSN: "mysql://app:old@db.example/shop", "radiusPassword": "pw"},
         {"mysql": {"address": "db.example:3306", "user": "app", "password": "${env:X_PASSWORD}", "database": "shop"},
          "expect": ["authenticated == true"]}, []),
        ({"type": "mysql", DSN: "mysql://db.example?ssl=x", "databaseQuery": "select 2", "conditions": [{"value": "2"}]},
         {"mysql": {"address": "db.example:3306", "query": "select 2"}, "expect": ["rows >= 0"]},
         ["`ssl=x`: opsctl has nothing like it", "write them as expectations, as `value == 5`"]),
        ({"type": "smtp", "hostname": "mail.example", "port": 465, "smtpSecurity": "secure"},
         {"smtp": {"address": "mail.example:465", "tls": "direct"}, "expect": ["status == 220"]}, []),
        ({"type": "smtp", "hostname": "mail.example"},
         {"smtp": {"address": "mail.example:25", "tls": "starttls"}, "expect": ["status == 220"]}, []),
        ({"type": "grpc-keyword", "grpcUrl": "a.example:443", "grpcEnableTls": True, "grpcServiceName": "Health",
          "grpcMethod": "check", "grpcProtobuf": HEALTH, "grpcBody": '{"service": "shop"}', "keyword": "SERVING"},
         {"grpc": {"address": "a.example:443", "service": "shop"}, "expect": ["serving == true"]}, []),
        ({"type": "grpc-keyword", "grpcUrl": "a.example:443", "grpcServiceName": "Shop", "grpcMethod": "Buy"}, None,
         ["opsctl calls `grpc.health.v1.Health/Check` only"]),
        ({"type": "ntp", "hostname": "time.example", "ntpStratumThreshold": 4},
         {"clock": {"server": "time.example"}, "expect": ["offset < 1000ms", "stratum < 4", "synchronised == true"]},
         ["write a check of type `ntp` too, which expects `root_dispersion < 500ms`"]),
        ({"type": "system-service", "system_service_name": "nginx"},
         {"systemd": "nginx", "expect": ['active in ["active", "reloading"]']}, []),
        ({"type": "rabbitmq", "rabbitmqNodes": ["https://mq.example/"], "rabbitmqUsername": "bob"},
         {"http": {"url": "https://mq.example/api/health/checks/alarms/",
                   "basic": {"username": "bob", "password": "${env:X_PASSWORD}"}},
          "expect": ["status == 200"]}, []),
        ({"type": "port", "hostname": "a.example", "port": 993, "smtpSecurity": "secure", "expiryNotification": True},
         {"tls": "a.example:993", "expect": ["valid == true"]}, []),
        ({"type": "port", "hostname": "a.example", "port": 143, "smtpSecurity": "starttls", "expiryNotification": True},
         {"tls": {"address": "a.example:143", "starttls": "imap"}, "expect": ["valid == true"]}, []),
        ({"type": "dns", "hostname": "a.example",
          "conditions": [{"variable": "record", "operator": "equals", "value": "192.0.2.1"}]},
         {"dns": {"name": "a.example", "type": "A"}, "expect": ["count > 0", 'any(answers) == "192.0.2.1"']}, []),
        ({"type": "websocket-upgrade", "url": "wss://a.example", "wsSubprotocol": "mqtt", "headers": '{"X-A": "b"}',
          "authMethod": "bearer", "bearer_token": "t", "accepted_statuscodes": ["1000"]},
         {"websocket": {"url": "wss://a.example", "headers": {"X-A": "b", "Authorization": "Bearer ${env:X_TOKEN}"},
                        "subprotocol": "mqtt"},
          "expect": ["status == 101"]}, []),
        ({"type": "steam"}, None, ["opsctl knows no games"]),
        ({"type": "real-browser"}, None, ["opsctl runs no browser"]),
    ],
)  # fmt: skip
def test_a_monitor_becomes_the_check_of_its_kind(monitor, check, lost):
    found = take({"monitorList": [{"name": "X", **monitor}]})
    assert found.services == (
        {"x": {"title": "X", "checks": {"x": {"title": "X", **check}}}} if check else {}
    )
    told = [one.text for one in found.notes if one.lost]
    assert len(told) == len(lost)
    assert all(text.startswith(start) for text, start in zip(told, lost, strict=True))


@pytest.mark.parametrize(
    ("monitor", "careful"),
    [
        ({"type": "http", "url": "https://a.example", "accepted_statuscodes": ["200-599"]}, "a server that fails"),
        ({"type": "http", "url": "https://a.example", "ignoreTls": True}, "any certificate passes there"),
        ({"type": "http", "url": "https://a.example", "upsideDown": True}, "it is up there whenever nothing could be"),
        ({"type": "grpc-keyword", "grpcUrl": "a.example:443", "grpcServiceName": "Health", "grpcMethod": "check",
          "grpcProtobuf": HEALTH, "keyword": "SERVING"}, "`NOT_SERVING` holds the keyword too"),
        ({"type": "postgres", DSN: "postgres://a.example", "databaseQuery": "select 2"}, "any answer passes there"),
        ({"type": "port", "hostname": "a.example", "port": 993, "smtpSecurity": "secure"}, "the certificate is not"),
    ],
)  # fmt: skip
def test_what_could_not_fail_there_is_pointed_out(monitor, careful):
    found = take({"monitorList": [{"name": "X", **monitor}]})
    assert [one for one in found.notes if careful in one.open]


def test_two_monitors_do_not_share_a_secret():
    page = {"type": "http", "url": "https://a.example", "authMethod": "bearer"}
    found = take({"monitorList": [{"name": "One", **page}, {"name": "2nd", **page}]})
    checks = [check for service in found.services.values() for check in service["checks"].values()]
    assert [check["http"]["bearer"] for check in checks] == ["${env:ONE_TOKEN}", "${env:_2ND_TOKEN}"]


def test_monitors_of_one_name_share_neither_a_secret_nor_a_heartbeat():
    page = {"type": "http", "url": "https://a.example", "authMethod": "bearer", "name": "API"}
    job = {"type": "push", "interval": 60, "name": "Backup"}
    found = take({"monitorList": [page, page, job, job]})
    checks = [check for service in found.services.values() for check in service["checks"].values()]
    assert [check["http"]["bearer"] for check in checks[:2]] == ["${env:API_TOKEN}", "${env:API_2_TOKEN}"]
    assert [check["heartbeat"]["name"] for check in checks[2:]] == ["backup", "backup-2"]


def test_a_cache_that_was_gone_round_is_named():
    found = take({"monitorList": [{"type": "http", "url": "https://a.example", "cacheBust": 1}]})
    assert [one.text for one in found.notes if one.lost] == [
        "a cache may answer here: ask it not to by `headers`, as `Cache-Control: no-cache`"
    ]


@pytest.mark.parametrize("key", ["smtpSecurity", "ipFamily", "docker_host"])
def test_a_field_of_another_type_keeps_nothing_from_being_taken_in(key):
    pages = [
        {"type": "http", "url": "https://a.example"},
        {"type": "port", "hostname": "a.example", "port": 25},
    ]
    found = take({"monitorList": [{**one, key: {"a": []}} for one in pages], "dockerHostList": [{"id": []}]})
    assert len(found.services) == 2


_MONITOR = st.dictionaries(
    st.sampled_from(
        ["type", "id", "parent", "name", "url", "hostname", "port", "interval", "timeout", "maxretries", "upsideDown",
         "headers", "body", "keyword", "accepted_statuscodes", "jsonPath", "expectedValue", "dns_resolve_server",
         "docker_container", "proxyId", "active", "basic_auth_user", "method", "maxredirects",
         "databaseConnectionString", "databaseQuery", "smtpSecurity", "expiryNotification", "grpcUrl", "conditions",
         "rabbitmqNodes", "system_service_name", "wsSubprotocol", "docker_host", "ping_count"]
    ),
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats(allow_nan=False) | st.text(max_size=9)
    | st.sampled_from(["http", "keyword", "json-query", "port", "ping", "dns", "push", "docker", "group",
                       "https://a.example", "a.example", "200-299", "redis://a", "postgres://b@c/d?e=f", "mysql://[::1]",
                       "redis://:x@a:b", "starttls", "secure"])
    | st.lists(st.text(max_size=5) | st.integers(), max_size=2) | st.just({"a": "b"}),
    max_size=12,
)  # fmt: skip


@given(
    st.lists(_MONITOR, max_size=4),
    st.sampled_from([*_MAKERS, *WHY_NOT, "group"]),
)
@example([{"rabbitmqNodes": True}], "rabbitmq")
def test_what_comes_along_is_valid_whatever_the_monitors_say(monitors, type_):
    likely = {"url": "https://a.example", "hostname": "a.example", "port": 80, "interval": 60, "keyword": "a"}
    data = {"monitorList": [*monitors, *({**likely, "type": type_, **one} for one in monitors)]}
    try:
        found = take(data)
    except ForeignError:
        assert not monitors
        return
    for terms in found.services.values():
        for check in terms["checks"].values():
            fit(check)
    places = {place for one in found.notes for place in re.findall(r"monitorList\[[0-9]+\]", one.where)}
    assert places >= {f"monitorList[{number}]" for number in range(len(data["monitorList"]))}
