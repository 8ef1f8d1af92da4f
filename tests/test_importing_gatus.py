"""What Gatus checks, taken in: conditions, endpoints, and suites as flows."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from web import Answer

from opsctl.checks.http import HttpCheck
from opsctl.expectations import parse
from opsctl.importers import Note, importer
from opsctl.importers.gatus_conditions import Context, expectation
from opsctl.judging import judge

GATUS = """
    metrics: true
    endpoints:
      - name: Front end
        group: Core
        url: "https://shop.example.com/health?k=${TOKEN}"
        interval: 30s
        headers: {Authorization: "Bearer $TOKEN"}
        client: {timeout: 5s, insecure: true, ignore-redirect: true}
        conditions: ["[STATUS] == any(200, 204)", "[BODY].status == UP", "[STATUSS] < 300", "[RESPONSE_TIME] < 300"]
        alerts: [{type: slack}]
      - {name: off, enabled: false, url: "https://off.example.com", conditions: ["[STATUS] == 200"]}
      - {name: db, group: Core, url: "tcp://db.example.com:5432", conditions: ["[CONNECTED] == true"]}
      - {name: cert, url: "tls://shop.example.com:443", conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]}
      - {name: host, url: "icmp://shop.example.com", conditions: ["[CONNECTED] == true"]}
      - name: names
        url: 192.0.2.53
        dns: {query-name: example.com, query-type: MX}
        conditions: ["[DNS_RCODE] == NOERROR", "[BODY] == pat(mail.*)"]
      - {name: old, url: "sctp://shop.example.com", conditions: []}
"""


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        # A body is trimmed there.
        ("[BODY] == pat(*k)", ["ok", "ok\n", "k", " \nok \r\n"], ["ok\n.", "oK"]),
        ("[BODY] == pat(o?)", ["ok", "ok\n", "\nok "], ["o", "o\n", "o \n", "o.\n."]),
        ("[BODY] == pat(?k)", [" ok", "ok"], [" k", "k"]),
        ("[BODY] == pat(a*)", ["a", "a\nb\n", " a"], ["ba"]),
        # A value in it is not.
        ("[BODY].x == pat(*k)", [{"x": "ok"}], [{"x": "ok\n"}]),
    ],
)
def test_a_pattern_of_gatus_is_about_all_of_a_text(condition, met, unmet):
    written, _ = expectation(condition, Context("http"), "")
    about = parse(written, HttpCheck.SUBJECTS)
    name = "json" if ".x" in condition else "body"
    assert [judge(about, {name: one}).verdict for one in met] == [True] * len(met)
    assert [judge(about, {name: one}).verdict for one in unmet] == [False] * len(unmet)


def test_gatus_becomes_services_that_are_valid(opsctl):
    opsctl.write("gatus.yaml", GATUS)
    ran = opsctl(
        "import", "gatus", str(opsctl.path / "gatus.yaml"), "--out", str(opsctl.path / "services/gatus.yaml")
    )
    (opsctl.path / "services").mkdir(exist_ok=True)
    ran = opsctl(
        "import", "gatus", str(opsctl.path / "gatus.yaml"), "--out", str(opsctl.path / "services/gatus.yaml")
    )
    assert ran.code == 1
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    assert opsctl("validate", "--allow-unset").out == "valid: 4 services, 5 checks\n"
    services = yaml.safe_load((opsctl.path / "services/gatus.yaml").read_text())["services"]
    assert services["core"]["checks"]["front-end"] == {
        "http": {
            "url": "https://shop.example.com/health?k=${env:TOKEN}",
            "headers": {"Authorization": "Bearer ${env:TOKEN}"},
            "verify": False,
        },
        "timeout": "5s",
        "expect": ["status in [200, 204]", 'json.status == "UP"', "latency < 300ms"],
        "every": "30s",
    }
    assert services["names"]["checks"]["names"]["expect"] == [
        'rcode == "NOERROR"',
        r"any(answers) matches /^mail\..*\Z/",
    ]
    lines = ran.err.splitlines()
    assert (
        "lost\tendpoints[0].conditions[2]\t`[STATUSS] < 300`: opsctl's http check has no such subject"
        in lines
    )
    assert (
        "lost\tendpoints[0].alerts\twhom to tell, and after how many failures, is not said here; `fail_after` may do"
        in lines
    )
    assert "lost\tendpoints[1]\tit is switched off there" in lines
    assert "lost\tendpoints[6]\topsctl has no check for `sctp://`" in lines
    assert lines[-1] == "5 checks; 5 lines lost; 2 lines that passed when it must not"


@pytest.mark.parametrize(
    ("condition", "written", "careful"),
    [
        ("[STATUS] == 200", "status == 200", False),
        ("[STATUS] < 500", "status < 500", True),
        ("[STATUS] != 500", "status != 500", True),
        ("[STATUS] == pat(2*)", "status in 200..299", False),
        ("[RESPONSE_TIME] < 300", "latency < 300ms", True),
        ("[BODY].queue < 100", "json.queue < 100", True),
        ("[BODY].status != DOWN", 'json.status != "DOWN"', True),
        ("[BODY].user.name == john", 'json.user.name == "john"', False),
        ("[BODY].items[0].id == 1", "json.items[0].id == 1", False),
        ("[BODY] == pat(*<title>Shop*)", 'body contains "<title>Shop"', False),
        ("[BODY] == pat(a*/b?)", r"body matches /(?s)^\s*a.*\/b\S\s*\Z/", False),
        ("[BODY] == pat(*)", "", True),
        ("[BODY] != pat(*)", "", False),
        ("[BODY] == pat(a[bc])", "", False),
        ("len([BODY].data) > 0", "len(json.data) > 0", False),
        ("len([BODY].data) < 5", "len(json.data) < 5", True),
        ("len([BODY]) < 5", "len(body) < 5", True),
        ("len([BODY]) == 0", "len(body) == 0", True),
        ("[BODY] == ", 'body == ""', True),
        ("has([BODY].errors) == false", "not json.errors exists", True),
        ("has([BODY].errors) != true", "not json.errors exists", True),
        ("has([BODY].id) != false", "json.id exists", False),
        ("[CERTIFICATE_EXPIRATION] < 48h", "expires_in < 48h", True),
        ("has([BODY].id) == true", "json.id exists", False),
        ("[CERTIFICATE_EXPIRATION] > 48h", "expires_in > 48h", False),
        ("[CERTIFICATE_EXPIRATION] > 14d", "", False),
        ("[CONNECTED] == true", "status > 0", False),
        ("[DOMAIN_EXPIRATION] > 720h", "", False),
        ("[STATUS] == any(200, 500)", "status in [200, 500]", False),
        ("[BODY].ok == true", "json.ok == true", False),
        ("[RESPONSE_TIME] > 3OO", "", False),
        ("what is this", "", True),
    ],
)
def test_a_condition_becomes_an_expectation_and_says_how_it_failed_open(condition, written, careful):
    found, note = expectation(condition, Context("http", tls=True), "x")
    assert found == written
    assert note.lost == (not written)
    assert bool(note.open) == careful


MORE_GATUS = """
    external-endpoints:
      - {name: Backup, group: Jobs, token: abc, heartbeat: {interval: 24h}}
      - {name: Deploy, group: Jobs, token: abc}
    suites: [{name: visit, endpoints: [{name: a, url: "https://a.example.com"}]}]
    endpoints:
      - {name: rpc, url: "grpcs://rpc.example.com:443", client: {insecure: true}, conditions: ["[CONNECTED] == true", "[BODY].status == SERVING"]}
      - {name: mail, url: "starttls://mail.example.com:587", conditions: ["[CONNECTED] == true", "[CERTIFICATE_EXPIRATION] > 48h"]}
      - {name: echo, url: "tcp://echo.example.com:7", body: hello, conditions: ["[BODY] == hello"]}
      - {name: graph, url: "https://graph.example.com", method: POST, graphql: true, body: "{ a }", conditions: ["[STATUS] == 200"]}
      - {name: registry, url: "https://www.example.org", interval: 1h, conditions: ["[STATUS] == 200", "[DOMAIN_EXPIRATION] > 720h"]}
      - {name: deep, url: "https://a.shop.example.co.uk", conditions: ["[DOMAIN_EXPIRATION] > 720h"]}
      - {name: lines, url: "udp://a.example.com:53", conditions: ["[CONNECTED] == true"]}
      - {name: v4, url: "icmp://a.example.com", client: {network: ip4, dns-resolver: "tcp://192.0.2.1:53"}, conditions: ["[CONNECTED] == true"]}
"""


def test_what_else_gatus_has_becomes_a_check_or_is_told(opsctl):
    opsctl.write("gatus.yaml", MORE_GATUS).write("opsctl.yaml", "version: 1\nname: Shop\n").write(
        "services/x.txt", ""
    )
    ran = opsctl("import", "gatus", "gatus.yaml", "--out", "services/gatus.yaml")
    assert ran.code == 1
    assert opsctl("validate", "--allow-unset").code == 0
    services = yaml.safe_load((opsctl.path / "services/gatus.yaml").read_text())["services"]
    assert {f"{name}/{one}": check for name, terms in services.items() for one, check in terms["checks"].items()} == {
        "rpc/rpc": {"grpc": {"address": "rpc.example.com:443", "verify": False},
                    "expect": ["serving == true", 'state == "SERVING"'], "every": "60s"},
        "mail/mail": {"tls": {"address": "mail.example.com:587", "starttls": "smtp"},
                      "expect": ["valid == true", "expires_in > 48h"], "every": "60s"},
        "echo/echo": {"tcp": {"address": "echo.example.com:7", "send": "hello"}, "expect": ['received == "hello"'],
                      "every": "60s"},
        "graph/graph": {"http": {"url": "https://graph.example.com", "method": "POST", "body": '{"query": "{ a }"}',
                                 "headers": {"Content-Type": "application/json"}, "redirects": 10},
                        "expect": ["status == 200"], "every": "60s"},
        "registry/registry": {"http": {"url": "https://www.example.org", "redirects": 10},
                              "expect": ["status == 200"], "every": "1h"},
        "registry/registry-domain": {"domain": "example.org", "expect": ["expires_in > 720h"], "every": "12h"},
        "deep/deep": {"http": {"url": "https://a.shop.example.co.uk", "redirects": 10}, "every": "60s"},
        "v4/v4": {"ping": {"host": "a.example.com", "family": "ipv4"}, "expect": ["loss < 100%"], "every": "60s"},
        "jobs/backup": {"heartbeat": {"name": "backup", "every": "24h"}},
    }  # fmt: skip
    told = {line for line in ran.err.splitlines() if line.startswith("lost") or "CAREFUL" in line}
    insecure = "any certificate passes there, and here too: take `verify: false` away where you can"
    away = "what stays away is noticed by nobody there"
    serves = "a server that says that it does not serve passes there"
    assert told == {
        f"taken\tendpoints[0].client.insecure\tbecame `verify: false`; CAREFUL: {insecure}",
        f"taken\tendpoints[0].conditions[0]\t`[CONNECTED] == true` became `serving == true`; CAREFUL: {serves}",
        "lost\tendpoints[5].conditions[0]\twrite a check `domain: NAME`, with the name as it was registered",
        "lost\tendpoints[5].conditions\tnone of them came along, so that opsctl's own expectations hold",
        "lost\tendpoints[6]\tudp tells nobody whether it is there: write what is asked, as `dns` or `clock`",
        "lost\tendpoints[7].client.dns-resolver\topsctl has nothing like it",
        f"lost\texternal-endpoints[1]\tnobody says how often it has to report; write a `heartbeat`; CAREFUL: {away}",
        "lost\tsuites[0].endpoints[0].conditions\tit expects nothing",
        "lost\tsuites[0]\ta `flow` cannot say all of it; write one of what it can",
    }  # fmt: skip


def suite(*endpoints, **more):
    return {"suites": [{"name": "Visit", "group": "Shop", "endpoints": [*endpoints], **more}]}


def step(url="https://a.example/x", conditions=("[STATUS] == 200",), **more):
    return {"name": "one", "url": url, "conditions": [*conditions], **more}


def test_a_suite_of_gatus_becomes_a_flow():
    found = importer("gatus")(
        suite(
            {
                "name": "Create item", "url": "[CONTEXT].base/items", "method": "POST", "alerts": [{"type": "slack"}],
                "body": '{"price": "[CONTEXT].price", "made": [CONTEXT].flags.made}',
                "headers": {"Authorization": "Bearer s3cret", "X-Key": "[CONTEXT].key"},
                "conditions": ["[STATUS] == 201", "len([BODY].id) > 0", "[BODY].price == [CONTEXT].price"],
                "store": {"itemId": "[BODY].id", "first-tag": "[BODY].tags[0].name", "unused": "[BODY].x"},
            },
            {
                "name": "Read", "url": "https://shop.example/items/[CONTEXT].itemId", "client": {"timeout": "4s"},
                "headers": {"Authorization": "[CONTEXT].first-tag"}, "conditions": ["[STATUS] == 200"],
            },
            interval="5m",
            context={"price": "19.99", "base": "https://shop.example", "key": "k3y", "flags": {"made": True}},
        )
    )  # fmt: skip
    create = {
        "name": "create-item",
        "url": "https://shop.example/items",
        "method": "POST",
        "headers": {"Authorization": "${env:CREATE_ITEM_AUTHORIZATION}", "X-Key": "${env:CREATE_ITEM_X_KEY}"},
        "body": '{"price": "19.99", "made": true}',
        "redirects": 10,
        "expect": ["status == 201", "len(json.id) > 0", "json.price == 19.99", "latency < 10s"],
        "capture": {"itemid": {"json": "id"}, "first_tag": {"json": "tags[0].name"}},
    }
    read = {
        "name": "read",
        "url": "https://shop.example/items/{{ itemid }}",
        "headers": {"Authorization": "{{ first_tag }}"},
        "redirects": 10,
        "expect": ["status == 200", "latency < 4s"],
    }
    visit = {"flow": [create, read], "timeout": "14s", "every": "5m"}
    assert found.services == {"shop": {"title": "Shop", "checks": {"visit": visit}}}
    lost = {(one.where.removeprefix("suites[0].endpoints[0]."), one.text) for one in found.notes if one.lost}
    assert lost == {("alerts", "a flow has nothing like it"), ("store.unused", "no step after it uses it")}
    careful = [one.where for one in found.notes if one.open]
    assert careful == [f"suites[0].endpoints[0].store.{key}" for key in ("itemId", "first-tag")]


def test_the_flow_of_a_suite_does_what_the_suite_did(opsctl, web):
    web.answer("/login", Answer(200, b'{"session": {"token": "t0ken"}}'))
    login = step(f"{web.url}/login", store={"Token": "[BODY].session.token"})
    use = {"method": "PUT", "body": "by [CONTEXT].Token", "headers": {"X-Token": "[CONTEXT].Token"}}
    opsctl.write("gatus.yaml", json.dumps(suite(login, step(f"{web.url}/echo", name="two", **use))))
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n").write("services/x.txt", "")
    assert opsctl("import", "gatus", "gatus.yaml", "--out", "services/gatus.yaml").code == 0
    assert opsctl("check", "shop/visit").code == 0
    assert [(one.path, one.body, one.headers.get("x-token")) for one in web.requests] == [
        ("/login", b"", None),
        ("/echo", b"by t0ken", "t0ken"),
    ]


CONTEXT = {"list": [1], "blank": "{{ x }}", "other": "[CONTEXT].id", "old": 1, "deep": {"id": 2}}


@pytest.mark.parametrize(
    ("endpoints", "where", "words"),
    [
        ([{"name": "a"}], "[0]", "it has no `url`"),
        ([7], "[0]", "it has no `url`"),
        ([step(**{"always-run": True})], "[0].always-run", "it is done there after a failure too, and a flow ends"),
        ([step(enabled=False)], "[0].enabled", "it is switched off, and done there nevertheless"),
        ([step("tcp://a.example:1")], "[0]", "a flow asks by HTTP only"),
        ([step(dns={"query-name": "a"})], "[0].dns", "a flow has nothing like it"),
        ([step(client={"oauth2": {}})], "[0].client.oauth2", "a flow has nothing like it"),
        ([step(client={"timeout": "soon"})], "[0].client.timeout", "`soon` is no"),
        ([step(conditions=[])], "[0].conditions", "it expects nothing"),
        ([step(conditions=["[IP] == 1.2.3.4"])], "[0].conditions[0]", "`[IP] == 1.2.3.4`: opsctl's http check has no"),
        ([step(conditions=["[DOMAIN_EXPIRATION] > 48h"])], "[0].conditions[0]", "`[DOMAIN_EXPIRATION] > 48h`: opsctl's"),
        ([step(body="[RANDOM_STRING_8]")], "[0]", "a text with `[RANDOM_STRING_8]` cannot be said in a flow"),
        ([step(body="{{ x }}")], "[0]", "a text with `{{` cannot be said in a flow"),
        ([step("https://a.example/[CONTEXT].id")], "[0]", "nothing before it gives `[CONTEXT].id` a value"),
        ([step("https://a.example/[CONTEXT].list")], "[0]", "nothing before it gives `[CONTEXT].list` a value"),
        ([step("https://a.example/[CONTEXT].blank")], "[0]", "nothing before it gives `[CONTEXT].blank` a value"),
        ([step("https://a.example/[CONTEXT].other")], "[0]", "nothing before it gives `[CONTEXT].other` a value"),
        # What stands in the context from the first is not what it holds once it was stored anew.
        ([step(store={"old": "[BODY].id"}), step(conditions=["[BODY].id == [CONTEXT].old"])],
         "[1].conditions[0]", "`[BODY].id == [CONTEXT].old`: a flow compares with no value that it has found"),
        ([step(store={"deep": "[BODY].id"}), step("https://a.example/[CONTEXT].deep.id")], "[0].store.deep",
         "`[BODY].id` is nothing that a flow can take"),
        ([step(store={"deep.id": "[BODY].id"}), step("https://a.example/[CONTEXT].deep.id")], "[0].store.deep.id",
         "`[BODY].id` is nothing that a flow can take"),
        ([step(store={"id": "[STATUS]"}), step("https://a.example/[CONTEXT].id")], "[0].store.id",
         "`[STATUS]` is nothing that a flow can take"),
        ([step(conditions=["[BODY].id == [CONTEXT].id"])], "[0]", "nothing before it"),
        ([step(store={"id": "[BODY].id"}), step("https://a.example/[CONTEXT].id", ["[BODY].id == [CONTEXT].id"])],
         "[1].conditions[0]", "`[BODY].id == [CONTEXT].id`: a flow compares with no value that it has found"),
    ],
)  # fmt: skip
def test_a_suite_that_no_flow_can_say_is_lost_as_a_whole(endpoints, where, words):
    found = importer("gatus")(suite(*endpoints, context=CONTEXT))
    assert not found.services
    first, last = found.notes
    place = first.where.removeprefix("suites[0].endpoints")
    assert (first.lost, place, first.text[: len(words)]) == (True, where, words)
    assert last == Note("suites[0]", "a `flow` cannot say all of it; write one of what it can", lost=True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (suite(step(), enabled=False), "it is switched off there"),
        (suite(), "it has no endpoints"),
        ({"suites": [7]}, "it has no endpoints"),
    ],
)
def test_a_suite_that_is_none_is_lost(data, words):
    found = importer("gatus")(data)
    assert (found.services, found.notes) == ({}, (Note("suites[0]", words, lost=True),))


def test_a_value_that_is_found_anew_is_the_newer_one():
    first = step(store={"a": "[BODY].id"})
    second = step("https://a.example/[CONTEXT].a/[CONTEXT].b", store={"a": "[BODY].next", "A": "[BODY].id"})
    third = step("https://a.example/[CONTEXT].a/[CONTEXT].A/[CONTEXT].c")
    found = importer("gatus")(suite(first, second, third, context={"a": "x", "b": 7, "c": 1.5}))
    one, two, three = found.services["shop"]["checks"]["visit"]["flow"]
    assert (one["capture"], two["capture"]) == (
        {"a": {"json": "id"}},
        {"a": {"json": "next"}, "a_2": {"json": "id"}},
    )
    assert two["url"] == "https://a.example/{{ a }}/7"
    assert three["url"] == "https://a.example/{{ a }}/{{ a_2 }}/1.5"
    assert [request["name"] for request in (one, two, three)] == ["one", "one-2", "one-3"]


@given(st.text())
def test_any_text_is_a_condition_or_lost(text):
    written, note = expectation(text, Context("http", tls=True), "x")
    assert bool(written) != note.lost
