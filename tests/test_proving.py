"""Synthetic failures: which a check catches, and that CI can ask for it."""

from __future__ import annotations

import json
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks import KINDS, kind_named
from opsctl.expectations import parse
from opsctl.faults import Fault, faults_of, touches
from opsctl.proving import caught, prove
from opsctl.workspace import load_workspace

# A check of each type as people write it at first, and what it does not see then.
FIRST = {
    "http": ("http: https://example.com/", {"error-page-200", "login-page", "empty-body", "broken-json", "json-error",
             "json-empty", "json-null", "json-list", "slow", "expires-soon"}),
    "health": ("health: https://example.com/health", {"hollow", "slow"}),
    "flow": ("flow: [{name: a, url: http://a/, capture: {id: {json: id}}}, {name: b, method: HEAD, url: http://a/}]",
             {"a-slow", "b-slow"}),
    "tcp": ("tcp: example.com:22", {"reset", "silent", "other-service", "slow"}),
    "tls": ("tls: example.com:443", {"chain-expires-soon", "slow"}),
    "dns": ("dns: example.com", {"hijacked", "slow"}),
    "command": ("command: [backup, --check]", {"error-and-0", "nothing-and-0", "slow"}),
    "file": ("file: /var/backups/dump", {"stale", "empty", "garbage", "open-to-all"}),
    "disk": ("disk: /", {"no-inodes", "read-only", "not-mounted"}),
    "memory": ("memory: {}", {"swapping"}),
    "load": ("load: {}", set()),
    "process": ("process: nginx", {"restarting", "piling-up", "leaking"}),
    "sqlite": ("sqlite: shop.db", set()),
    "heartbeat": ("heartbeat: {name: nightly, every: 1d}", set()),
    "certificate": ("certificate: /etc/ssl/own.pem", {"other-name"}),
    "ping": ("ping: example.com", {"lossy", "slow"}),
    "ssh": ("ssh: example.com:22", {"other-host", "slow"}),
    "redis": ("redis: example.com:6379", {"cut-off", "full", "not-saved", "slow"}),
    "clock": ("clock: pool.ntp.org", {"slow"}),
    "ntp": ("ntp: time.example.com", {"alone", "slow"}),
    "smtp": ("smtp: mail.example.com:587", {"other-server", "no-login", "slow"}),
    "imap": ("imap: mail.example.com:143", {"other-server", "slow"}),
    "pop3": ("pop3: mail.example.com:110", {"other-server", "slow"}),
    "postgres": ("postgres: db.example.com:5432", {"nearly-full", "demoted", "behind", "no-replicas", "slow"}),
    "mysql": ("mysql: db.example.com:3306", {"other-version", "locked-out", "slow"}),
    "statuspage": ("statuspage: https://www.example.com", {"told-only", "slow"}),
    "docker": ("docker: web-1", {"between-crashes", "unchecked", "other-image", "slow"}),
    "domain": ("domain: example.com", {"held", "unlocked", "taken", "not-asked", "slow"}),
    "websocket": ("websocket: wss://example.com/live", {"closes", "mute", "expires-soon", "slow"}),
    "kubernetes": ("kubernetes: deployment/web", {"stuck-rollout", "slow"}),
    "systemd": ("systemd: nginx.service", {"between-crashes", "not-enabled", "leaking"}),
    "grpc": ("grpc: api.example.com:443", {"expires-soon", "slow"}),
    "history": ("history: {of: a/x, over: 7d}", {"slow"}),
    "group": ("group: {members: [a/x]}", set()),
}  # fmt: skip


def test_an_answer_that_is_kept_hides_that_nobody_can_be_asked():
    unasked = {"refused", "reset", "timeout", "unreachable", "no-such-name", "too-often"}
    for cache, seen in ((3600.0, {"not-asked"}), (0.0, unasked)):
        check = kind_named("domain")(name="example.com", cache=cache)
        names = {fault.name for fault in faults_of("domain", check, 10.0)}
        assert names & (unasked | {"not-asked"}) == seen


def workspace(folder, check, more=""):
    (folder / "opsctl.yaml").write_text(
        "version: 1\nname: Shop\nservices:\n  a:\n    checks:\n      x: {file: /}\n"
        f"      c:\n{textwrap.indent(textwrap.dedent(check) + more, '        ')}\n"
    )
    return load_workspace(folder, {})


@pytest.mark.parametrize("type_", KINDS)
def test_every_type_has_faults_and_says_what_it_is_blind_to(tmp_path, type_):
    check, blind = FIRST[type_]
    (proof,) = prove(workspace(tmp_path, check), ["a/c"])
    assert {one.fault for one in proof.survivors} == blind
    assert proof.faults > len(blind)
    assert all(one.cure and one.text for one in proof.survivors)


@pytest.mark.parametrize("type_", KINDS)
def test_no_answer_is_never_up(tmp_path, type_):
    check = workspace(tmp_path, FIRST[type_][0]).checks()["a/c"][1]
    for fault in faults_of(type_, check.kind, check.timeout):
        assert fault.failure is None or caught(check, fault)


def test_the_cures_cure(tmp_path):
    strict = (
        "http: https://example.com/\n"
        "expect: [status == 200, 'json.status == \"ok\"', latency < 2s, expires_in > 14d]"
    )
    (proof,) = prove(workspace(tmp_path, strict), ["a/c"])
    assert proof.survivors == ()
    file = 'file: /x\nexpect: [age < 26h, size > 0B, sha256 == "ab", mode == "0640"]'
    (proof,) = prove(workspace(tmp_path, file), ["a/c"])
    assert proof.survivors == ()


def test_a_limit_of_one_request_does_not_catch_another_that_is_slow(tmp_path):
    check = "flow: [{name: a, url: http://a/}, {name: b, url: http://a/}]\nexpect: latency.a < 2s"
    (proof,) = prove(workspace(tmp_path, check), ["a/c"])
    slow = {one.fault for one in proof.survivors if one.fault.endswith("slow")}
    assert slow == {"b-slow"}


def test_a_request_of_a_flow_that_may_not_take_long_itself_is_not_blamed_for_being_slow(tmp_path):
    check = "flow: [{name: a, url: http://a/, expect: latency < 1s}, {name: b, url: http://a/, expect: latency > 1s}]"
    (proof,) = prove(workspace(tmp_path, check), ["a/c"])
    assert [one.fault for one in proof.survivors if one.fault.endswith("slow")] == ["b-slow"]


def test_with_a_family_every_name_in_it_is_gone():
    expectation = parse("perfdata.load < 4", kind_named("command").SUBJECTS)
    assert touches(Fault("x", "x", gone=frozenset({"perfdata"})), expectation)
    assert not touches(Fault("x", "x", {"perfdata": 1}), expectation)


def test_a_certificate_that_is_not_verified_is_a_survivor(tmp_path):
    check = "http: {url: https://example.com/, verify: false}\nexpect: [status == 200, latency < 2s]"
    (proof,) = prove(workspace(tmp_path, check), ["a/c"])
    assert {"expired-certificate", "wrong-name", "untrusted"} <= {one.fault for one in proof.survivors}
    assert {one.cure for one in proof.survivors if one.fault == "wrong-name"} == {"verify: true"}


_HTTP = st.sampled_from(["status == 200", 'body contains "Shop"', 'json.status == "ok"', "size > 0B", "latency < 1s",
                         'header.content-type contains "json"', "expires_in > 14d", "json exists"])  # fmt: skip


@given(some=st.lists(_HTTP, min_size=1, max_size=4), more=_HTTP)
def test_another_expectation_never_lets_more_survive(tmp_path_factory, some, more):
    folder = tmp_path_factory.mktemp("prove")

    def blind(expectations):
        listed = json.dumps(expectations)
        (proof,) = prove(workspace(folder, f"http: https://example.com/\nexpect: {listed}"), ["a/c"])
        return {one.fault for one in proof.survivors}

    assert blind([*some, more]) <= blind(some)


def test_a_survivor_may_be_excused_with_a_reason_and_an_idle_excuse_is_told(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        services:
          a:
            checks:
              memory:
                memory: {}
                expect_survivor: {swapping: There is no swap, full: x}
              load: {load: {}}
    """)  # fmt: skip
    ran = opsctl("check", "--prove")
    assert (ran.code, ran.out) == (0, (
        "proven\ta/memory\tcatches 1 of 2 faults\n"
        "  excused swapping: all of the swap is used; There is no swap\n"
        "  `expect_survivor: full` is no survivor; take it away\n"
        "proven\ta/load\tcatches 1 of 1 faults\n"
        "2 checks, 3 faults: 0 survivors, 1 excused\n"
    ))  # fmt: skip
    assert not (opsctl.path / ".opsctl").exists()


def test_ci_may_ask_for_no_survivors(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\nservices: {a: {checks: {m: {memory: {}}}}}\n")
    ran = opsctl("check", "--prove", "-o", "json")
    assert ran.code == 1
    (check,) = json.loads(ran.out)["checks"]
    assert check == {
        "check": "a/m",
        "faults": 2,
        "survivors": [{"fault": "swapping", "text": "all of the swap is used", "cure": "swap_used_percent < 80%",
                       "excuse": None}],
        "idle_excuses": [],
    }  # fmt: skip
