"""The `mysql` check without a login, against servers that greet as MySQL's protocol says, or do not."""

from __future__ import annotations

import socket

import pytest
from checks.mysql_talk import OK, look, playing
from checks.mysqls import error, greeting, packet
from checks.peers import accepting, dripping, flooding, nobody, secured
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.mysql import MysqlCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template


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
    ("fields", "field"),
    [
        ({"address": "db.test"}, "address"),
        ({"tls": "starttls", "server_name": ".a"}, "server_name"),
        # Who names these may take it for granted that there is TLS.
        ({"server_name": "a"}, "server_name"),
        ({"ca": "ca.pem"}, "ca"),
        ({"server_key": "key.pem"}, "server_key"),
        ({"server_key": "key.pem", "password": Template("x"), "tls": "starttls"}, "server_key"),
    ],
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
