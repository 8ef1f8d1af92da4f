"""The `docker` check against a daemon that speaks Docker's documented API over a socket of the machine."""

from __future__ import annotations

import os
import socket
import threading

import pytest
from checks.dockers import EXITED, RUNNING, health, serving, told
from checks.probe import probe
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.docker import DockerCheck, _agreed, _container, _evidence, _state
from opsctl.outcome import Cause, Failure, Observation


@pytest.fixture
def daemon(tmp_path):
    with serving(tmp_path / "docker.sock") as served:
        yield served


def look(daemon, state=None, *, name="web-1", timeout=10.0):
    if state is not None:
        daemon.containers["web-1"] = told(state)
    return probe(DockerCheck(container=name, socket=str(daemon.path)), timeout=timeout)


def test_all_of_a_container_that_runs(daemon):
    observation = look(daemon, {**RUNNING, **health("healthy")})
    values = dict(observation.values)
    assert values.pop("latency") > 0
    assert (observation.failure, values) == (None, {
        "healthy": True,
        "state": "running",
        "health": "healthy",
        "failing": 0,
        "restarts": 2,
        "out_of_memory": False,
        "uptime": pytest.approx(3600, abs=1),
        "image": "nginx:1.27",
        "image_id": "sha256:0123",
        "api": "1.47",
    })  # fmt: skip
    assert daemon.asked == ["/_ping", "/v1.47/containers/web-1/json"]


@pytest.mark.parametrize(
    ("state", "healthy", "shown"),
    [
        (RUNNING, True, None),
        ({**RUNNING, **health("none")}, True, None),
        ({**RUNNING, **health("")}, True, None),
        ({**RUNNING, **health("starting")}, False, "starting"),
        ({**RUNNING, **health("unhealthy", 3)}, False, "unhealthy"),
        ({**RUNNING, **health("well, well")}, False, "well, well"),
        ({**RUNNING, "Status": "paused", **health("healthy")}, False, "healthy"),
        ({**RUNNING, "Status": "restarting"}, False, None),
        (EXITED, False, None),
    ],
)
def test_only_what_runs_and_is_not_known_to_be_sick_is_healthy(daemon, state, healthy, shown):
    values = look(daemon, state).values
    assert (values["healthy"], values.get("health")) == (healthy, shown)


def test_what_has_ended_says_how(daemon):
    observation = look(daemon, EXITED)
    values = observation.values
    assert (values["exit_code"], values["out_of_memory"]) == (137, True)
    assert "uptime" not in values
    assert observation.evidence == {"error": "no space left"}


def test_what_the_health_check_said_last_is_evidence(daemon):
    assert look(daemon, {**RUNNING, **health("unhealthy", 3)}).evidence == {"output": "connection refused"}


def test_an_older_daemon_is_asked_in_its_own_version(daemon):
    daemon.api = "1.41"
    assert look(daemon, RUNNING).values["api"] == "1.41"
    assert daemon.asked[1].startswith("/v1.41/")


def test_a_container_that_is_not_there(daemon):
    observation = look(daemon, name="other")
    assert (observation.values, observation.failure) == (
        {}, Failure(Cause.MISSING, "there is no container `other`"),
    )  # fmt: skip


def test_a_name_is_not_taken_for_the_beginning_of_an_id(daemon):
    daemon.containers = dict.fromkeys(("ab", "ab" * 6, "ab" * 32), told(RUNNING))
    words = "there is no container `ab`; the daemon took it for the id of `web-1`"
    assert look(daemon, name="ab") == Observation(failure=Failure(Cause.MISSING, words))
    for whole in ("ab" * 6, "ab" * 32):
        assert look(daemon, name=whole).values["healthy"] is True


def test_sockets_that_cannot_be_asked(daemon, tmp_path, monkeypatch):
    def failure(path):
        return probe(DockerCheck(container="web-1", socket=path), root=tmp_path).failure

    gone = tmp_path / "gone.sock"
    assert failure("gone.sock") == Failure(Cause.MISSING, f"{gone} is not there; is Docker running?")
    (tmp_path / "file").touch()
    assert failure("file") == Failure(Cause.UNSUPPORTED, f"{tmp_path}/file is not a socket")
    with socket.socket(socket.AF_UNIX) as unheard:
        unheard.bind(str(gone))
    assert failure("gone.sock").cause in {Cause.REFUSED, Cause.UNREACHABLE}
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert failure("docker.sock").cause is Cause.PERMISSION


def test_something_else_on_the_socket(daemon):
    daemon.api = ""
    assert look(daemon).failure == Failure(Cause.PROTOCOL, f"{daemon.path} is not Docker's")
    daemon.api = "1.47"
    daemon.containers["web-1"] = ["x"]
    assert look(daemon).failure == Failure(Cause.BODY, "the answer is not Docker's")


def test_a_key_that_stands_twice_is_not_believed(daemon):
    # JSON knows no numbers as keys, so both are written as `"1"`.
    failure = look(daemon, {**RUNNING, "Labels": {1: "a", "1": "b"}}).failure
    assert failure == Failure(Cause.BODY, "the answer is JSON in which `1` stands twice in one object")


def test_a_daemon_that_drips_does_not_outlast_the_deadline(daemon):
    done = threading.Event()

    def drip(wfile):
        wfile.write(b"HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\n\r\n")
        while not done.wait(0.02):
            wfile.write(b"x")

    daemon.raw = drip
    observation = look(daemon, timeout=0.3)
    done.set()
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


def test_both_questions_have_one_deadline(daemon, monkeypatch):
    from opsctl.checks import docker

    given_ = []

    def late(request, ask, missing):
        given_.append(ask.timeout)
        return Observation(failure=Failure(Cause.TIMEOUT, f"no whole answer within {ask.timeout} s"))

    monkeypatch.setattr(docker, "ask_for_json", late)
    assert look(daemon, RUNNING).failure == Failure(Cause.TIMEOUT, "no whole answer within 10 s")
    assert 0 < given_[0] < 10


_KEYS = st.sampled_from(
    ["Health", "Status", "FailingStreak", "StartedAt", "ExitCode", "Log", "Output", "Config", "Image"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["running", "healthy", "2027"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
)


@given(state=st.dictionaries(_KEYS, _JSON), status=st.sampled_from(["running", "exited"]))
def test_no_answer_raises_or_makes_what_does_not_run_healthy(state, status):
    values = {**_state({**state, "Status": status}, 0.0), **_container(state)}
    assert set(values) <= set(DockerCheck.SUBJECTS)
    assert values["healthy"] is False or (
        status == "running" and values.get("health", "healthy") == "healthy"
    )
    _evidence(state)


@given(offered=st.none() | st.text(max_size=6))
def test_only_a_version_is_agreed_on(offered):
    agreed = _agreed(offered)
    assert agreed is None or "." in offered
    assert (_agreed("1.9"), _agreed("1.47"), _agreed("2.0")) == ("1.9", "1.47", "1.47")


def test_in_a_workspace(opsctl, daemon):
    look(daemon, {**RUNNING, **health("healthy")})
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          web:
            checks:
              container: {{docker: {{container: web-1, socket: {daemon.path}}}}}
              absent: {{docker: {{container: web-2, socket: {daemon.path}}}}}
    """)  # fmt: skip
    ran = opsctl("check")
    lines = sorted(line.split("\t")[:2] for line in ran.out.splitlines() if "\tweb/" in line)
    assert (ran.code, lines) == (1, [["down", "web/absent"], ["up", "web/container"]])


@pytest.mark.parametrize(
    ("state", "expect", "said"),
    [
        (EXITED, "", "healthy == true (found false); state exited, exit code 137"),
        ({**RUNNING, **health("unhealthy", 3)}, "", "healthy == true (found false); state running, health unhealthy"),
        (EXITED, ', expect: [state == "running"]', 'state == "running" (found "exited"); exit code 137'),
    ],
)  # fmt: skip
def test_what_is_not_well_says_why(opsctl, daemon, state, expect, said):
    look(daemon, state)
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services: {{web: {{checks: {{x: {{docker: {{container: web-1, socket: {daemon.path}}}{expect}}}}}}}}}
    """)  # fmt: skip
    assert opsctl("check").out.splitlines()[0] == f"down\tweb/x\t{said}"
