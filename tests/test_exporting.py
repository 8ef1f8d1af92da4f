"""Checks for other tools: what each expectation becomes there, what is lost, and that none passes more easily."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from opsctl.checks.dns import DnsCheck
from opsctl.checks.http import HttpCheck
from opsctl.checks.ping import PingCheck
from opsctl.checks.tcp import TcpCheck
from opsctl.checks.tls import TlsCheck
from opsctl.expectations import ExpectationError, parse, show
from opsctl.exporters.gatus_conditions import CONNECTED, conditions
from opsctl.expression import show_subject
from opsctl.importers.gatus_conditions import Context
from opsctl.importers.gatus_conditions import expectation as read_back
from opsctl.judging import judge

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


CHECKS = {"http": HttpCheck, "tcp": TcpCheck, "tls": TlsCheck, "ping": PingCheck, "dns": DnsCheck}
words = st.sampled_from(
    [
        "UP",
        "a b",
        "x(y)",
        "$HOME",
        "a == b",
        "[STATUS]",
        "pat(*)",
        "1,2",
        "5",
        "true",
        "",
        " a",
        "é",
        'q"',
        "a*",
    ]
)
numbers = st.integers(-3, 700) | st.sampled_from([0.5, 1e30])
orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
spans = st.sampled_from(["0s", "1ms", "1.5ms", "500ms", "90m", "2h", "14d"])
paths = st.sampled_from(["json", "json.a", "json.a.b", "json[0].a", 'json["x y"]', "json.a[0]"])


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


literals = numbers.map(str) | words.map(quoted) | st.sampled_from(["true", "false", "null"])
lists = st.lists(literals, min_size=1, max_size=3).map(lambda some: f"[{', '.join(some)}]")
texts = (
    st.builds("{} {} {}".format, st.sampled_from(["status", "count", "len(json.a)", "len(body)"]), orders, numbers)
    | st.builds("status in {}00..{}99".format, st.integers(1, 5), st.integers(1, 5))
    | st.builds("{} {} {}".format, st.sampled_from(["latency", "expires_in"]), orders, spans)
    | st.builds("{} {} {}".format, paths, orders, literals)
    | st.builds("{} {} {}".format, st.sampled_from(["body", "rcode", "received"]), st.sampled_from(["==", "!=", "contains"]), words.map(quoted))
    | st.builds("{} in {}".format, paths | st.sampled_from(["status", "body"]), lists)
    | st.builds("{} contains {}".format, paths | st.just("answers"), words.map(quoted))
    | st.builds("{} exists".format, paths | st.sampled_from(["status", "body"]))
    | st.sampled_from(["connected == true", "valid == true", "loss < 100%", "count > 0", "status > 0"])
)  # fmt: skip


@st.composite
def expectations(draw, names=(*CHECKS, "http", "http")):
    """A kind of check and an expectation that it allows."""
    name = draw(st.sampled_from(names))
    text = draw(st.sampled_from(["", "not "])) + draw(texts)
    try:
        return name, parse(text, CHECKS[name].SUBJECTS)
    except ExpectationError:
        assume(False)


@given(expectations())
def test_what_gatus_can_say_is_read_back_as_it_was(sample):
    name, one = sample
    context, subjects = Context(name, tls=True), CHECKS[name].SUBJECTS
    said = conditions(one, context, subjects)
    assert bool(said.conditions) is not bool(said.why)
    again = [read_back(text, context, "") for text in said.conditions]
    assert all(written for written, _ in again)
    if not said.conditions:
        return
    *guards, last = [parse(written, subjects) for written, _ in again]
    # The same, or the same without `not`.
    opposite = {"==": "!=", "<": ">=", ">": "<="}
    opposite |= {other: word for word, other in opposite.items()}
    same = (
        one._replace(negated=False, operator=opposite.get(one.operator, one.operator)) if one.negated else one
    )
    assert show(last) in {show(one), show(same)}
    assert {show(guard) for guard in guards} <= {
        {"http": "status > 0", "tcp": "connected == true", "tls": "valid == true", "ping": "loss < 100%", "dns": "count > 0"}[name],
        f"{one.name}{''.join(f'[{step}]' if isinstance(step, int) else f'.{step}' for step in one.path)} exists",
    }  # fmt: skip


ABSENT = object()


def met(condition, answer):
    """Whether Gatus holds a condition to be met, by its documentation; `answer` is None where none came."""
    place, word, value = re.fullmatch(r"(\S+) (==|!=|<=|>=|<|>) (.*)", condition).groups()
    if place == "[CONNECTED]":
        return value == "true" and answer is not None
    has, length = place.startswith("has("), place.startswith("len(")
    found = resolve(re.sub(r"^(?:has|len)\((.*)\)$", r"\1", place), answer)
    if has:
        return (word == "==") is ((found is not ABSENT) is (value == "true"))
    if length:
        found = len(found) if isinstance(found, list | str) else ABSENT
    text = "(INVALID)" if found is ABSENT else str(found).lower() if isinstance(found, bool) else str(found)
    if word in {"==", "!="}:
        return equal(text, value) is (word == "==")
    left, right = (int(one) if re.fullmatch(r"-?[0-9]+", one) else 0 for one in (text, value))
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[word]


def resolve(place, answer):
    if place == "[STATUS]":
        return answer["status"] if answer else 0
    if place == "[RESPONSE_TIME]":
        return int(answer["latency"] * 1000) if answer else 0
    if place == "[BODY]":
        return answer["body"] if answer else ""
    value = answer.get("json", ABSENT) if answer else ABSENT
    for key, index in re.findall(r"\.([\w-]+)|\[([0-9]+)\]", place.removeprefix("[BODY]")):
        try:
            value = (
                {str(at): one for at, one in enumerate(value)}[index]
                if index and isinstance(value, list)
                else value[key]
            )
        except (TypeError, KeyError):
            return ABSENT
    return value


def equal(text, value):
    if value.startswith("any("):
        return any(equal(text, one.strip()) for one in value[4:-1].split(","))
    if value.startswith("pat("):
        return re.fullmatch(".*".join(map(re.escape, value[4:-1].split("*"))), text, re.DOTALL) is not None
    return text == value


values = st.sampled_from(["UP", "a b", "down", 0, 1, 5, 0.5, ["x"], [], {"b": 2}, {"b": "UP"}])
answers = st.none() | st.fixed_dictionaries(
    {
        "status": st.integers(100, 599),
        "latency": st.sampled_from([0.0, 0.001, 0.3, 0.5, 5400.0, 9000.0]),
        "body": st.sampled_from(["", "UP", "it is a b", "true"]),
    },
    optional={
        "json": st.dictionaries(st.sampled_from("ab"), values)
        | st.lists(st.builds(lambda a: {"a": a}, values))
    },
)
http = expectations(("http",)).filter(lambda one: one[1].name in {"status", "latency", "body", "json"})


@given(http, answers)
def test_no_condition_is_met_where_the_expectation_is_not(sample, answer):
    _, one = sample
    said = conditions(one, Context("http", tls=True), HttpCheck.SUBJECTS)
    if said.conditions and all(met(text, answer) for text in said.conditions):
        verdict = judge(one, answer or {}).verdict
        # Gatus does not tell 5 from "5", so that a value of another type is another value there.
        there = one.name == "json" and resolve(show_subject("", "[BODY]", one.path), answer) is not ABSENT
        assert verdict is True or (verdict is None and there)


@given(http, answers)
def test_a_condition_is_met_where_the_expectation_is(sample, answer):
    _, one = sample
    said = conditions(one, Context("http", tls=True), HttpCheck.SUBJECTS)
    if said.conditions and judge(one, answer or {}).verdict is True and isinstance(answer, dict):
        assert all(met(text, answer) for text in said.conditions)
