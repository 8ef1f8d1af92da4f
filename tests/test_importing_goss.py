"""What Goss tests, taken in, and what could not fail there."""

from __future__ import annotations

import pytest
import yaml

from opsctl.importers import importer

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
    skipped = (
        "it is skipped there; take `skip` away, and take it in again; CAREFUL: what is skipped passes there"
    )
    assert f"lost\tfile./etc/old\t{skipped}" in lines
    assert "lost\tcommand.backup --check.stdout\t`{'gt': 3}` is a matcher that opsctl does not have" in lines
    assert [line for line in lines if line.startswith("lost\tpackage.nginx\topsctl has no check of packages")]


@pytest.mark.parametrize(
    ("section", "terms", "check", "expect"),
    [
        ("http", {"url": "http://x/", "status": {"or": [200, 204]}}, {"http": {"url": "http://x/", "redirects": 10}}, ["status in [200, 204]"]),
        ("http", {"url": "http://x/", "status": 200, "body": "all"}, {"http": {"url": "http://x/", "redirects": 10}}, ["status == 200", 'body == "all"']),
        ("command", {"exit-status": {"lt": 2}, "stdout": {"and": [{"contain-substring": "a"}, {"match-regexp": "b$"}]}},
         {"command": ["x"]}, ["exit_code < 2", 'stdout contains "a"', r"stdout matches /b\Z/"]),
        ("command", {"exit-status": 0, "stdout": ["/^b$/", "!c", "\\!d"], "stderr": ""}, {"command": ["x"]},
         ["exit_code == 0", "stdout matches /(?m)^b$/", 'not stdout contains "c"', 'stdout contains "!d"', 'stderr == ""']),
        ("command", {"exit-status": {"not": 0}, "stdout": {"have-prefix": "a.b"}}, {"command": ["x"]},
         ["not exit_code == 0", r"stdout matches /^a\.b/"]),
        ("service", {"enabled": True, "running": False}, {"systemd": "x"},
         ['enabled in ["enabled", "enabled-runtime", "static", "alias", "indirect", "generated"]',
          'not active in ["active", "reloading"]']),
        ("user", {"exists": True, "uid": 7, "home": "/x"}, {"command": ["getent", "passwd", "x"]},
         ["exit_code == 0", "stdout matches /^[^:]*:[^:]*:7(:|$)/",
          r"stdout matches /^[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:\/x(:|$)/"]),
        ("group", {"exists": True, "gid": 7}, {"command": ["getent", "group", "x"]},
         ["exit_code == 0", "stdout matches /^[^:]*:[^:]*:7:/"]),
        ("kernel-param", {"value": "128"}, {"command": ["sysctl", "-n", "x"]}, ["stdout matches /^128$/"]),
        ("mount", {"exists": True}, {"disk": "x"}, ["mounted == true"]),
        ("file", {"exists": True, "size": {"gt": 5}, "filetype": "symlink"}, {"file": "x"},
         ["exists == true", "size > 5B", 'type == "link"']),
    ],
)  # fmt: skip
def test_a_test_of_goss_becomes_the_check_of_its_kind(section, terms, check, expect):
    found = importer("goss")({section: {"x": terms}})
    assert list(found.services["machine"]["checks"].values()) == [{**check, "expect": expect}]
    assert not [one for one in found.notes if one.lost or one.open]


@pytest.mark.parametrize(
    ("section", "name", "terms", "lost", "careful"),
    [
        ("command", "x", {"exit-status": 0, "stdout": []}, "", 'expect `stdout == ""` where nothing must be there'),
        ("http", "https://x", {"status": 200, "allow-insecure": True}, "", "any certificate passes there"),
        ("addr", "udp://a:53", {"reachable": True}, "it tells nobody whether it is there", "it always passes there"),
        ("port", "udp:53", {"listening": True}, "it tells nobody whether it is there", ""),
        ("command", "x", {"exit-status": "many"}, "`many` is no number", ""),
        ("command", "x", {"stdout": ["a"]}, "it is not there, and Goss wants it: `exit_code == 0` is expected", ""),
        ("http", "https://x", {"body": ["a"]}, "it is not there, and Goss wants it: `status in 200..299` is", ""),
        ("command", "x", {"exit-status": 0, "stdout": {"gjson": {"a": 1}}}, "`gjson` is a matcher that opsctl", ""),
        ("http", "https://x", {"status": 200, "request-headers": True}, "it is no list of headers", ""),
        ("http", "https://x", {"status": 200, "request-headers": ["X"]}, "`X` is no header", ""),
        ("file", "x", {"exists": "maybe"}, "`maybe` is neither true nor false", ""),
        ("file", "x", {"exists": True, "mode": 420}, "a number is not as it is written", ""),
        ("file", "x", {"exists": True, "owner": {"a": 1, "b": 2}}, "it has more than one matcher", ""),
        ("gossfile", "a.yaml", {}, "it names other files: take each in by itself", ""),
        ("port", "tcp:80", {"listening": True, "ip": ["a", "b"]}, "it is asked at 127.0.0.1; write a check for each", ""),
    ],
)  # fmt: skip
def test_nothing_of_goss_is_lost_silently_and_what_could_not_fail_is_pointed_out(
    section, name, terms, lost, careful
):
    found = importer("goss")({section: {name: terms}})
    told = [one.text for one in found.notes if one.lost]
    assert len(told) == bool(lost)
    assert not lost or told[0].startswith(lost)
    assert [one for one in found.notes if one.open] == [
        one for one in found.notes if careful and careful in one.open
    ]
    assert any(one.open for one in found.notes) == bool(careful)


def test_a_template_of_goss_is_told_to_be_one(opsctl):
    opsctl.write("x.yaml", "http:\n  {{ .Vars.url }}:\n    status: 200\n")
    ran = opsctl("import", "goss", "x.yaml")
    assert ran.code == 2
    assert "`{{` makes a template of it: take in what that renders to" in ran.err
