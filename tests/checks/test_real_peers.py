"""The `grpc` and `websocket` checks against what others have written: gRPC's own server, and `websockets`."""

from __future__ import annotations

import re
import sys
import textwrap
import threading
from contextlib import contextmanager

import pytest
from certificates import FAR
from checks.peers import server_context
from checks.probe import NOW, probe
from servers import HOST, free_port, listens, running
from websockets.sync.server import serve

from opsctl.checks.grpc import GrpcCheck
from opsctl.checks.websocket import WebsocketCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)


@pytest.fixture(scope="module")
def grpc_server(tmp_path_factory, certificates):
    """gRPC's health service in the open, by TLS, and a server without it; `shop.v1.Orders` does not serve."""
    folder = tmp_path_factory.mktemp("grpc")
    plain, secure, without = ports = [free_port() for _ in range(3)]
    # In a process of its own, as its threads are not fond of forks.
    (folder / "server.py").write_text(textwrap.dedent(f"""
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path

        import grpc
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc

        states = health.HealthServicer()
        states.set("", health_pb2.HealthCheckResponse.SERVING)
        states.set("shop.v1.Orders", health_pb2.HealthCheckResponse.NOT_SERVING)
        states.set("shop.v1.Stock", health_pb2.HealthCheckResponse.UNKNOWN)
        pair = Path({str(certificates.good.key)!r}).read_bytes(), Path({str(certificates.good.certificate)!r}).read_bytes()
        server, bare = (grpc.server(ThreadPoolExecutor(2)) for _ in range(2))
        health_pb2_grpc.add_HealthServicer_to_server(states, server)
        server.add_insecure_port("{HOST}:{plain}")
        server.add_secure_port("{HOST}:{secure}", grpc.ssl_server_credentials([pair]))
        bare.add_insecure_port("{HOST}:{without}")
        server.start()
        bare.start()
        server.wait_for_termination()
    """))  # fmt: skip
    with running(
        [sys.executable, str(folder / "server.py")], folder / "log", lambda: all(map(listens, ports))
    ):
        yield plain, secure, without


@pytest.mark.parametrize(
    ("service", "serving", "state"),
    [
        ("", True, "SERVING"),
        ("shop.v1.Orders", False, "NOT_SERVING"),
        ("shop.v1.Stock", False, "UNKNOWN"),
    ],
)
def test_grpc_s_own_server_says_how_it_is(grpc_server, service, serving, state):
    seen = probe(GrpcCheck(address=f"{HOST}:{grpc_server[0]}", service=service, tls=False), timeout=10.0)
    assert (seen.failure, seen.values["serving"], seen.values["state"]) == (None, serving, state)


def test_grpc_s_own_server_by_tls(grpc_server, certificates):
    seen = probe(GrpcCheck(address=f"{HOST}:{grpc_server[1]}", ca=str(certificates.ca)), timeout=10.0)
    assert (seen.failure, seen.values["serving"], seen.values["expires_in"]) == (None, True, EXPIRES_IN)


def test_grpc_s_own_server_of_what_it_does_not_know(grpc_server):
    plain, _, without = grpc_server
    unknown = probe(GrpcCheck(address=f"{HOST}:{plain}", service="shop.v1.None", tls=False), timeout=10.0)
    assert unknown.failure == Failure(Cause.MISSING, "it knows no service `shop.v1.None`")
    bare = probe(GrpcCheck(address=f"{HOST}:{without}", tls=False), timeout=10.0)
    assert bare.failure == Failure(Cause.MISSING, "it does not have gRPC's health service")


@contextmanager
def talking(handler, **options):
    with serve(handler, HOST, 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{HOST}:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def echo(connection):
    for message in connection:
        connection.send(message)


def look(url, **fields):
    wanted = frozenset(
        {"status", "received", "subprotocol", "version", "expires_in"} if "send" in fields else {"status"}
    )
    return probe(WebsocketCheck(url=Template(url), **fields), timeout=10.0, wanted=wanted)


@pytest.mark.parametrize("size", [1, 126, 70_000])
def test_a_message_comes_back_from_another_s_server(size):
    with talking(echo) as address:
        seen = look(f"ws://{address}/live", send=Template("x" * size))
    assert (seen.failure, seen.values["status"], seen.values["received"]) == (None, 101, "x" * size)


def test_another_s_server_by_tls_and_with_a_subprotocol(certificates):
    with talking(echo, ssl=server_context(certificates.good), subprotocols=["chat.v1"]) as address:
        seen = look(
            f"wss://{address}/",
            ca=str(certificates.ca),
            subprotocol="chat.v1",
            send=Template("é"),
            until=re.compile("é"),
        )
    assert seen.failure is None
    assert (seen.values["subprotocol"], seen.values["received"]) == ("chat.v1", "é")
    assert (seen.values["version"], seen.values["expires_in"]) == ("TLSv1.3", EXPIRES_IN)


def test_our_goodbye_is_understood():
    said = []

    def leave(connection):
        for _ in connection:
            pass
        said.append(connection.close_code)

    with talking(leave) as address:
        assert look(f"ws://{address}/").values["status"] == 101
    assert said == [1000]


def test_another_s_server_that_refuses(certificates):
    def refuse(connection, _request):
        return connection.respond(403, "not you\n")

    with talking(echo, process_request=refuse) as address:
        seen = look(f"ws://{address}/")
    assert seen.values["status"] == 403
