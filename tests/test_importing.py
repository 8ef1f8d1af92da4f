"""Checks of other tools: what each line becomes, what is lost, what passed there when it must not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsctl.importers import TOOLS, ForeignError, importer, name_of
from opsctl.importers.gatus_conditions import Context, expectation

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
        r"any(answers) matches /^mail\..*$/",
    ]
    lines = ran.err.splitlines()
    assert (
        "lost\tendpoints[0].conditions[2]\t`[STATUSS] < 300`: opsctl's http check has no such subject"
        in lines
    )
    assert "lost\tendpoints[0].alerts\topsctl has nothing like it" in lines
    assert "lost\tendpoints[1]\tit is switched off there" in lines
    assert "lost\tendpoints[6]\topsctl has no check for `sctp://`" in lines
    assert lines[-1] == "5 checks; 5 lines lost; 1 line that passed when it must not"


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
        ("[BODY] == pat(a*/b)", r"body matches /^a.*\/b$/", False),
        ("len([BODY].data) > 0", "len(json.data) > 0", False),
        ("has([BODY].errors) == false", "not json.errors exists", False),
        ("has([BODY].id) == true", "json.id exists", False),
        ("[CERTIFICATE_EXPIRATION] > 48h", "expires_in > 48h", False),
        ("[CERTIFICATE_EXPIRATION] > 14d", "", False),
        ("[CONNECTED] == true", "status > 0", False),
        ("[DOMAIN_EXPIRATION] > 720h", "", False),
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


GOSS = """
    http:
      https://shop.example.com:
        status: 200
        timeout: 1000
        allow-insecure: true
        body: ["Shop", "!/error/"]
        headers: ["Content-Type: text/html"]
    addr:
      tcp://db.example.com:5432: {reachable: true, timeout: 500}
    command:
      backup --check:
        exit-status: 0
        stdout: ["fine", {gt: 3}]
        timeout: 10000
      "echo $HOME | wc": {exit-status: 0}
    file:
      /etc/shop.conf: {exists: true, mode: "0640", owner: shop, contains: ["port"], linked-to: /x}
      /etc/old: {exists: true, skip: true}
    dns:
      shop.example.com: {resolvable: true, addrs: [192.0.2.1]}
      "MX:example.com": {resolvable: true, server: 192.0.2.53}
    port:
      tcp:22: {listening: true}
    process:
      nginx: {running: true}
    package:
      nginx: {installed: true}
"""


def test_goss_becomes_a_service_that_is_valid(opsctl):
    opsctl.write("goss.yaml", GOSS).write("opsctl.yaml", "version: 1\nname: Shop\n").write(
        "services/none.txt", ""
    )
    ran = opsctl(
        "import", "goss", str(opsctl.path / "goss.yaml"), "--out", str(opsctl.path / "services/goss.yaml")
    )
    assert ran.code == 1
    assert opsctl("validate").out == "valid: 1 service, 9 checks\n"
    checks = yaml.safe_load((opsctl.path / "services/goss.yaml").read_text())["services"]["machine"]["checks"]
    assert checks["http-https-shop.example.com"] == {
        "http": {"url": "https://shop.example.com", "redirects": 10, "verify": False},
        "expect": ["status == 200", 'body contains "Shop"', "not body matches /error/",
                   'header.content-type contains "text/html"'],
        "timeout": "1000ms",
    }  # fmt: skip
    assert checks["command-backup-check"]["command"] == ["backup", "--check"]
    assert checks["command-echo-home-wc"]["command"] == ["sh", "-c", "echo $HOME | wc"]
    assert checks["file-etc-shop.conf"]["expect"] == [
        "exists == true", 'mode == "0640"', 'owner == "shop"', 'content contains "port"',
    ]  # fmt: skip
    lines = ran.err.splitlines()
    assert "lost\tfile./etc/old\tit is skipped there; CAREFUL: what is skipped passes there" in lines
    assert "lost\tcommand.backup --check.stdout\t`{'gt': 3}` is a matcher that opsctl does not have" in lines
    assert "lost\tpackage.nginx\topsctl has no check for `package`; a `command` may do" in lines


def test_json_has_the_services_and_the_notes(opsctl):
    opsctl.write("goss.yaml", "process: {nginx: {running: true}}\n")
    ran = opsctl("import", "goss", str(opsctl.path / "goss.yaml"), "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["services"]["machine"]["checks"] == {
        "process-nginx": {"process": "nginx", "expect": ["count >= 1"]}
    }


@pytest.mark.parametrize(
    ("tool", "text", "words"),
    [
        ("gatus", "a: 1", "it has no list `endpoints`; is this a configuration of Gatus?"),
        ("goss", "[]", "it has none of the sections of a gossfile"),
        ("gatus", "a: [", "is not readable as YAML"),
        (
            "gatus",
            "a: 1\nb: [c\nd: e",
            "x.yaml:3:2: it cannot be taken in: it is not readable as YAML: did not find expected",
        ),
        ("goss", " ", "x.yaml:1:1: it is empty"),
        ("gatus", "!!python/object/apply:os.system [touch canary]", "is not readable as YAML"),
        ("nothing", "", "`TOOL nothing` is not one of `gatus`, `goss`"),
    ],
)
def test_what_is_no_such_file_is_told(opsctl, tool, text, words):
    opsctl.write("x.yaml", text)
    ran = opsctl("import", tool, str(opsctl.path / "x.yaml"))
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert not (opsctl.path / "canary").exists()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_that_is_not_utf_8_is_told_with_its_place(opsctl, tool):
    (opsctl.path / "x.yaml").write_bytes("é: 1\nö: ".encode() + b"\xff")
    ran = opsctl("import", tool, str(opsctl.path / "x.yaml"))
    assert (ran.code, ran.out) == (2, "")
    assert "x.yaml:2:4: it is not UTF-8: invalid start byte; save it as UTF-8" in ran.err


_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20)
    | st.sampled_from(["https://a.example", "[STATUS] == 200", "tcp://a:1", "icmp://a"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["endpoints", "url", "name", "conditions", "client", "dns", "http", "file", "command", "body",
                         "status", "headers", "stdout", "timeout", "tls", "skip", "monitorList", "type", "interval",
                         "modules", "prober", "scrape_configs", "params", "module", "static_configs", "targets"]),
        inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(data=_DATA, tool=st.sampled_from(TOOLS))
def test_any_data_is_taken_in_or_refused(data, tool):
    try:
        found = importer(tool)(data)
    except ForeignError:
        return
    for service, terms in found.services.items():
        assert name_of(service) == service
        assert terms["checks"]


@given(st.text())
def test_any_text_is_a_condition_or_lost(text):
    written, note = expectation(text, Context("http", tls=True), "x")
    assert bool(written) != note.lost


@pytest.mark.skipif(
    not os.environ.get("OPSCTL_EXAMPLES"), reason="OPSCTL_EXAMPLES names no folder with the tools' sources"
)
@pytest.mark.parametrize(
    ("tool", "repository", "pattern"),
    [
        ("gatus", "gatus", r"(^|/)config(/.*)?\.yaml$"),
        ("goss", "goss", r"goss\.yaml$"),
        ("blackbox", "blackbox_exporter", r"(example|blackbox[\w-]*)\.yml$"),
        ("nagios", "nagioscore", r"(template-object/\w+|t/etc/[\w-]+)\.cfg(\.in)?$"),
    ],
)
def test_the_tools_own_examples_are_taken_in(opsctl, tool, repository, pattern):
    import re

    folder = Path(os.environ["OPSCTL_EXAMPLES"]) / repository
    listed = subprocess.run(["git", "-C", folder, "ls-tree", "-r", "HEAD", "--name-only"], check=True,
                            capture_output=True, text=True).stdout.split("\n")  # fmt: skip
    names = [name for name in listed if re.search(pattern, name)]
    taken = 0
    for name in names:
        shown = subprocess.run(["git", "-C", folder, "show", f"HEAD:{name}"], check=True, capture_output=True)
        (opsctl.path / "foreign.yaml").write_bytes(shown.stdout)
        opsctl.write("services/x.txt", "").write("opsctl.yaml", "version: 1\nname: Shop\n")
        out = opsctl.path / "services/foreign.yaml"
        ran = opsctl("import", tool, str(opsctl.path / "foreign.yaml"), "--out", str(out))
        assert "Traceback" not in ran.err
        if ran.code != 2 and "0 checks" not in ran.err:
            valid = opsctl("validate", "--allow-unset")
            assert valid.code == 0, (name, valid.out)
            taken += 1
    assert taken
