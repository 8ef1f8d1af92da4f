"""Checks of other tools, taken in: what is refused, quoted, kept secret and told, whichever the tool."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsctl.importers import TOOLS, ForeignError, importer, name_of, of_go
from opsctl.importers.gatus_conditions import Context, expectation


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("ok$", r"ok\Z"), ("^a$|^b$", r"^a\Z|^b\Z"), (r"ok\z", r"ok\Z"), ("(?i)ok$", r"(?i)ok\Z"),
        # What is at the ends of lines there is so here.
        ("(?m)^ok$", "(?m)^ok$"), (r"(?im)^ok$\z", r"(?im)^ok$\Z"),
        # What stands for itself.
        (r"5\$", r"5\$"), ("[$a]", "[$a]"), (r"[^]$\]$]x$", r"[^]$\]$]x\Z"), (r"\\$", r"\\\Z"), ("ok", "ok"),
    ],
)  # fmt: skip
def test_the_end_of_a_text_in_go_is_its_very_end(said, written):
    assert of_go(said) == written


def test_lines_in_a_part_of_a_pattern_are_refused():
    with pytest.raises(ValueError, match="looks at lines in a part of it only; write it anew as `matches`"):
        of_go("(?m:^a$)b$")


@pytest.mark.parametrize(
    ("tool", "data", "written"),
    [
        ("gatus", {"endpoints": [{"name": "My page", "url": "https://a.example", "conditions": ["[STATUS] == 200"],
                                  "headers": {"Authorization": "Bearer s3cret"}}]}, "${env:MY_PAGE_AUTHORIZATION}"),
        ("goss", {"http": {"https://a.example": {"status": 200, "username": "bob", "password": "s3cret"}}},
         "${env:A_EXAMPLE_PASSWORD}"),
        ("goss", {"http": {"https://a.example": {"status": 200, "request-headers": ["Authorization: Bearer s3cret"]}}},
         "${env:A_EXAMPLE_AUTHORIZATION}"),
        ("blackbox", {"modules": {"2xx": {"prober": "http", "http": {"bearer_token": "s3cret"}}}}, "${env:_2XX_TOKEN}"),
        ("uptime-kuma", {"monitorList": [{"type": "http", "name": "A", "url": "https://a.example", "authMethod": "basic",
                                          "basic_auth_user": "bob", "basic_auth_pass": "s3cret"}]}, "${env:A_PASSWORD}"),
    ],
)  # fmt: skip
def test_a_secret_does_not_come_along(tool, data, written):
    found = importer(tool)(data)
    assert written in str(found.services)
    assert "s3cret" not in str(found)


def test_what_never_ends_is_refused(opsctl):
    ran = opsctl("import", "gatus", "/dev/zero")
    assert (ran.code, ran.err) == (2, "opsctl: /dev/zero is larger than 2 MB; split it\n")


def test_what_is_nested_very_deeply_is_refused(opsctl):
    opsctl.write("deep.yaml", "[" * 100_000)
    # In a process of its own, as it would not only be this test that ends.
    ran = subprocess.run(
        opsctl.argv("import", "gatus", "deep.yaml"), cwd=opsctl.path, capture_output=True, check=False
    )
    assert (ran.returncode, b"nested deeper than 100 levels; flatten it" in ran.stderr) == (2, True)


def test_a_name_server_that_does_not_answer_gives_another_code_there():
    found = expectation("[DNS_RCODE] != NXDOMAIN", Context("dns"), "")
    assert (found[0], bool(found[1].open)) == ('rcode != "NXDOMAIN"', True)


def test_a_job_does_not_report_for_another_of_its_name():
    jobs = [{"name": "backup", "group": group, "heartbeat": {"interval": "1h"}} for group in ("a", "b")]
    found = importer("gatus")({"external-endpoints": jobs})
    checks = [check for service in found.services.values() for check in service["checks"].values()]
    assert [check["heartbeat"]["name"] for check in checks] == ["backup", "backup-2"]
    assert "the job says `opsctl heartbeat ok backup-2`" in str(found.notes)


def test_what_is_named_alike_in_another_group_gets_another_secret():
    page = {
        "name": "api",
        "url": "https://a.example",
        "conditions": ["[STATUS] == 200"],
        "headers": {"X-Key": "a"},
    }
    found = importer("gatus")({"endpoints": [{"group": group, **page} for group in ("a", "b")]})
    headers = [service["checks"]["api"]["http"]["headers"]["X-Key"] for service in found.services.values()]
    assert headers == ["${env:A_API_X_KEY}", "${env:B_API_X_KEY}"]


@pytest.mark.parametrize("group", ["a\\0b", "\\e[31m", "  ", "x" * 9999])
def test_whatever_a_group_is_called_its_service_is_valid(opsctl, group):
    page = '{name: a, group: "%s", url: "https://a.example", conditions: ["[STATUS] == 200"]}'
    opsctl.write("gatus.yaml", f"endpoints: [{page % group}]\n").write("opsctl.yaml", "version: 1\nname: X\n")
    opsctl.write("services/x.txt", "")
    assert opsctl("import", "gatus", "gatus.yaml", "--out", "services/x.yaml").code == 0
    assert opsctl("validate").code == 0


def test_what_may_be_read_as_something_else_is_quoted(opsctl):
    opsctl.write("x.yaml", "command: {'echo y 0o17 1e5 08': {exit-status: 0}}\n").write(
        "opsctl.yaml", "version: 1\nname: X\n"
    )
    assert (
        opsctl.write("services/x.txt", "")("import", "goss", "x.yaml", "--out", "services/x.yaml").code == 0
    )
    assert opsctl("validate").code == 0
    checks = yaml.safe_load((opsctl.path / "services/x.yaml").read_text())["services"]["machine"]["checks"]
    assert [check["command"] for check in checks.values()] == [["echo", "y", "0o17", "1e5", "08"]]


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
                         "external-endpoints", "heartbeat", "and", "or", "not", "gt",
                         "contain-substring", "exit-status", "user", "service", "port", "ip", "addrs", "modules", "prober", "scrape_configs", "params", "module", "static_configs", "targets"]),
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


@pytest.mark.skipif(
    not os.environ.get("OPSCTL_EXAMPLES"), reason="OPSCTL_EXAMPLES names no folder with the tools' sources"
)
@pytest.mark.parametrize(
    ("tool", "repository", "pattern"),
    [
        ("gatus", "gatus", r"(^|/)(config|.*/config/\w+)\.yaml$"),
        ("goss", "goss", r"goss[\w-]*\.yaml$"),
        ("blackbox", "blackbox_exporter", r"(example|blackbox[\w-]*)\.yml$"),
        ("nagios", "nagioscore", r"(template-object/\w+|(t|t-tap)/(etc|smallconfig)/[\w-]+)\.cfg(\.in)?$"),
    ],
)
def test_the_tools_own_examples_are_taken_in(opsctl, tool, repository, pattern):
    folder = Path(os.environ["OPSCTL_EXAMPLES"]) / repository
    opsctl.write("services/x.txt", "").write("opsctl.yaml", "version: 1\nname: Shop\n")
    taken = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and re.search(pattern, path.relative_to(folder).as_posix()):
            (opsctl.path / "services/foreign.yaml").unlink(missing_ok=True)
            ran = opsctl("import", tool, str(path), "--out", "services/foreign.yaml")
            # What a tool cannot read either is refused in words, with its place.
            assert ran.code in {0, 1} or (ran.code == 2 and re.search(r":[0-9]+:[0-9]+: ", ran.err)), ran.err
            valid = opsctl("validate", "--allow-unset")
            assert valid.code == 0, (path, valid.out)
            taken += ran.code != 2
    assert taken > 1


@pytest.mark.skipif(
    not os.environ.get("OPSCTL_EXAMPLES"), reason="OPSCTL_EXAMPLES names no folder with the tools' sources"
)
def test_an_empty_database_of_uptime_kuma_has_no_monitors(opsctl):
    path = Path(os.environ["OPSCTL_EXAMPLES"]) / "uptime-kuma/db/kuma.db"
    ran = opsctl("import", "uptime-kuma", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert "it cannot be taken in" in ran.err
