"""The `mysql` check against a real MariaDB, and against servers that say what MySQL's protocol has them say."""

from __future__ import annotations

import socket
from pathlib import Path  # noqa: TC003 - a field of a NamedTuple
from typing import NamedTuple

import pytest
import servers
from certificates import FAR
from checks.peers import accepting, dripping, flooding, nobody, secured
from checks.probe import NOW, probe
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST, free_port, program, running

from opsctl.checks.mysql import MysqlCheck
from opsctl.checks.tls import TlsCheck
from opsctl.outcome import Cause, Failure

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)


class Maria(NamedTuple):
    address: str
    log: Path


@pytest.fixture(scope="module")
def maria(tmp_path_factory, certificates):
    """MariaDB with TLS: `open` needs no password, `app` one, and `private` needs TLS."""
    # The second one comes from another package, and the first one calls it.
    install, _, server = program("mariadb-install-db"), program("my_print_defaults"), program("mariadbd")
    folder = tmp_path_factory.mktemp("maria")
    port = free_port()
    servers._must([install, "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", "--user=root",
                   "--auth-root-authentication-method=normal"])  # fmt: skip
    (folder / "users.sql").write_text(
        "CREATE USER 'open'@'%' IDENTIFIED BY '';\nCREATE USER 'app'@'%' IDENTIFIED BY 'secret';\n"
        "CREATE USER 'private'@'%' IDENTIFIED BY '' REQUIRE SSL;\n"
    )
    pair = certificates.good
    argv = [server, "--no-defaults", "--user=root", f"--datadir={folder}/data", f"--port={port}",
            f"--socket={folder}/socket", f"--bind-address={HOST}", f"--init-file={folder}/users.sql",
            f"--ssl-cert={pair.certificate}", f"--ssl-key={pair.key}", f"--pid-file={folder}/pid"]  # fmt: skip

    def ready():
        return servers.listens(port)

    with running(argv, folder / "log", ready):
        yield Maria(f"{HOST}:{port}", folder / "log")


def look(address, certificates=None, *, timeout=10.0, **fields):
    if certificates:
        fields |= {"ca": str(certificates.ca), "tls": "starttls"}
    return probe(MysqlCheck(address=address, **fields), timeout=timeout)


@pytest.mark.parametrize(
    ("user", "tls", "expected"),
    [
        ("opsctl", False, False),
        ("opsctl", True, False),
        ("open", False, True),
        ("open", True, True),
        ("app", False, False),
        ("private", False, False),
        ("private", True, True),
    ],
)
def test_all_of_a_real_server(maria, certificates, user, tls, expected):
    observation = look(maria.address, certificates if tls else None, user=user)
    values = dict(observation.values)
    assert observation.failure is None
    assert values.pop("version").split("-")[1] == "MariaDB"
    assert values.pop("latency") > 0
    certificate = {"expires_in": EXPIRES_IN} if tls else {}
    assert values == {"ready": True, "starttls": True, "authenticated": expected, **certificate}


def test_the_certificate_has_to_be_valid_and_for_the_host(maria, certificates):
    assert look(maria.address, tls="starttls").failure.cause is Cause.TLS
    assert look(maria.address, certificates, server_name="other.test").failure.cause is Cause.TLS
    assert look(maria.address, tls="starttls", verify=False).values["expires_in"] == EXPIRES_IN


def test_a_server_that_was_asked_does_not_count_it_as_an_error(maria):
    before = len(maria.log.read_text())
    for _ in range(3):
        assert look(maria.address).failure is None
    since = maria.log.read_text()[before:]
    assert since.count("Access denied for user 'opsctl'") == 3
    assert "Aborted connection" not in since


def packet(number, data):
    return len(data).to_bytes(3, "little") + bytes([number]) + data


def greeting(version=b"8.4.3", offers=0xDFFF_FFFF, data=None):
    """A greeting of protocol 10 as MySQL's documentation shows it."""
    low, high = (offers & 0xFFFF).to_bytes(2, "little"), (offers >> 16).to_bytes(2, "little")
    rest = b"\x08\0\0\0" + b"abcdefgh" + b"\0" + low + b"\xff" + b"\x02\0" + high + b"\x15" + bytes(10)
    return packet(0, data or b"\x0a" + version + b"\0" + rest + b"ijklmnopqrst\0caching_sha2_password\0")


def error(code, words, number=2):
    return packet(number, b"\xff" + code.to_bytes(2, "little") + b"#28000" + words)


def playing(*answers, first=None):
    """A server that greets, and gives each answer to one packet; what it was sent is in `playing.sent`."""

    def serve(connection, done):
        connection.sendall(first or greeting())
        with connection.makefile("rb") as stream:
            for answer in answers:
                head = stream.read(4)
                sent.append(stream.read(int.from_bytes(head[:3], "little")))
                connection.sendall(answer)
            stream.read(1)

    sent = []
    serve.sent = sent
    return serve


OK = packet(2, b"\0\0\0\x02\0\0\0")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([OK], True),
        ([error(1045, b"Access denied for user")], False),
        ([error(3159, b"Connections using insecure transport are prohibited")], False),
        (
            [
                packet(2, b"\xfecaching_sha2_password\0salt\0"),
                packet(4, b"\x01\x03"),
                packet(6, b"\0\0\0\x02\0\0\0"),
            ],
            True,
        ),
        ([packet(2, b"\xfesha256_password\0salt\0"), error(1045, b"no", 4)], False),
    ],
)
def test_a_name_is_said_without_a_password(answers, expected):
    serve = playing(*answers)
    with accepting(serve) as address:
        observation = look(address)
    assert (observation.failure, observation.values["authenticated"]) == (None, expected)
    assert observation.values["version"] == "8.4.3"
    assert serve.sent[0].endswith(b"opsctl\0\0mysql_native_password\0")
    assert serve.sent[1:] == [b""] * (len(answers) - 1)


def test_the_version_of_an_older_mariadb():
    with accepting(playing(OK, first=greeting(b"5.5.5-10.6.1-MariaDB"))) as address:
        assert look(address).values["version"] == "10.6.1-MariaDB"


def test_tls_is_begun_before_the_name_is_said(certificates):
    def serve(connection, done):
        connection.sendall(greeting())
        asked = b""
        while len(asked) < 36:
            asked += connection.recv(36 - len(asked))
        assert asked[:4] == b"\x20\0\0\x01"
        assert int.from_bytes(asked[4:8], "little") & 0x800
        assert asked[12:] == b"\x2d" + bytes(23)
        secured(certificates.good, after)(connection, done)

    def after(connection, done):
        assert b"opsctl" in connection.recv(1000)
        connection.sendall(packet(3, b"\0\0\0\x02\0\0\0"))
        connection.recv(100)

    with accepting(serve) as address:
        observation = look(address, certificates)
    assert (observation.failure, observation.values["authenticated"]) == (None, True)


NOT_MYSQL = Failure(Cause.PROTOCOL, "it does not speak MySQL's protocol")
BLOCKED = packet(0, b"\xff\x10\x04Too many connections")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (playing(first=BLOCKED), Failure(Cause.PROTOCOL, "it refuses with error 1040: Too many connections")),
        (playing(error(1040, b"Too many")), Failure(Cause.PROTOCOL, "it refuses with error 1040: Too many")),
        (playing(first=b"SSH-2.0-OpenSSH_9.2\r\n"), NOT_MYSQL),
        (playing(first=packet(0, b"\x09" + b"3.20\0" + bytes(30))), NOT_MYSQL),
        (playing(first=packet(0, b"\x0a8.4.3\0")), NOT_MYSQL),
        (playing(packet(2, b"\x42")), NOT_MYSQL),
        (playing(*[packet(2, b"\x01\x03")] * 5), NOT_MYSQL),
        (lambda connection, done: None, Failure(Cause.RESET, "it closed the connection")),
        (flooding(b""), NOT_MYSQL),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(serve, failure):
    with accepting(serve) as address:
        observation = look(address)
    assert (observation.values, observation.failure) == ({}, failure)


def test_a_server_without_tls_is_not_talked_to_where_it_has_to_be_by_tls(certificates):
    with accepting(playing(first=greeting(offers=0xDFFF_F7FF))) as address:
        observation = look(address, certificates)
    words = "it does not offer TLS; write `tls: none` if that is right"
    assert (observation.values, observation.failure) == ({}, Failure(Cause.TLS, words))


@pytest.mark.parametrize("serve", [
    lambda connection, done: done.wait(30), dripping(b"\x00\x20\x00\x00", b"\x0a"),
    dripping(b"", packet(0, b"")[:1]),
])  # fmt: skip
def test_nothing_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        observation = look(address, timeout=0.3)
    assert observation.values == {}
    assert observation.failure in {Failure(Cause.TIMEOUT, "no whole answer within 0.3 s"), NOT_MYSQL}


def test_nobody():
    assert look(nobody()).failure == Failure(Cause.REFUSED, "connection refused")


@given(said=st.binary(max_size=200))
def test_no_bytes_raise_or_make_a_server_good(said):
    def serve(connection, done):
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)

    with accepting(serve) as address:
        observation = look(address)
    assert observation.failure is not None
    assert observation.values == {}


@pytest.mark.parametrize(
    ("fields", "field"), [({"address": "db.test"}, "address"), ({"server_name": ".a"}, "server_name")]
)
def test_what_cannot_work_is_said_before_anything_is_probed(fields, field):
    assert [name for name, _ in MysqlCheck(**{"address": "db.test:3306", **fields}).problems()] == [field]


def test_in_a_workspace(opsctl):
    opsctl.write("opsctl.yaml", "version: 1\nname: Shop\n")
    with accepting(playing(error(1045, b"Access denied"))) as address:
        opsctl.write("services/database.yaml", f"""
            services:
              database:
                checks:
                  shop: {{mysql: "{address}"}}
        """)  # fmt: skip
        ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "database/shop"])


def test_its_certificate_can_be_looked_at_without_a_name(maria, certificates):
    check = TlsCheck(address=maria.address, starttls="mysql", ca=str(certificates.ca))
    observation = probe(check, timeout=10.0)
    assert (observation.failure, observation.values["valid"]) == (None, True)
