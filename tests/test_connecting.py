"""Resolving and connecting within one deadline, on real sockets."""

from __future__ import annotations

import errno
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from opsctl.connecting import Address, ConnectError, connect, failure_of, parse_address, resolve, within
from opsctl.outcome import Cause, Failure


@contextmanager
def listening(backlog: int = 5):
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server.getsockname()[1]


@contextmanager
def black_hole():
    """A port whose queue is full, so that the kernel drops whoever else wants to connect."""
    with listening(backlog=0) as port, socket.create_connection(("127.0.0.1", port)):
        yield port


def closed_port() -> int:
    with listening() as port:
        return port


@pytest.fixture
def hung_resolver(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(30) and [])
    yield
    release.set()


def resolving_to(monkeypatch, *ports):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("example.com:443", Address("example.com", 443)),
        ("127.0.0.1:1", Address("127.0.0.1", 1)),
        ("[::1]:65535", Address("::1", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":80", "host:0", "host:65536", "host:-1", "host:²", "[]:80"]
)
def test_what_is_no_address_is_told_how_to_write_one(text):
    with pytest.raises(ValueError, match="is not an address; write `host:port`"):
        parse_address(text)


def test_an_ipv6_address_needs_brackets():
    with pytest.raises(ValueError, match=r"in brackets, as `\[::1\]:80`"):
        parse_address("::1:80")


def test_a_connection_tells_where_it_leads():
    with listening() as port:
        connection = connect(Address("localhost", port), "ipv4", within(2))
        with connection.socket as opened:
            assert (connection.peer, opened.getpeername()[1]) == ("127.0.0.1", port)
    assert connection.resolving > 0
    assert connection.connecting > 0


def test_a_refused_connection_says_so():
    with pytest.raises(ConnectError) as caught:
        connect(Address("127.0.0.1", closed_port()), "any", within(2))
    assert caught.value.failure == Failure(Cause.REFUSED, "connection refused")
    assert caught.value.tried == {"127.0.0.1": "connection refused"}
    assert caught.value.resolving is not None


def test_a_port_that_drops_packets_is_given_up_at_the_deadline():
    with black_hole() as port, pytest.raises(ConnectError) as caught:
        connect(Address("127.0.0.1", port), "any", within(0.2))
    assert caught.value.failure == Failure(Cause.TIMEOUT, "no connection within 0.2 s")


def test_the_next_address_gets_its_turn_after_one_that_refuses(monkeypatch):
    with listening() as port:
        resolving_to(monkeypatch, closed_port(), port)
        with connect(Address("several.test", 1), "any", within(2)).socket as opened:
            assert opened.getpeername()[1] == port


def test_the_next_address_gets_its_turn_after_one_that_is_silent(monkeypatch):
    with black_hole() as silent, listening() as port:
        resolving_to(monkeypatch, silent, port)
        with connect(Address("several.test", 1), "any", within(0.5)).socket as opened:
            assert opened.getpeername()[1] == port


def test_a_hung_resolver_is_left_behind(hung_resolver):
    with pytest.raises(ConnectError) as caught:
        connect(Address("slow.test", 80), "any", within(0.1))
    assert caught.value.failure == Failure(Cause.TIMEOUT, "`slow.test` was not resolved within 0.1 s")
    assert caught.value.resolving is None


def test_nobody_waits_for_a_hung_resolver_at_the_end_of_the_process(hung_resolver):
    with pytest.raises(ConnectError):
        resolve(Address("slow.test", 80), "any", within(0.1))
    stuck = [thread for thread in threading.enumerate() if thread.name == "opsctl-resolve"]
    assert [thread.daemon for thread in stuck] == [True]


def test_an_unknown_name_is_a_matter_of_dns(monkeypatch):
    def unknown(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConnectError) as caught:
        connect(Address("gone.test", 80), "any", within(2))
    words = "`gone.test` cannot be resolved: name or service not known"
    assert caught.value.failure == Failure(Cause.DNS, words)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_is_no_name_is_not_asked_for_and_so_not_waited_for(host):
    assert [found[0] for _, found in resolve(Address(host, 80), "any", within(0))] == [host]


@pytest.mark.parametrize("name", ["a..b", "x" * 64])
def test_what_cannot_be_a_name_is_a_matter_of_dns(name):
    with pytest.raises(ConnectError) as caught:
        connect(Address(name, 80), "any", within(2))
    assert caught.value.failure == Failure(Cause.DNS, f"`{name}` is not a name that can be resolved")


def test_a_family_that_the_host_does_not_have_is_a_matter_of_dns():
    with pytest.raises(ConnectError) as caught:
        connect(Address("127.0.0.1", 80), "ipv6", within(2))
    assert caught.value.failure.cause is Cause.DNS


def test_no_address_at_all_is_a_matter_of_dns(monkeypatch):
    resolving_to(monkeypatch)
    with pytest.raises(ConnectError, match=r"`empty\.test` has no address"):
        connect(Address("empty.test", 80), "any", within(2))


def test_a_port_where_nobody_listens_is_not_mistaken_for_ourselves(monkeypatch):
    connect_ = socket.socket.connect

    def from_the_same_port(self, address):
        self.bind(address)
        connect_(self, address)

    monkeypatch.setattr(socket.socket, "connect", from_the_same_port)
    with pytest.raises(ConnectError) as caught:
        connect(Address("127.0.0.1", closed_port()), "any", within(2))
    assert caught.value.failure.cause is Cause.REFUSED


def test_a_failed_connection_leaves_no_socket_open(recwarn):
    with pytest.raises(ConnectError):
        connect(Address("127.0.0.1", closed_port()), "any", within(2))
    assert [str(warning.message) for warning in recwarn] == []


def test_a_deadline_that_has_passed_leaves_no_time():
    with pytest.raises(TimeoutError):
        within(0).left()
    assert 0 < within(60).left() <= 60


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError("timed out"), Failure(Cause.TIMEOUT, "no answer within 3 s")),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), Failure(Cause.TIMEOUT, "connection timed out")),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), Failure(Cause.RESET, "connection reset")),
        (OSError(errno.EPIPE, "Broken pipe"), Failure(Cause.RESET, "connection reset")),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Failure(Cause.UNREACHABLE, "no route to host")),
        (
            OSError(errno.EPERM, "Operation not permitted"),
            Failure(Cause.PERMISSION, "operation not permitted"),
        ),
        (OSError(errno.EMFILE, "Too many open files"), Failure(Cause.INTERNAL, "too many open files")),
        (OSError("odd"), Failure(Cause.UNREACHABLE, "odd")),
    ],
)
def test_network_errors_have_a_cause_and_words(error, failure):
    assert failure_of(error, 3) == failure


def test_ipv6_is_connected_to_where_the_machine_has_it():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with closing(server):
        connection = connect(Address("::1", server.getsockname()[1]), "ipv6", within(2))
        connection.socket.close()
    assert connection.peer == "::1"
