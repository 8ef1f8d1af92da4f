"""The `grpc` check over nginx's HTTP/2, with answers byte for byte as gRPC's health service gives them."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from certificates import FAR
from checks.peers import accepting, dripping, nobody
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST, free_port, listens, program, running

from opsctl.checks.grpc import GrpcCheck, _state
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

PATH = "grpc.health.v1.Health/Check"
# The message, and what comes with it.
ANSWERS = {
    "serving": (b"\0\0\0\0\x02\x08\x01", "add_trailer grpc-status 0 always;"),
    "not_serving": (b"\0\0\0\0\x02\x08\x02", "add_trailer grpc-status 0 always;"),
    "unknown": (b"\0\0\0\0\x00", "add_trailer grpc-status 0 always;"),
    "no_service": (b"", "add_header grpc-status 5 always;"),
    "no_health": (b"", "add_header grpc-status 12 always; add_header grpc-message 'no such method' always;"),
    "unavailable": (b"", "add_header grpc-status 14 always; add_header grpc-message 'draining' always;"),
    "failed_late": (b"\0\0\0\0\x02\x08\x01", "add_trailer grpc-status 13 always;"),
    "no_grpc": (b"\0\0\0\0\x02\x08\x01", ""),
    "compressed": (b"\x01\0\0\0\x02\x08\x01", "add_trailer grpc-status 0 always;"),
    "other_message": (b"\0\0\0\0\x03\x12\x01x", "add_trailer grpc-status 0 always;"),
    "cut": (b"\0\0\0\0\x02\x08", "add_trailer grpc-status 0 always;"),
    "bad_gateway": (None, ""),
}


class Served(NamedTuple):
    """The ports of each answer, and that of `serving` by TLS."""

    ports: dict[str, int]
    tls: int


@pytest.fixture(scope="module")
def served(tmp_path_factory, certificates):
    binary = program("nginx")
    folder = tmp_path_factory.mktemp("grpc")
    ports = {name: free_port() for name in ANSWERS}
    tls = free_port()
    blocks = []
    for name, (message, more) in ANSWERS.items():
        path = folder / name / PATH
        path.parent.mkdir(parents=True)
        path.write_bytes(message or b"")
        # nginx serves no file to a POST, unless the error is a page, which is the file.
        answer = (
            f"root {folder}/{name}; error_page 405 =200 $uri; {more}"
            if message is not None
            else "return 502;"
        )
        listen = f"listen {HOST}:{ports[name]} http2;"
        if name == "serving":
            pair = certificates.good
            listen += f" listen {HOST}:{tls} ssl http2; ssl_certificate {pair.certificate}; ssl_certificate_key {pair.key};"
        blocks.append(f"server {{ {listen} default_type application/grpc; location / {{ {answer} }} }}")
    temporary = " ".join(
        f"{kind}_temp_path {folder}/temporary;"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; events {{ }}\n"
        f"http {{ access_log off; {temporary} {' '.join(blocks)} }}\n"
    )
    argv = [binary, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with running(argv, folder / "log", lambda: all(map(listens, [*ports.values(), tls]))):
        yield Served(ports, tls)


def look(port, *, timeout=10.0, tls=False, **fields):
    address = port if isinstance(port, str) else f"{HOST}:{port}"
    return probe(GrpcCheck(address=address, tls=tls, **fields), timeout=timeout)


@pytest.mark.parametrize(
    ("name", "serving", "state"),
    [("serving", True, "SERVING"), ("not_serving", False, "NOT_SERVING"), ("unknown", False, "UNKNOWN")],
)
def test_what_a_server_says(served, name, serving, state):
    observation = look(served.ports[name])
    values = dict(observation.values)
    assert values.pop("latency") > 0
    assert (observation.failure, values) == (None, {"serving": serving, "state": state})


def test_over_tls(served, certificates):
    observation = look(served.tls, tls=True, ca=str(certificates.ca))
    assert (observation.failure, observation.values["serving"]) == (None, True)
    assert observation.values["expires_in"] == pytest.approx(FAR.timestamp() - NOW)
    assert look(served.tls, tls=True).failure.cause is Cause.TLS
    assert look(served.tls, tls=True, verify=False).values["serving"] is True


STRANGE = "its answer is none of the health service's"


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("no_service", Failure(Cause.MISSING, "it knows no service `shop.v1.Orders`")),
        ("no_health", Failure(Cause.MISSING, "it does not have gRPC's health service")),
        ("unavailable", Failure(Cause.STATUS, "it answers with gRPC's status 14: draining")),
        ("failed_late", Failure(Cause.STATUS, "it answers with gRPC's status 13")),
        ("no_grpc", Failure(Cause.PROTOCOL, "it does not speak gRPC: there is no grpc-status")),
        ("compressed", Failure(Cause.PROTOCOL, STRANGE)),
        ("other_message", Failure(Cause.PROTOCOL, STRANGE)),
        ("cut", Failure(Cause.PROTOCOL, STRANGE)),
        ("bad_gateway", Failure(Cause.STATUS, "it answers with status 502")),
    ],
)
def test_what_is_wrong_is_said(served, name, failure):
    observation = look(served.ports[name], service="shop.v1.Orders")
    assert (observation.values, observation.failure) == ({}, failure)


def test_a_server_of_older_http(web, web_tls, certificates):
    assert look(f"127.0.0.1:{web.port}").failure.cause in {Cause.PROTOCOL, Cause.RESET}
    older = web_tls()
    failure = look(f"127.0.0.1:{older.port}", tls=True, ca=str(certificates.ca)).failure
    assert failure == Failure(Cause.PROTOCOL, "it does not speak HTTP/2, so no gRPC")


# An empty SETTINGS, and then a PING again and again, but never an answer.
@pytest.mark.parametrize("serve", [
    lambda connection, done: done.wait(30), dripping(b"\0\0\0\x04\0\0\0\0\0", b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)),
])  # fmt: skip
def test_nothing_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        observation = look(address, timeout=0.3)
    assert (observation.values, observation.failure.cause) == ({}, Cause.TIMEOUT)


def test_nobody():
    assert look(nobody()).failure == Failure(Cause.REFUSED, "connection refused")


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("", b"\0\0\0\0\0"),
        ("shop.v1.Orders", b"\0\0\0\0\x10\x0a\x0eshop.v1.Orders"),
        ("x" * 100, b"\0\0\0\0\x66\x0a\x64" + b"x" * 100),
    ],
)
def test_the_call_is_as_grpc_writes_it(service, body):
    check = GrpcCheck(
        address="api.test:443", service=service, headers={"authorization": Template("Bearer x")}
    )
    request = check._request()
    assert request.body.text.encode() == body
    assert request.url.text == f"https://api.test:443/{PATH}"
    assert {name: value.text for name, value in request.headers.items()} == {
        "authorization": "Bearer x",
        "Content-Type": "application/grpc",
        "TE": "trailers",
    }


@given(text=st.text(max_size=10) | st.text(st.sampled_from("\0\1\2\x08\x09"), max_size=8))
def test_only_a_whole_message_is_a_state(text):
    known = {"\0\0\0\0\0": "UNKNOWN"} | {
        f"\0\0\0\0\2\x08{chr(number)}": state
        for number, state in enumerate(["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"])
    }
    assert _state(text) == known.get(text)


@pytest.mark.parametrize(
    ("fields", "field"), [({"address": "api.test"}, "address"), ({"tls": False, "ca": "x"}, "ca")]
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    assert [name for name, _ in GrpcCheck(**{"address": "api.test:443", **fields}).problems()] == [field]


def test_in_a_workspace(opsctl, served):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          api:
            checks:
              well: {{grpc: {{address: "{HOST}:{served.ports['serving']}", tls: false}}}}
              sick: {{grpc: {{address: "{HOST}:{served.ports['not_serving']}", tls: false}}}}
    """)  # fmt: skip
    ran = opsctl("check")
    lines = sorted(line.split("\t")[:2] for line in ran.out.splitlines() if "\tapi/" in line)
    assert (ran.code, lines) == (1, [["down", "api/sick"], ["up", "api/well"]])
