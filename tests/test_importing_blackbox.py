"""The modules of the blackbox exporter, and Prometheus' targets: what each becomes, what is lost, what failed open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.importers import fit
from opsctl.importers.blackbox import take

BLACKBOX = """\
modules:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      method: POST
      valid_status_codes: [200, 204]
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      headers: {Host: shop.example.com, X-Api-Key: s3cret}
      http_headers:
        X-Token: {files: [/etc/token]}
      body: '{}'
      basic_auth: {username: bob, password: s3cret}
      follow_redirects: false
      fail_if_not_ssl: true
      fail_if_body_matches_regexp: ["a/b", "[a[:alpha:]]"]
      fail_if_body_not_matches_regexp: ["ready"]
      fail_if_header_matches:
        - {header: Set-Cookie, regexp: ".*", allow_missing: true}
        - {header: Server, regexp: "old", allow_missing: true}
      fail_if_header_not_matches:
        - {header: Content-Type, regexp: "json"}
      fail_if_body_json_matches_cel: "body.a == 1"
      tls_config: {insecure_skip_verify: true, ca_file: /etc/ca.pem, min_version: TLS12}
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
  banner:
    prober: tcp
    tcp:
      query_response:
        - send: "PING"
        - expect: "^PONG"
  mail:
    prober: tcp
    tcp:
      query_response:
        - expect: "^220"
        - send: "STARTTLS"
        - starttls: true
  certificate:
    prober: tcp
    tcp: {tls: true, tls_config: {server_name: shop.example.com}}
  host:
    prober: icmp
    icmp: {ttl: 3}
  names:
    prober: dns
    dns:
      query_name: example.com
      query_type: MX
      transport_protocol: tcp
      validate_answer_rrs:
        fail_if_matches_regexp: ["old"]
        fail_if_not_matches_regexp: ["^example.com.\\tIN"]
  missing:
    prober: dns
    dns: {query_name: gone.example.com, query_type: A, valid_rcodes: [NXDOMAIN]}
  rpc:
    prober: grpc
    grpc: {service: shop.v1.Orders, tls: true, metadata: {x-a: [b]}}
  socket:
    prober: unix
  any:
    prober: dns
    dns: {query_name: example.com}
global: {scrape_interval: 30s}
scrape_configs:
  - job_name: Shop
    metrics_path: /probe
    params: {module: [http_2xx]}
    static_configs:
      - targets: ["https://shop.example.com/health", "shop.example.com"]
    relabel_configs: [{source_labels: [__address__], target_label: __param_target}]
  - job_name: ports
    params: {module: [banner]}
    scrape_interval: 1m
    static_configs:
      - targets: ["cache.example.com:6379", "no-port.example.com"]
    file_sd_configs: [{files: [x.json]}]
  - job_name: resolvers
    params: {module: [names]}
    static_configs:
      - targets: [192.0.2.53]
  - job_name: node
    static_configs: [{targets: ["a:9100"]}]
  - job_name: gone
    params: {module: [nowhere]}
rule_files: [a.yml]
"""

# What both targets of the job become.
PAGE = """\
        http:
          url: URL
          method: POST
          headers:
            Host: shop.example.com
            X-Api-Key: ${env:HTTP_2XX_X_API_KEY}
            X-Token: ${file:/etc/token}
          body: '{}'
          basic:
            username: bob
            password: ${env:HTTP_2XX_PASSWORD}
          redirects: 0
          family: ipv4
          ca: /etc/ca.pem
          verify: false
        expect:
        - status in [200, 204]
        - version in ["1.1", "2"]
        - url matches /^https:/
        - not body contains "a/b"
        - body contains "ready"
        - not header.set-cookie exists
        - not header.server contains "old"
        - header.content-type contains "json"
        timeout: 5s
        every: 30s
"""
YAML = (
    """\
# Taken in from blackbox by `opsctl import`; look through it, then `opsctl validate` and
# `opsctl check --prove`.
services:
  shop:
    title: Shop
    checks:
      shop.example.com-health:
"""
    + PAGE.replace("URL", "https://shop.example.com/health")
    + """\
      shop.example.com:
"""
    + PAGE.replace("URL", "http://shop.example.com")
    + """\
  ports:
    title: ports
    checks:
      cache.example.com-6379:
        tcp:
          address: cache.example.com:6379
          send: 'PING

            '
          until: (?m)^PONG
        expect:
        - matched == true
        every: 1m
  resolvers:
    title: resolvers
    checks:
      192.0.2.53:
        dns:
          name: example.com
          type: MX
          transport: tcp
          resolver: 192.0.2.53
        expect:
        - rcode == "NOERROR"
        - count > 0
        - not any(answers) contains "old"
        every: 30s
  mail:
    title: mail
    checks:
      probe:
        tls:
          address: unset-mail.invalid:25
          starttls: smtp
        expect:
        - valid == true
  certificate:
    title: certificate
    checks:
      probe:
        tls:
          address: unset-certificate.invalid:443
          server_name: shop.example.com
        expect:
        - valid == true
  host:
    title: host
    checks:
      probe:
        ping:
          host: unset-host.invalid
          count: 1
        expect:
        - loss == 0%
  missing:
    title: missing
    checks:
      probe:
        title: Name whom to ask as `resolver`, in place of unset-missing.invalid
        dns:
          name: gone.example.com
          type: A
        expect:
        - rcode == "NXDOMAIN"
  rpc:
    title: rpc
    checks:
      probe:
        grpc:
          address: unset-rpc.invalid:443
          service: shop.v1.Orders
          headers:
            x-a: b
        expect:
        - serving == true
"""
)

NOTES = """\
taken	scrape_configs[0].relabel_configs	each target was taken as it is written
taken	modules.http_2xx.http.headers.X-Api-Key	put it in the variable HTTP_2XX_X_API_KEY; it does not belong in a file
taken	modules.http_2xx.http.basic_auth.password	put it in the variable HTTP_2XX_PASSWORD; it does not belong in a file
taken	modules.http_2xx.http.valid_http_versions	became `version in ["1.1", "2"]`
taken	modules.http_2xx.http.fail_if_not_ssl	became `url matches /^https:/`
taken	modules.http_2xx.http.fail_if_body_not_matches_regexp[0]	became `body contains "ready"`
taken	modules.http_2xx.http.fail_if_header_matches[0]	became `not header.set-cookie exists`
taken	modules.http_2xx.http.fail_if_header_not_matches[0]	became `header.content-type contains "json"`
taken	scrape_configs[0].static_configs[0].targets[0]	became shop/shop.example.com-health
taken	scrape_configs[0].static_configs[0].targets[1]	became shop/shop.example.com
taken	scrape_configs[1].static_configs[0].targets[0]	became ports/cache.example.com-6379
taken	scrape_configs[2].static_configs[0].targets[0]	became resolvers/192.0.2.53
taken	modules.mail.tcp.query_response	became `starttls: smtp`
taken	modules.mail	became mail/probe; its target is missing: write it in place of `unset-mail.invalid`
taken	modules.certificate	became certificate/probe; its target is missing: write it in place of `unset-certificate.invalid`
taken	modules.host	became host/probe; its target is missing: write it in place of `unset-host.invalid`
taken	modules.missing	became missing/probe; its target is missing: write it in place of `unset-missing.invalid`
taken	modules.rpc	became rpc/probe; its target is missing: write it in place of `unset-rpc.invalid`
taken	modules.http_2xx.http.tls_config.insecure_skip_verify	became `verify: false`; CAREFUL: any certificate passes there, and here too: take `verify: false` away where you can
taken	modules.http_2xx.http.fail_if_body_matches_regexp[0]	became `not body contains "a/b"`; CAREFUL: a text that is empty, or another's, passes there, and here too: expect what must be in it
taken	modules.http_2xx.http.fail_if_header_matches[1]	became `not header.server contains "old"`; CAREFUL: without the header it passes there; here it must be seen
taken	modules.names.dns.valid_rcodes	became `count > 0`; CAREFUL: without any record it passes there
taken	modules.names.dns.validate_answer_rrs.fail_if_matches_regexp[0]	became `not any(answers) contains "old"`; CAREFUL: without any record it passes there
lost	scrape_configs[3]	it names no module, so it probes nothing
lost	scrape_configs[4]	its module `nowhere` is not here
lost	modules.http_2xx.http.tls_config.min_version	opsctl has nothing like it
lost	modules.http_2xx.http.fail_if_body_matches_regexp[1]	`[a[:alpha:]]` has classes of characters that opsctl does not know
lost	modules.http_2xx.http.fail_if_body_json_matches_cel	write what must not be there as `expect`, as `json.status != "bad"`
lost	scrape_configs[1].static_configs[0].targets[1]	`no-port.example.com` is not an address; write `host:port`
lost	modules.names.dns.validate_answer_rrs.fail_if_not_matches_regexp[0]	opsctl looks at what a record says, not at its name, time and type
lost	modules.host.icmp.ttl	opsctl has nothing like it
lost	modules.socket	opsctl has no check for the prober `unix`
lost	modules.any	opsctl asks for no records of type `ANY`
lost	rule_files	it says nothing of checks
lost	scrape_configs[1].file_sd_configs	whom it asks is found elsewhere; write a check for each; CAREFUL: where nobody is found, nothing fails
9 checks; 12 lines lost; 6 lines that passed when it must not
"""


def test_modules_and_jobs_become_services_with_a_note_on_every_line(opsctl):
    opsctl.write("blackbox.yml", BLACKBOX).write("opsctl.yaml", "version: 1\nname: Shop\n")
    ran = opsctl("import", "blackbox", str(opsctl.path / "blackbox.yml"))
    assert (ran.code, ran.out, ran.err) == (1, YAML, NOTES)
    opsctl.write("services/blackbox.yaml", YAML)
    assert opsctl("validate", "--allow-unset").out == "valid: 8 services, 9 checks\n"


@pytest.mark.parametrize(
    ("module", "place"),
    [
        ("{prober: http}", "https://unset-my-module.invalid"),
        ("{prober: http, http: {fail_if_ssl: true}}", "http://unset-my-module.invalid"),
        ("{prober: tcp}", "unset-my-module.invalid:80"),
        ("{prober: tcp, tcp: {tls: true}}", "unset-my-module.invalid:443"),
        ("{prober: icmp}", "unset-my-module.invalid"),
        ("{prober: dns, dns: {query_name: example.com, query_type: A}}", "unset-my-module.invalid"),
        ("{prober: grpc}", "unset-my-module.invalid:80"),
    ],
)
def test_a_module_without_a_target_is_refused_until_one_is_written(opsctl, module, place):
    opsctl.write("blackbox.yml", f"modules: {{My_module: {module}}}\n").write(
        "opsctl.yaml", "version: 1\nname: Shop\n"
    )
    opsctl.write("services/none.txt", "")
    ran = opsctl(
        "import", "blackbox", str(opsctl.path / "blackbox.yml"), "--out", str(opsctl.path / "services/b.yaml")
    )
    assert ran.code == 0
    assert place in (opsctl.path / "services/b.yaml").read_text()
    assert (
        "became my_module/probe; its target is missing: write it in place of `unset-my-module.invalid`"
        in ran.err
    )
    refused = opsctl("validate")
    assert refused.code == 5
    assert (
        "`unset-my-module.invalid` stands for a value that nobody has given yet" in refused.out + refused.err
    )
    assert opsctl("validate", "--allow-unset").code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "b.yml:1:1: it is empty"),
        ("- a", "b.yml:1:1: it cannot be taken in: it is no mapping"),
        ("global: {}", "b.yml:1:1: it cannot be taken in: it has no mapping `modules` with a module in it"),
        ("global: {}\nmodules: [http]", "b.yml:2:10: it cannot be taken in: it has no mapping `modules`"),
        ("modules:\n  a: {b", "b.yml:3:1: it cannot be taken in: it is not readable as YAML"),
        (
            "modules: {}\n---\nscrape_configs: []",
            "b.yml:2:1: it cannot be taken in: it is not readable as YAML",
        ),
    ],
)
def test_what_is_no_configuration_is_told_with_its_place(opsctl, text, words):
    (opsctl.path / "b.yml").write_text(text)
    ran = opsctl("import", "blackbox", str(opsctl.path / "b.yml"))
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


@pytest.mark.parametrize(
    ("steps", "written"),
    [
        ([{"expect": "ready"}], {"until": "ready"}),
        ([{"send": "PING"}], {"send": "PING\n"}),
        ([{"send": "PING"}, {"expect": "^PONG"}], {"send": "PING\n", "until": "(?m)^PONG"}),
        ([{"expect": "PONG$"}], None),
        ([{"expect": "a", "send": "b"}], None),
        ([{"expect": "a"}, {"send": "b"}], None),
        ([{"send": b"\0"}, {"expect": "a"}], None),
        ([{"expect_bytes": "S"}], None),
        ([{"starttls": True}], None),
    ],
)
def test_a_dialogue_of_one_question_is_kept_and_any_other_is_lost(steps, written):
    found = take({"modules": {"a": {"prober": "tcp", "tcp": {"query_response": steps}}}})
    check = found.services["a"]["checks"]["probe"]
    address = "unset-a.invalid:80"
    assert check["tcp"] == (address if written is None else {"address": address, **written})
    assert check["expect"] == ["matched == true" if written and "until" in written else "connected == true"]
    assert any(one.lost for one in found.notes) == (written is None)


SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16/"
SMTP = [{"expect": "^220 "}, {"send": "EHLO prober\r"}, {"expect": "^250-STARTTLS"}, {"send": "STARTTLS\r"},
        {"expect": "^220"}, {"starttls": True}]  # fmt: skip


@pytest.mark.parametrize(
    ("tcp", "target", "check", "lost"),
    [
        ({"query_response": SMTP}, "a:25", {"tls": {"address": "a:25", "starttls": "smtp"}, "expect": ["valid == true"]}, 0),
        ({"query_response": [*SMTP, {"send": "QUIT\r"}]}, "a:25",
         {"tls": {"address": "a:25", "starttls": "smtp"}, "expect": ["valid == true"]}, 0),
        ({"query_response": [*SMTP, {"send": "EHLO a\r"}, {"expect": "^250-AUTH"}]}, "a:25",
         {"tls": {"address": "a:25", "starttls": "smtp"}, "expect": ["valid == true"]}, 1),
        ({"query_response": [{"expect": "^220 .* Postfix"}, *SMTP[1:]]}, "a:25",
         {"tls": {"address": "a:25", "starttls": "smtp"}, "expect": ["valid == true"]}, 1),
        ({"query_response": SMTP, "tls_config": {"insecure_skip_verify": True, "server_name": "b"}}, "a:25",
         {"tls": {"address": "a:25", "verify": False, "server_name": "b", "starttls": "smtp"}, "expect": ["version exists"]}, 0),
        ({"query_response": [{"expect": "OK.*STARTTLS"}, {"send": ". STARTTLS"}, {"expect": "OK"}, {"starttls": True}]},
         "a:143", {"tls": {"address": "a:143", "starttls": "imap"}, "expect": ["valid == true"]}, 0),
        ({"query_response": [{"expect": r"^\+OK"}, {"send": "STLS\r"}, {"expect": r"^\+OK"}, {"starttls": True}]},
         "a:110", {"tls": {"address": "a:110", "starttls": "pop3"}, "expect": ["valid == true"]}, 0),
        ({"query_response": [{"send": SSL_REQUEST}, {"expect_bytes": "S"}, {"starttls": True}]},
         "a:5432", {"tls": {"address": "a:5432", "starttls": "postgres"}, "expect": ["valid == true"]}, 0),
        ({"query_response": [{"send": SSL_REQUEST}, {"starttls": True}]},
         "a:5432", {"tcp": "a:5432", "expect": ["connected == true"]}, 1),
        ({"query_response": [{"send": "<start/>"}, {"expect": "<proceed"}, {"starttls": True}]},
         "a:5222", {"tcp": "a:5222", "expect": ["connected == true"]}, 1),
        ({"tls": True, "query_response": [{"expect": "^+OK"}]},
         "a:995", {"pop3": {"address": "a:995", "tls": "direct"}, "expect": ["ready == true"]}, 0),
        ({"tls": True, "query_response": [{"expect": r"^\* OK"}], "tls_config": {"ca_file": "c.pem"}},
         "a:993", {"imap": {"address": "a:993", "tls": "direct", "ca": "c.pem"}, "expect": ["ready == true"]}, 0),
        ({"tls": True, "query_response": [{"expect": "^220.*ESMTP"}]},
         "a:465", {"smtp": {"address": "a:465", "tls": "direct"}, "expect": ["status == 220"]}, 0),
        ({"tls": True, "query_response": [{"send": "HELO"}, {"expect": "AMQP"}]},
         "a:5671", {"tls": {"address": "a:5671"}, "expect": ["valid == true"]}, 1),
        ({"query_response": [{"expect": "^SSH-2.0-"}, {"send": "SSH-2.0-check"}]},
         "a:22", {"ssh": "a:22", "expect": ['protocol == "2.0"']}, 0),
        ({"query_response": [{"expect": "^SSH-2.0-OpenSSH", "labels": [{"name": "a", "value": "b"}]}]},
         "a:22", {"ssh": "a:22", "expect": ["banner matches /^SSH-2.0-OpenSSH/"]}, 1),
    ],
)  # fmt: skip
def test_a_dialogue_becomes_the_check_that_speaks_it(tcp, target, check, lost):
    assert taken("tcp", tcp, target) == (check, lost)


@pytest.mark.parametrize(
    ("prober", "terms", "check", "lost"),
    [
        ("http", {"enable_http3": True, "enable_http2": False}, {"url": "https://a/", "redirects": 10, "version": "3"}, 0),
        ("http", {"body_size_limit": "10MB"}, {"url": "https://a/", "redirects": 10, "max_body": "10485760B"}, 0),
        ("http", {"body_size_limit": "10YB"}, {"url": "https://a/", "redirects": 10}, 1),
        ("http", {"body_file": "b.json"}, {"url": "https://a/", "body_file": "b.json", "redirects": 10}, 0),
        ("http", {"compression": "gzip"}, {"url": "https://a/", "redirects": 10}, 0),
        ("http", {"oauth2": {"client_id": "a"}}, {"url": "https://a/", "redirects": 10}, 1),
        ("websocket", {"headers": {"X-A": "b"}, "http_config": {"authorization": {"credentials": "c"}}},
         {"url": "https://a/", "headers": {"X-A": "b", "Authorization": "Bearer ${env:M_TOKEN}"}}, None),
    ],
)  # fmt: skip
def test_what_a_module_says_of_a_request_is_kept_or_told(prober, terms, check, lost):
    found = take(module(prober, terms, "wss://a/" if prober == "websocket" else "https://a/"))
    (made,) = (one for service in found.services.values() for one in service["checks"].values())
    wanted = {**check, "url": "wss://a/"} if prober == "websocket" else check
    assert made[prober] == wanted
    assert sum(one.lost for one in found.notes) == (lost or 0)


@pytest.mark.parametrize(
    ("steps", "check", "lost"),
    [
        ([], {"websocket": {"url": "wss://a/"}, "expect": ["status == 101"]}, 0),
        ([{"send": "hi"}, {"expect": "^Welcome"}],
         {"websocket": {"url": "wss://a/", "send": "hi"}, "expect": ["status == 101", "received matches /^Welcome/"]}, 0),
        ([{"expect": "a", "send": "b"}], {"websocket": {"url": "wss://a/"}, "expect": ["status == 101"]}, 1),
    ],
)  # fmt: skip
def test_a_websocket_is_asked_once(steps, check, lost):
    assert taken("websocket", {"query_response": steps}, "wss://a/") == (check, lost)


def test_the_end_of_a_body_there_is_its_very_end():
    (check, _) = taken("http", {"fail_if_body_not_matches_regexp": ["a+$", "^b$"]}, "a.example")
    assert check["expect"] == ["status in 200..299", r"body matches /a+\Z/", 'body == "b"']


@pytest.mark.parametrize(
    ("prober", "terms", "careful"),
    [
        ("http", {"valid_status_codes": [200, 500]}, "a server that fails passes there"),
        ("http", {"tls_config": {"insecure_skip_verify": True}}, "any certificate passes there"),
        ("http", {"fail_if_body_matches_regexp": ["x"]}, "a text that is empty, or another's, passes there"),
        ("http", {"fail_if_header_not_matches": [{"header": "A", "regexp": "b", "allow_missing": True}]}, "without the header"),
        ("dns", {"query_name": "a", "query_type": "A"}, "without any record it passes there"),
    ],
)  # fmt: skip
def test_what_could_not_fail_there_is_pointed_out(prober, terms, careful):
    assert [one for one in take(module(prober, terms, "a.example")).notes if one.open.startswith(careful)]


def test_an_empty_list_of_codes_is_told_to_mean_the_usual_ones():
    (note, _) = take(module("http", {"valid_status_codes": []}, "a.example")).notes
    assert note.text == "became `status in 200..299`, as a list without codes means there"


def module(prober, terms, target):
    job = {"job_name": "j", "params": {"module": ["m"]}, "static_configs": [{"targets": [target]}]}
    return {"modules": {"m": {"prober": prober, prober: terms}}, "scrape_configs": [job]}


def taken(prober, terms, target):
    """The only check, and how many lines were lost."""
    found = take(module(prober, terms, target))
    (check,) = (one for service in found.services.values() for one in service["checks"].values())
    return check, sum(one.lost for one in found.notes)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 700) | st.text(max_size=6)
    | st.sampled_from(["http", "a.example:80", "NOERROR", "A", "ready", "5s", "ip4", "(", "GET"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["header", "regexp", "allow_missing", "values", "files", "secrets", "ca_file", "expect", "send",
                         "insecure_skip_verify", "username", "password", "credentials", "fail_if_matches_regexp"]),
        inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_TERMS = st.dictionaries(
    st.sampled_from(["method", "headers", "http_headers", "body", "basic_auth", "authorization", "proxy_url", "tls",
                     "tls_config", "valid_status_codes", "valid_http_versions", "fail_if_body_matches_regexp",
                     "fail_if_header_matches", "fail_if_ssl", "query_response", "query_name", "query_type",
                     "valid_rcodes", "validate_answer_rrs", "service", "metadata", "preferred_ip_protocol",
                     "ip_protocol_fallback", "follow_redirects", "enable_http2", "bearer_token"]),
    _VALUES, max_size=6,
)  # fmt: skip


@given(st.sampled_from(["http", "tcp", "icmp", "dns", "grpc"]), _TERMS, _VALUES, _VALUES)
def test_what_comes_along_is_valid_whatever_a_module_says(prober, terms, target, timeout):
    likely = {"query_name": "example.com", "query_type": "A"}
    modules = {
        "a": {"prober": prober, prober: {**likely, **terms}, "timeout": timeout},
        "b": terms,
        "c": target,
    }
    jobs = [
        {"params": {"module": ["a"]}, "static_configs": [{"targets": [target, "a.example:80"]}]},
        target,
        terms,
    ]
    for data in ({"modules": modules}, {"modules": modules, "scrape_configs": jobs, "global": terms}):
        found = take(data)
        for service in found.services.values():
            assert service["checks"]
            for check in service["checks"].values():
                fit(check)
