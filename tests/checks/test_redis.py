"""The `redis` check against a real server, and against what is none."""

from __future__ import annotations

import socket
import threading

import pytest
from checks.probe import probe

from opsctl.checks.redis import RedisCheck
from opsctl.outcome import Cause
from opsctl.secrets import Template


def say(port, *words):
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        peer.sendall(f"*{len(words)}\r\n{parts}".encode())
        return peer.recv(1000)


def test_a_server_says_how_it_is(redis_server):
    seen = probe(RedisCheck(address=f"127.0.0.1:{redis_server.port}"))
    assert seen.failure is None
    assert {
        "pong": True,
        "role": "master",
        "loading": False,
        "replicas": 0,
        "saved": True,
    }.items() <= seen.values.items()
    assert seen.values["memory"] > 10_000
    assert "memory_percent" not in seen.values
    assert "link" not in seen.values


def test_a_key_is_looked_at(redis_server):
    say(redis_server.port, "RPUSH", "jobs", "a", "b")
    say(redis_server.port, "SET", "leader", "web-1")
    address = f"127.0.0.1:{redis_server.port}"
    assert probe(RedisCheck(address=address, key="jobs")).values["length"] == 2
    leader = probe(RedisCheck(address=address, key="leader")).values
    assert (leader["value"], leader["length"]) == ("web-1", 5)
    none = probe(RedisCheck(address=address, key="no-such")).values
    assert (none["length"], "value" in none) == (0, False)


def test_a_limit_makes_a_share(redis_server):
    say(redis_server.port, "CONFIG", "SET", "maxmemory", "1000000000")
    seen = probe(RedisCheck(address=f"127.0.0.1:{redis_server.port}"))
    assert 0 < seen.values["memory_percent"] < 100
    say(redis_server.port, "CONFIG", "SET", "maxmemory", "0")


def test_a_password_is_asked_for(redis_server):
    address = f"127.0.0.1:{redis_server.port}"
    say(redis_server.port, "ACL", "SETUSER", "app", "on", ">secret", "+@all", "~*")
    good = RedisCheck(address=address, user="app", password=Template("secret"))
    assert probe(good).values["pong"] is True
    wrong = probe(RedisCheck(address=address, user="app", password=Template("wrong")))
    assert wrong.failure.cause is Cause.PROTOCOL
    assert wrong.failure.message.startswith("it refused `AUTH`: WRONGPASS")
    assert wrong.values == {}


@pytest.fixture
def peer():
    """A server that says this to everybody who connects, and then waits or goes."""
    done = threading.Event()

    def serving(data, *, closing=True):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(data)
                if not closing:
                    done.wait(30)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    servers = []
    yield serving
    done.set()
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak Redis' protocol"),
        (b"-NOAUTH Authentication required.\r\n", "it refused `PING`: NOAUTH"),
        (b"$99999999999\r\n", "an answer of 99999999999 bytes is more than is read"),
        (b":abc\r\n", "it does not speak Redis' protocol"),
    ],
)
def test_what_is_no_redis_is_never_up(peer, data, words):
    seen = probe(RedisCheck(address=peer(data)))
    assert seen.failure.cause is Cause.PROTOCOL
    assert seen.failure.message.startswith(words)
    assert "pong" not in seen.values


def test_a_server_that_says_nothing_ends_with_the_deadline(peer):
    seen = probe(RedisCheck(address=peer(b"", closing=False)), timeout=0.2)
    assert seen.failure.cause is Cause.TIMEOUT


def test_nobody_listens():
    seen = probe(RedisCheck(address="127.0.0.1:1"))
    assert seen.failure.cause is Cause.REFUSED


def test_what_cannot_work_is_told():
    assert list(RedisCheck(address="nowhere").problems()) == [
        ("address", "`nowhere` is not an address; write `host:port`")
    ]
    assert list(RedisCheck(address="a:1", user="app").problems()) == [
        ("user", "a user needs a password; add `password`")
    ]
