"""The `mysql` check with a login, against servers that answer as MySQL's protocol says, or do not."""

from __future__ import annotations

import json
import socket
import sys

import pytest
from checks.mysql_talk import OK, look, playing
from checks.mysqls import error, greeting, packet
from checks.peers import accepting, dripping
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from opsctl.checks.mysql import MysqlCheck
from opsctl.connecting import parse_address, within
from opsctl.dialogue import Dialogue, dialogue
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template


def text(words):
    return bytes([len(words)]) + words


def results(names, *rows):
    """The answer to a statement, in texts, where None is NULL."""
    columns = [
        text(b"def") + b"\0" * 3 + text(name.encode()) + b"\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0"
        for name in names
    ]
    found = [b"".join(b"\xfb" if value is None else text(value.encode()) for value in row) for row in rows]
    parts = [bytes([len(names)]), *columns, b"\xfe\0\0\x02\0", *found, b"\xfe\0\0\x02\0"]
    return b"".join(packet(number, part) for number, part in enumerate(parts, 1))


def telling(answers, version=b"8.4.3"):
    """A server that lets everybody in, and answers each statement that begins as one of `answers`."""

    def serve(connection, done):
        connection.sendall(greeting(version, 0xDFFF_F7FF).replace(b"caching_sha2", b"mysql_native"))
        with connection.makefile("rb") as stream:
            while head := stream.read(4):
                said = stream.read(int.from_bytes(head[:3], "little"))
                if head[3]:
                    connection.sendall(packet(head[3] + 1, OK[4:]))
                    continue
                sent.append(said[1:].decode())
                known = [answer for start, answer in answers.items() if sent[-1].startswith(start)]
                connection.sendall(known[0] if known else packet(1, OK[4:]))

    sent = []
    serve.sent = sent
    return serve


NEW = ("Channel_Name", "Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source")
OLD = ("Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master")
OLD_SERVER = {"show replica status": error(1064, b"You have an error in your SQL syntax", 1)}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"show replica status": results(NEW, ("", "Yes", "Yes", "7"))}, {"lag": 7.0, "replicating": True}),
        (
            {"show replica status": results(NEW, ("a", "Yes", "Yes", "7"), ("b", "Yes", "Yes", "90"))},
            {"lag": 90.0, "replicating": True},
        ),
        (
            {"show replica status": results(NEW, ("a", "Yes", "Yes", "7"), ("b", "Connecting", "Yes", None))},
            {"replicating": False},
        ),
        ({"show replica status": results(NEW, ("", "Yes", "No", "0"))}, {"lag": 0.0, "replicating": False}),
        ({"show replica status": results(NEW)}, {}),
        (
            OLD_SERVER | {"show slave status": results(OLD, ("Yes", "Yes", "0"))},
            {"lag": 0.0, "replicating": True},
        ),
    ],
)
def test_a_replica_in_the_words_of_mysql(answers, expected):
    with accepting(telling(answers)) as address:
        observation = look(address, password="secret", wanted=frozenset({"lag", "replicating"}))
    assert observation.failure is None
    seen = dict(observation.values)
    assert {name: seen[name] for name in ("lag", "replicating") if name in seen} == expected


@pytest.mark.parametrize(
    ("version", "limit"), [(b"8.4.3", "max_execution_time="), (b"11.4.2-MariaDB", "max_statement_time=")]
)
@pytest.mark.parametrize("known", [True, False])
def test_the_query_is_the_last_of_what_is_said(version, limit, known):
    answers = {"select": results(["a"], ["1"])}
    if not known:
        answers["set session max_"] = error(1193, b"Unknown system variable", 1)
    serve = telling(answers, version)
    with accepting(serve) as address:
        observation = look(address, query="select 1", password="secret", timeout=10.0, wanted=frozenset())
    assert (observation.failure, observation.values["value"]) == (None, "1")
    names, limited, *others = serve.sent
    assert names == "SET NAMES utf8mb4"
    assert limited.startswith(f"set session {limit}")
    seconds = float(limited.partition("=")[2]) / (1000 if version == b"8.4.3" else 1)
    assert 0 < seconds <= 10
    assert others[:3] == ["set session transaction read only", "start transaction read only", "select 1"]


@pytest.mark.parametrize("statement", ["set session max_", "set session transaction", "start transaction"])
def test_no_query_is_said_where_the_server_does_not_keep_to_reading(statement):
    serve = telling({statement: error(1227, b"Access denied", 1, b"42000")})
    with accepting(serve) as address:
        observation = look(address, query="select 1", password="secret")
    failure = Failure(Cause.PERMISSION, "it refuses with error 1227: Access denied")
    assert (observation.failure, "select 1" in serve.sent) == (failure, False)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (error(3024, b"Query execution was interrupted", 1), Failure(Cause.TIMEOUT, "no answer within 10 s")),
        (
            error(1053, b"Server shutdown", 1),
            Failure(Cause.RESET, "it refuses with error 1053: Server shutdown"),
        ),
        (
            error(1690, b"BIGINT value", 1),
            Failure(Cause.PROTOCOL, "it refuses with error 1690: BIGINT value"),
        ),
        (packet(0, b"\xff\x10\x04bye"), Failure(Cause.RESET, "it closed the connection")),
        (packet(1, b"\xfb/etc/passwd"), None),
        (packet(1, b"\xfc"), None),
        (packet(7, b"\0"), None),
        (results(["a", "b"], ["1"]), None),
    ],
)
def test_an_answer_that_is_none(answer, failure):
    with accepting(telling({"select": answer})) as address:
        observation = look(address, query="select 1", password="secret", timeout=10.0)
    assert observation.values == {}
    assert observation.failure == failure or (failure is None and observation.failure.cause is Cause.PROTOCOL)
    assert "secret" not in observation.failure.message


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog", b"mysql_old_password"])
def test_a_password_is_not_handed_to_who_would_have_it_in_the_clear(plugin):
    serve = playing(packet(2, b"\xfe" + plugin + b"\0\x05Password: "), OK)
    with accepting(serve) as address:
        observation = look(address, password="secret")
    words = "it wants the password in the clear, which needs `tls: starttls`"
    assert observation.failure == Failure(Cause.TLS, words)
    # The end of it, and no password.
    assert serve.sent[1:] == [b""]


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_by(key, sent, salt=b"abcdefghijklmnopqrst"):
    """What the holder of a key reads in the password that was sent."""
    hidden = key.decrypt(sent, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    return bytes(one ^ salt[at % 20] for at, one in enumerate(hidden))


@pytest.fixture
def far(monkeypatch):
    """Whoever is talked to counts as another machine, as none can be reached from a test."""
    monkeypatch.setattr(Dialogue, "near", lambda _: False)


def test_a_password_goes_to_mysql_on_this_machine_by_its_own_key(key):
    serve = playing(
        packet(2, b"\x01\x04"), packet(4, b"\x01" + public(key)), packet(6, OK[4:]), error(1, b"", 1)
    )
    with accepting(serve) as address:
        look(address, password="secret")
    assert read_by(key, serve.sent[2]) == b"secret\0"


SWITCH = b"\0ABCDEFGHIJKLMNOPQRST\0"


@pytest.mark.parametrize("first", [
    [packet(2, b"\x01\x04")],
    [packet(2, b"\xfecaching_sha2_password" + SWITCH), packet(4, b"\x01\x04")],
    [packet(2, b"\xfesha256_password" + SWITCH)],
    [packet(2, b"\xfesha256_password" + SWITCH), packet(4, b"\x01")],
])  # fmt: skip
@pytest.mark.usefixtures("far")
def test_a_password_does_not_go_to_another_machine_by_a_key_that_it_hands_out(key, first):
    more = [packet(2 * len(first) + 2, b"\x01" + public(key)), OK, OK]
    serve = playing(*first, *more)
    with accepting(serve) as address:
        seen = look(address, password="secret")
    assert seen.failure == Failure(
        Cause.TLS,
        "it wants the password by a key that it hands out itself, as anybody could; "
        "write `tls: starttls`, or name the file of its public key as `server_key`",
    )
    # A scramble of it that is good for nothing else, the end of it, and no password.
    assert all(len(one) < 256 for one in serve.sent[1:])


@pytest.mark.usefixtures("far")
def test_a_server_that_speaks_of_sha256_from_the_first_has_no_password_by_its_key_either(key):
    first = greeting(data=greeting()[4:].replace(b"caching_sha2_password", b"sha256_password"))
    serve = playing(packet(2, b"\x01" + public(key)), OK, first=first)
    with accepting(serve) as address:
        assert look(address, password="secret").failure.cause is Cause.TLS
    assert serve.sent[1:] == [b""]


@pytest.mark.usefixtures("far")
def test_who_has_no_password_needs_no_key_to_hide_it():
    serve = playing(
        packet(2, b"\xfesha256_password" + SWITCH), packet(4, OK[4:]), error(1045, b"sent away", 1)
    )
    with accepting(serve) as address:
        assert look(address, database="shop").failure.message == "it refuses with error 1045: sent away"
    # Nothing in place of a password, and then the first statement.
    assert (serve.sent[1], serve.sent[2][:10]) == (b"", b"\x03SET NAMES")


@pytest.mark.usefixtures("far")
def test_a_password_goes_to_another_machine_by_the_key_that_is_known(key, tmp_path):
    (tmp_path / "key.pem").write_bytes(public(key))
    for answers, salt in (
        ([packet(2, b"\x01\x04"), packet(4, OK[4:])], b"abcdefghijklmnopqrst"),
        ([packet(2, b"\xfecaching_sha2_password" + SWITCH), packet(4, b"\x01\x04"), packet(6, OK[4:])],
         SWITCH[1:-1]),
    ):  # fmt: skip
        serve = playing(*answers, error(1, b"", 1))
        with accepting(serve) as address:
            look(address, password="secret", server_key=str(tmp_path / "key.pem"))
        assert read_by(key, serve.sent[len(answers) - 1], salt) == b"secret\0"


NO_KEY = (
    "holds no public key of RSA as PEM; take what the server says to "
    "`SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'`"
)
ELLIPTIC = public(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file or directory; correct `server_key`"),
        (b"ssh-rsa AAAA", NO_KEY),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", NO_KEY),
        (b"-----BEGIN PUBLIC KEY-----\n", NO_KEY),
        (ELLIPTIC, NO_KEY),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_a_fault_on_our_side(tmp_path, text, words):
    path = tmp_path / "key.pem"
    if text:
        path.write_bytes(text)
    failure = look("127.0.0.1:1", password="secret", server_key=str(path)).failure
    assert failure == Failure(Cause.PERMISSION, f"the file {path} {words}")


def test_what_is_near_is_this_machine():
    with accepting(playing(OK)) as address, dialogue(parse_address(address), within(5.0)) as talk:
        assert talk.near() is True


@pytest.mark.parametrize("serve", [
    dripping(greeting(), packet(2, b"\x01\x04")[:1]), dripping(greeting(), b""),
    telling({"select": packet(1, b"\x01")}),
])  # fmt: skip
def test_no_login_outlasts_the_deadline(serve):
    with accepting(serve) as address:
        # It would drip for ever.
        failure = look(address, query="select 1", password="secret", timeout=0.3).failure
    assert failure.cause in {Cause.TIMEOUT, Cause.PROTOCOL}


@given(said=st.binary(max_size=200), at=st.sampled_from([0, 1, 2, 3]))
def test_no_bytes_raise_or_make_a_login_good(said, at):
    def serve(connection, done):
        connection.sendall(greeting() + packet(2, OK[4:]) + b"".join([packet(1, OK[4:])] * at) + said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    with accepting(serve) as address:
        observation = look(address, query="select 1", password="secret")
    assert observation.failure is not None
    assert observation.values == {}


def test_a_library_is_needed_for_a_login_only(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert list(MysqlCheck(address="db.test:3306").problems()) == []
    words = "to log in to MySQL needs PyMySQL; `pip install opsctl[mysql]`"
    for field in ("password", "query"):
        assert list(MysqlCheck(address="db.test:3306", **{field: Template("x")}).problems()) == [
            (field, words)
        ]
    assert list(MysqlCheck(address="db.test:3306", database="shop").problems()) == [("database", words)]


@pytest.mark.parametrize(
    ("more", "survivors"),
    [
        ("", {"nearly-full", "stopped", "behind", "other-version", "slow", "null", "zero"}),
        (
            "expect: [value > 0, latency < 2s, 'version matches \"^11\"', connections_percent < 80%, lag < 1m]",
            set(),
        ),
        ("expect: [value > 0, read_only == false]", {"nearly-full", "other-version", "slow"}),
    ],
)
def test_which_failures_a_login_would_not_see(opsctl, more, survivors):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          database:
            checks:
              orders:
                mysql: {{address: "db.test:3306", query: select 1}}
                {more}
    """)  # fmt: skip
    (check,) = json.loads(opsctl("check", "--prove", "-o", "json").out)["checks"]
    assert {one["fault"] for one in check["survivors"]} == survivors
