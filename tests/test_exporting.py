"""Checks for other tools: Prometheus' rules, Gatus' endpoints, the modules of the Blackbox exporter."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from opsctl.checks.http import HttpCheck
from opsctl.expectations import parse
from opsctl.exporters.gatus_conditions import CONNECTED, conditions
from opsctl.importers.gatus_conditions import Context

SHOP = """
    version: 1
    name: Shop
    services:
      web:
        title: "The shop {{ x }}"
        owner: platform
        tier: critical
        runbook: up
        checks:
          page:
            http: {url: "https://shop.example.com/health", headers: {X-Key: "${env:KEY}"}, redirects: 5}
            expect: [status == 200, latency < 500ms, 'json.state != "bad"', expires_in > 14d, json.load < 5]
            warn: [latency < 100ms]
            fail_after: 3
            every: 1m
          plain:
            http: {url: "https://shop.example.com/", family: ipv4, method: POST, body: x}
            expect: [status in 200..299, 'body contains "a+b"', 'header.server != "IIS"', latency < 1.5s, 'body matches /a\\d/']
          port: {tcp: "db.example.com:5432"}
          cert: {tls: {address: "shop.example.com:443", server_name: shop}, title: Certificate}
          host: {ping: {host: shop.example.com, count: 1}, expect: [loss < 100%]}
          name: {dns: {name: example.com, resolver: 192.0.2.53}}
      box:
        tier: low
        checks: {disk: {disk: /}, names: {dns: example.com}}
    runbooks: {up: {title: Up, steps: [{id: a, note: Look.}]}}
"""


@pytest.fixture
def shop(opsctl, monkeypatch):
    monkeypatch.setenv("KEY", "secret-key")
    return opsctl.write("opsctl.yaml", SHOP)


def test_prometheus_has_a_rule_for_each_check(shop):
    ran = shop("export", "prometheus-rules", "web/page", "box/disk")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        "# Written by `opsctl export prometheus-rules`; change the workspace, and write it again.\n"
    )
    assert yaml.safe_load(ran.out) == {
        "groups": [
            {
                "name": "opsctl-web",
                "rules": [
                    {
                        "alert": "OpsctlCheckNotUp",
                        "expr": 'opsctl_check_up{check="web/page"} == 0'
                        ' or time() - opsctl_check_last_run_timestamp_seconds{check="web/page"} > 120'
                        ' or (absent(opsctl_check_up{check="web/page"})'
                        ' unless on (check) opsctl_check_maintenance{check="web/page"})',
                        "for": "60s",
                        "labels": {
                            "severity": "critical",
                            "check": "web/page",
                            "service": "web",
                            "tier": "critical",
                            "owner": "platform",
                        },
                        "annotations": {
                            "summary": "web/page is not up",
                            "description": 'The shop {{ "{{" }} x }}',
                            "runbook": "runbooks/up.md",
                        },
                    }
                ],
            },
            {
                "name": "opsctl-box",
                "rules": [
                    {
                        "alert": "OpsctlCheckNotUp",
                        "expr": 'opsctl_check_up{check="box/disk"} == 0'
                        ' or time() - opsctl_check_last_run_timestamp_seconds{check="box/disk"} > 600'
                        ' or (absent(opsctl_check_up{check="box/disk"})'
                        ' unless on (check) opsctl_check_maintenance{check="box/disk"})',
                        "for": "300s",
                        "labels": {"severity": "info", "check": "box/disk", "service": "box", "tier": "low"},
                        "annotations": {"summary": "box/disk is not up", "description": "box"},
                    }
                ],
            },
        ]
    }  # fmt: skip


def test_the_rules_are_about_metrics_that_a_check_writes(shop):
    rules = shop("export", "prometheus-rules").out
    shop.write("opsctl.yaml", "version: 1\nname: Shop\nservices: {box: {checks: {disk: {disk: /}}}}\n"
               "maintenance: {now: {checks: [box/disk], reason: Move, from: 2026-11-20, until: 2026-11-21}}\n")  # fmt: skip
    written = shop("check", "-o", "prometheus").out
    shop.write("opsctl.yaml", "version: 1\nname: Shop\nservices: {box: {checks: {disk: {disk: /}}}}\n")
    written += shop("check", "-o", "prometheus").out
    named = set(re.findall(r"opsctl_[a-z_]+(?=\{)", rules))
    assert named == {"opsctl_check_up", "opsctl_check_last_run_timestamp_seconds", "opsctl_check_maintenance"}
    for name in named:
        assert f"\n# TYPE {name} gauge\n" in f"\n{written}"


def test_gatus_gets_endpoints_and_what_it_cannot_say_is_named(shop):
    ran = shop("export", "gatus")
    found = {one["name"]: one for one in yaml.safe_load(ran.out)["endpoints"]}
    assert found["page"] == {
        "name": "page",
        "group": "web",
        "url": "https://shop.example.com/health",
        "headers": {"X-Key": "${KEY}"},
        "interval": "60s",
        "client": {"timeout": "10s"},
        "conditions": [
            "[STATUS] == 200",
            "[CONNECTED] == true",
            "[RESPONSE_TIME] < 500",
            "has([BODY].state) == true",
            "[BODY].state != bad",
            "[CERTIFICATE_EXPIRATION] > 336h",
        ],
    }
    assert found["plain"]["conditions"][-1] == "[RESPONSE_TIME] < 1500"
    assert found["plain"]["client"] == {"timeout": "10s", "ignore-redirect": True}
    assert found["name"]["dns"] == {"query-name": "example.com", "query-type": "A"}
    assert {name: one["url"] for name, one in found.items() if name not in {"page", "plain"}} == {
        "port": "tcp://db.example.com:5432",
        "cert": "tls://shop.example.com:443",
        "host": "icmp://shop.example.com",
        "name": "192.0.2.53",
    }
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "lost\tweb/page\tredirects: up to 10 are followed there",
        "lost\tweb/page\tjson.load < 5: what is no number is 0 there, which passes",
        "lost\tweb/page\twarn: latency < 100ms: Gatus knows no degraded",
        "lost\tweb/plain\tfamily: Gatus has nothing like it",
        'lost\tweb/plain\theader.server != "IIS": nothing there is about `header.server`',
        r"lost	web/plain	body matches /a\d/: a condition there cannot say it",
        "lost\tweb/cert\tserver_name: Gatus has nothing like it",
        "lost\tbox/disk\tdisk: Gatus has no such check",
        "lost\tbox/names\tdns: Gatus must be told whom to ask; name a `resolver`",
        "9 lines lost",
    ]


def test_what_gatus_gets_comes_back(shop):
    assert shop("export", "gatus", "web/page", "web/port", "web/host", "--out", "gatus.yaml").code == 1
    ran = shop("import", "gatus", "gatus.yaml", "-o", "json")
    services = json.loads(ran.out)["services"]
    assert services["web"]["checks"]["page"]["expect"] == [
        "status == 200",
        "status > 0",
        "latency < 500ms",
        "json.state exists",
        'json.state != "bad"',
        "expires_in > 336h",
    ]
    assert services["web"]["checks"]["port"] == {
        "tcp": "db.example.com:5432",
        "timeout": "10s",
        "expect": ["connected == true"],
        "every": "300s",
    }
    assert services["web"]["checks"]["host"]["expect"] == ["loss < 100%"]
    assert not any(one["lost"] for one in json.loads(ran.out)["notes"])


def test_the_blackbox_exporter_gets_modules_and_prometheus_their_targets(shop):
    ran = shop("export", "blackbox")
    assert yaml.safe_load(ran.out) == {
        "modules": {
            "web/plain": {
                "prober": "http",
                "timeout": "1500ms",
                "http": {
                    "method": "POST",
                    "body": "x",
                    "follow_redirects": False,
                    "fail_if_body_not_matches_regexp": ["a\\+b"],
                    "fail_if_header_matches": [{"header": "server", "regexp": "^IIS$"}],
                    "preferred_ip_protocol": "ip4",
                    "ip_protocol_fallback": False,
                },
            },
            "web/port": {"prober": "tcp", "timeout": "10s"},
            "web/cert": {
                "prober": "tcp",
                "timeout": "10s",
                "tcp": {"tls": True, "tls_config": {"server_name": "shop"}},
            },
            "web/host": {"prober": "icmp", "timeout": "10s"},
            "web/name": {
                "prober": "dns",
                "timeout": "10s",
                "dns": {
                    "query_name": "example.com",
                    "query_type": "A",
                    "transport_protocol": "udp",
                    "valid_rcodes": ["NOERROR"],
                    "validate_answer_rrs": {"fail_if_none_matches_regexp": ["\tIN\tA\t"]},
                },
            },
        }
    }
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "lost\tweb/page\thttp: it needs a secret, and the blackbox exporter has them in its file only",
        "lost\tweb/plain\tbody matches /a\\d/: Go's regular expressions may read it otherwise",
        "lost\tweb/cert\texpires_in > 14d: no module can; alert on probe_ssl_earliest_cert_expiry - time()",
        "lost\tbox/disk\tdisk: the blackbox exporter has no such prober",
        "lost\tbox/names\tdns: the blackbox exporter must be told whom to ask; name a `resolver`",
        "5 lines lost",
    ]
    ran = shop("export", "blackbox-targets", "web/plain", "web/name")
    labels = {"service": "web", "tier": "critical", "owner": "platform"}
    assert (ran.code, ran.err) == (0, "")
    assert yaml.safe_load(ran.out) == [
        {
            "targets": ["https://shop.example.com/"],
            "labels": {"__param_module": "web/plain", "check": "web/plain", **labels},
        },
        {"targets": ["192.0.2.53"], "labels": {"__param_module": "web/name", "check": "web/name", **labels}},
    ]


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("status in [200, 204]", ["[STATUS] == any(200, 204)"]),
        ("not status == 500", [CONNECTED, "[STATUS] != 500"]),
        ("not latency < 1s", ["[RESPONSE_TIME] >= 1000"]),
        ("len(json.items) > 0", ["len([BODY].items) > 0"]),
        ("json.id exists", ["has([BODY].id) == true"]),
        ('json[0].state in ["UP", "WARM"]', ["[BODY][0].state == any(UP, WARM)"]),
        ('not body contains "error"', [CONNECTED, "[BODY] != pat(*error*)"]),
        ("json.id == 5", ["[BODY].id == 5"]),
        # A text that looks like a number is one when it is read back.
        ('json.id == "5"', []),
        ("not json.error exists", []),
        ("json.load <= 5", []),
        ("json.load > -1", []),
        ("latency < 1.5ms", []),
        ('body == "a == b"', []),
        ('body == "$HOME"', []),
        ("status in 200..204", []),
    ],
)
def test_an_expectation_becomes_conditions_or_none(expect, said):
    one = parse(expect, HttpCheck.SUBJECTS)
    assert list(conditions(one, Context("http"), HttpCheck.SUBJECTS).conditions) == said


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"ok\Z", "ok$"),
        ("ok$", r"ok\n?$"),
        (r"5\$", r"5\$"),
        (r"a\\Z", None),
        ("a$b", None),
        (r"^a|b\Z", "^a|b$"),
    ],
)
def test_an_end_is_written_as_go_means_it(opsctl, pattern, said):
    check = {"http": "http://x/", "expect": ["status == 200", f"body matches /{pattern}/"]}
    document = {"version": 1, "name": "X", "services": {"a": {"checks": {"b": check}}}}
    opsctl.write("opsctl.yaml", json.dumps(document))
    ran = opsctl("export", "blackbox")
    made = yaml.safe_load(ran.out)["modules"]["a/b"]["http"]
    assert (ran.code, made.get("fail_if_body_not_matches_regexp")) == ((0, [said]) if said else (1, None))


@pytest.mark.parametrize(
    ("expect", "codes"),
    [
        (["status == 204"], [204]),
        (["status in [200, 301]", "status < 300"], [200]),
        (["status in 500..599", "not status in 501..598"], [500, 599]),
        # An empty list would mean 200 to 299.
        (["status == 200", "status == 201"], [-1]),
    ],
)
def test_a_module_accepts_the_codes_that_meet_all_expectations(opsctl, expect, codes):
    opsctl.write(
        "opsctl.yaml",
        f"version: 1\nname: X\nservices: {{a: {{checks: {{b: {{http: 'http://x/', expect: {json.dumps(expect)}}}}}}}}}\n",
    )
    ran = opsctl("export", "blackbox")
    assert ran.code == 0
    assert yaml.safe_load(ran.out)["modules"]["a/b"]["http"]["valid_status_codes"] == codes


@pytest.mark.parametrize(
    ("check", "prober", "said", "target"),
    [
        ("tls: {address: 'a:25', starttls: smtp}", "tcp",
         {"query_response": [{"expect": "^220 "}, {"send": "EHLO opsctl\r"}, {"expect": "^250 "}, {"send": "STARTTLS\r"},
                             {"expect": "^220 "}, {"starttls": True}]}, "a:25"),
        ("tls: {address: 'a:143', starttls: imap, verify: false}", "tcp",
         {"query_response": [{"expect": r"^\* OK"}, {"send": "a STARTTLS\r"}, {"expect": "^a OK"}, {"starttls": True}],
          "tls_config": {"insecure_skip_verify": True}}, "a:143"),
        ('tcp: {address: "a:6379", send: "PING\\n", until: "(?m)^PONG"}', "tcp",
         {"query_response": [{"send": "PING"}, {"expect": "^PONG"}]}, "a:6379"),
        ("grpc: {address: 'a:443', service: s, ca: c.pem}", "grpc",
         {"service": "s", "tls": True, "tls_config": {"ca_file": "c.pem"}}, "a:443"),
        ("grpc: {address: 'a:80', tls: false}", "grpc", None, "a:80"),
        ('http: {url: "http://a/", basic: {username: b, password: "${file:p}"}}', "http",
         {"basic_auth": {"username": "b", "password_file": "p"}}, "http://a/"),
        ('http: {url: "http://a/", bearer: "${file:p}", version: "1.1"}', "http",
         {"authorization": {"credentials_file": "p"}, "enable_http2": False}, "http://a/"),
    ],
)  # fmt: skip
def test_how_it_is_asked_goes_to_the_blackbox_exporter(opsctl, check, prober, said, target):
    opsctl.write(
        "opsctl.yaml", f"version: 1\nname: X\nservices: {{a: {{checks: {{b: {{{check}}}}}}}}}\n"
    ).write("p", "x")
    module = yaml.safe_load(opsctl("export", "blackbox").out)["modules"]["a/b"]
    assert module["prober"] == prober
    terms = {key: one for key, one in module.get(prober, {}).items() if key != "follow_redirects"}
    assert terms == (said or {})
    assert yaml.safe_load(opsctl("export", "blackbox-targets").out)[0]["targets"] == [target]


@pytest.mark.parametrize(
    ("target", "check", "why"),
    [
        (
            "blackbox",
            "tls: {address: 'a:389', starttls: ldap}",
            "a dialogue there cannot say how `ldap` begins TLS",
        ),
        ("blackbox", "tcp: {address: 'a:80', send: PING}", "what is sent there ends in a line's end"),
        ("blackbox", "tcp: {address: 'a:80', until: 'a\\nb'}", "each line by itself is looked at there"),
        ("blackbox", "http: {url: 'https://a/', version: '3'}", "may ask by another version of HTTP"),
        ("gatus", "tls: {address: 'a:143', starttls: imap}", "Gatus begins TLS in SMTP only, not in `imap`"),
    ],
)
def test_how_it_cannot_be_asked_there_is_named(opsctl, target, check, why):
    opsctl.write("opsctl.yaml", f"version: 1\nname: X\nservices: {{a: {{checks: {{b: {{{check}}}}}}}}}\n")
    ran = opsctl("export", target)
    assert ran.code == 1
    assert why in ran.err
    assert not any(yaml.safe_load(ran.out).values())


def test_gatus_begins_tls_in_smtp(opsctl):
    opsctl.write(
        "opsctl.yaml",
        "version: 1\nname: X\nservices: {a: {checks: {b: {tls: {address: 'a:25', starttls: smtp}}}}}\n",
    )
    assert yaml.safe_load(opsctl("export", "gatus").out)["endpoints"][0]["url"] == "starttls://a:25"


def test_where_gatus_can_say_nothing_it_must_at_least_connect(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: X\nservices: {a: {checks: {b: {ping: x}}}}\n")
    ran = opsctl("export", "gatus")
    assert (ran.code, yaml.safe_load(ran.out)["endpoints"][0]["conditions"]) == (1, [CONNECTED])


@pytest.mark.parametrize("target", ["gatus", "blackbox", "blackbox-targets"])
@pytest.mark.parametrize(
    ("check", "expect"),
    [
        ('tcp: "a.example:25"', "connected == false"),
        ('tcp: "a.example:25"', "not connected == true"),
        ("ping: {host: a.example, count: 1}", "loss == 100%"),
        ('tls: "a.example:443"', "valid == false"),
    ],
)
def test_what_is_up_where_nobody_answers_is_not_told_as_the_contrary(opsctl, target, check, expect):
    opsctl.write(
        "opsctl.yaml",
        f"version: 1\nname: X\nservices: {{a: {{checks: {{b: {{{check}, expect: [{expect}]}}}}}}}}",
    )
    ran = opsctl("export", target)
    assert (ran.code, "a.example" in ran.out) == (1, False)
    assert "it is up where nobody answers well, and a probe there is not" in ran.err


def test_the_longest_body_and_the_redirects_go_along_or_are_named(opsctl):
    check = "{http: {url: http://a.example, redirects: 3, max_body: 1kB}}"
    opsctl.write("opsctl.yaml", f"version: 1\nname: X\nservices: {{a: {{checks: {{b: {check}}}}}}}")
    ran = opsctl("export", "blackbox")
    assert yaml.safe_load(ran.out)["modules"]["a/b"]["http"] == {"body_size_limit": "1000B"}
    assert ran.err.splitlines() == ["lost\ta/b\tredirects: up to 10 are followed there", "1 line lost"]
    assert "max_body: Gatus has nothing like it" in opsctl("export", "gatus").err


def test_what_is_no_target_is_refused(shop):
    ran = shop("export", "nagios")
    assert (ran.code, ran.out) == (2, "")
    assert "is not one of `prometheus-rules`, `gatus`, `blackbox` or `blackbox-targets`" in ran.err
    assert shop("export", "gatus", "none").code == 2
