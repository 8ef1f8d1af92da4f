"""The guards of the tests guard."""

from __future__ import annotations

import os
import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.test"])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_test_cannot_connect_beyond_this_machine(method, host):
    with socket.socket() as probe, pytest.raises(pytest.fail.Exception, match="tried to connect"):
        getattr(probe, method)((host, 80))


def test_a_test_cannot_connect_beyond_this_machine_over_ipv6():
    with (
        socket.socket(socket.AF_INET6) as probe,
        pytest.raises(pytest.fail.Exception, match="tried to connect"),
    ):
        probe.connect(("2001:db8::1", 80, 0, 0))


def test_a_test_cannot_send_datagrams_beyond_this_machine():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as probe,
        pytest.raises(pytest.fail.Exception, match="tried to connect"),
    ):
        probe.sendto(b"x", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost"])
def test_a_test_can_connect_to_this_machine(host):
    with socket.create_server(("", 0)) as server, socket.socket() as client:
        client.connect((host, server.getsockname()[1]))


def test_a_test_can_connect_to_a_unix_socket(tmp_path, monkeypatch):
    # By a short relative name: the whole path may be longer than an address can be.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("here")
        server.listen()
        client.connect("here")


def test_a_test_has_no_real_home():
    assert "pytest" in os.environ["HOME"]
