"""The `redis` check against a real server, and against what is none."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from certificates import FAR
from checks.probe import NOW, probe
from servers import HOST, free_port, listens, program, running

from opsctl.checks.redis import RedisCheck
from opsctl.outcome import Cause, Failure
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


NOT_REDIS = Failure(Cause.PROTOCOL, "it does not speak Redis' protocol")
TOO_LARGE = Failure(Cause.TOO_LARGE, "it says more than the 1000000 bytes that are read")


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", Failure(Cause.RESET, "it closed the connection")),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", NOT_REDIS),
        (b"-NOAUTH no\r\n", Failure(Cause.PROTOCOL, "it refused `PING`: NOAUTH no")),
        (
            b"-ERR unknown command 'PING', with args beginning with: 'secret' \r\n",
            Failure(Cause.PROTOCOL, "it refused `PING`: ERR unknown command 'PING'"),
        ),
        (b"$99999999999\r\n", TOO_LARGE),
        (
            b"+" + b"x" * 1_000_001,
            Failure(Cause.TOO_LARGE, "it says more than the 65536 bytes that are read"),
        ),
        (b":abc\r\n", NOT_REDIS),
        (b":" + b"9" * 5000 + b"\r\n", NOT_REDIS),
        (b"$5\r\nPO", Failure(Cause.RESET, "it closed the connection")),
    ],
)
def test_what_is_no_redis_is_never_up(peer, data, failure):
    seen = probe(RedisCheck(address=peer(data)))
    assert (seen.values, seen.failure) == ({}, failure)


def test_a_server_that_says_nothing_ends_with_the_deadline(peer):
    seen = probe(RedisCheck(address=peer(b"", closing=False)), timeout=0.2)
    assert seen.failure.cause is Cause.TIMEOUT


def test_nobody_listens():
    seen = probe(RedisCheck(address="127.0.0.1:1"))
    assert seen.failure.cause is Cause.REFUSED


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"address": "nowhere"}, "address", "`nowhere` is not an address; write `host:port`"),
        ({"user": "app"}, "user", "a user needs a password; add `password`"),
        ({"tls": True, "server_name": ".a"}, "server_name", "`.a` is not a host name; write it without the dot"),
        ({"tls": True, "certificate_key": "a"}, "certificate_key",
         "`certificate_key` needs its `certificate`; name both"),
        ({"ca": "a"}, "ca", "`ca` is for TLS; add `tls: true`"),
        ({"server_name": "a"}, "server_name", "`server_name` is for TLS; add `tls: true`"),
        ({"certificate": "a"}, "certificate", "`certificate` is for TLS; add `tls: true`"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told(fields, field, words):
    assert list(RedisCheck(**{"address": "redis.test:6379", **fields}).problems()) == [(field, words)]


def redis(folder, certificates, pair, *options):
    """A server that speaks TLS only; with `--tls-auth-clients yes` only to who shows a certificate."""
    port = free_port()
    argv = [program("redis-server"), "--port", "0", "--tls-port", str(port), "--bind", HOST, "--save", "",
            "--dir", str(folder), "--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key),
            "--tls-ca-cert-file", str(certificates.ca), *options]  # fmt: skip
    return port, running(argv, folder / "log", lambda: listens(port))


@pytest.fixture(scope="module")
def secure(tmp_path_factory, certificates):
    """The port of a server with the good certificate."""
    folder = tmp_path_factory.mktemp("redis-tls")
    port, server = redis(folder, certificates, certificates.good, "--tls-auth-clients", "no")
    with server:
        yield port


@pytest.fixture(scope="module")
def demanding(tmp_path_factory, certificates):
    """The port of one that wants to see a certificate."""
    folder = tmp_path_factory.mktemp("redis-demanding")
    port, server = redis(folder, certificates, certificates.good, "--tls-auth-clients", "yes")
    with server:
        yield port


def look(port, certificates, *, timeout=10.0, **fields):
    fields = {"tls": True, "ca": str(certificates.ca), **fields}
    return probe(RedisCheck(address=f"{HOST}:{port}", **fields), timeout=timeout)


def test_all_of_a_server_by_tls(secure, certificates):
    seen = look(secure, certificates, key="no-such")
    assert seen.failure is None
    assert (seen.values["pong"], seen.values["role"], seen.values["length"]) == (True, "master", 0)
    assert seen.values["expires_in"] == pytest.approx(FAR.timestamp() - NOW)


def test_the_certificate_has_to_be_valid_and_for_the_host(secure, certificates):
    for fields in (
        {"ca": None},
        {"ca": str(certificates.untrusted.certificate)},
        {"server_name": "other.test"},
    ):
        seen = look(secure, certificates, **fields)
        assert (seen.values, seen.failure.cause) == ({}, Cause.TLS)
        assert seen.failure.message.startswith("the certificate is not valid: ")
        assert look(secure, certificates, **fields, verify=False).values["pong"] is True
    assert look(secure, certificates, server_name="localhost").failure is None
    missing = look(secure, certificates, ca="/no/such.pem").failure
    assert missing == Failure(
        Cause.PERMISSION, "the file /no/such.pem cannot be read: No such file or directory; correct `ca`"
    )


def test_a_certificate_may_be_demanded(demanding, certificates):
    own = certificates.client
    shown = {"certificate": str(own.certificate), "certificate_key": str(own.key)}
    assert look(demanding, certificates, **shown).failure is None
    other = certificates.untrusted
    for fields in ({}, {"certificate": str(other.certificate), "certificate_key": str(other.key)}):
        seen = look(demanding, certificates, **fields)
        assert seen.failure.cause in {Cause.TLS, Cause.RESET}
        assert seen.values == {}


def test_tls_and_none_do_not_meet(secure, redis_server, certificates):
    # It waits for the end of a line, which a handshake has not.
    plain = look(redis_server.port, certificates, timeout=0.5)
    assert (plain.values, plain.failure) == ({}, Failure(Cause.TIMEOUT, "no handshake within 0.5 s"))
    without = probe(RedisCheck(address=f"{HOST}:{secure}"))
    assert (without.values, without.failure.cause) == ({}, Cause.RESET)


def test_with_tls_a_certificate_has_to_last(opsctl, tmp_path, certificates):
    port, server = redis(tmp_path, certificates, certificates.soon, "--tls-auth-clients", "no")
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          queue:
            checks:
              redis: {{redis: {{address: "{HOST}:{port}", tls: true, ca: {certificates.ca}}}}}
    """)  # fmt: skip
    with server:
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (1, ["down", "queue/redis"])
    assert ran.out.split("\t")[2].startswith("expires_in > 14d (found ")


def test_a_check_by_tls_sees_what_becomes_of_it(opsctl):
    opsctl.write("opsctl.yaml", """
        version: 1
        name: Shop
        services:
          queue:
            checks:
              plain: {redis: "redis.test:6379", expect: pong == true}
              secure: {redis: {address: "redis.test:6379", tls: true}}
              unseen: {redis: {address: "redis.test:6379", tls: true}, expect: pong == true}
    """)  # fmt: skip
    found = json.loads(opsctl("check", "--prove", "-o", "json").out)["checks"]
    plain, secure, unseen = ({one["fault"] for one in check["survivors"]} for check in found)
    assert found[1]["faults"] == found[0]["faults"] + 2
    assert not {"expires-soon", "no-tls"} & (plain | secure)
    assert unseen - plain == {"expires-soon"}
