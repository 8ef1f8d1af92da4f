"""The `mysql` check against a real MariaDB, and against servers that say what MySQL's protocol has them say."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - a field of a NamedTuple
from typing import NamedTuple

import pymysql
import pytest
import servers
from certificates import FAR
from checks.mysqls import error, greeting, packet
from checks.peers import accepting, dripping, flooding, nobody, secured
from checks.probe import NOW, probe
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from servers import HOST, free_port, program, running

from opsctl.checks.mysql import MysqlCheck
from opsctl.checks.tls import TlsCheck
from opsctl.connecting import parse_address, within
from opsctl.dialogue import Dialogue, dialogue
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

EXPIRES_IN = pytest.approx(FAR.timestamp() - NOW)


class Maria(NamedTuple):
    address: str
    log: Path
    folder: Path


# What is not written to the binary log is not sent to a replica, which does the same by itself.
WORLD = """
SET SESSION sql_log_bin = 0;
CREATE USER 'open'@'%' IDENTIFIED BY '';
CREATE USER 'app'@'%' IDENTIFIED BY 'pässwört';
CREATE USER 'private'@'%' IDENTIFIED BY '' REQUIRE SSL;
CREATE USER 'monitor'@'%' IDENTIFIED BY 'secret';
GRANT REPLICA MONITOR, REPLICATION SLAVE ON *.* TO 'monitor'@'%';
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY, price DECIMAL(9, 2), at DATETIME, note TEXT);
INSERT INTO shop.orders VALUES (1, 1.50, '2026-11-20 12:00:00', NULL), (2, 3, NULL, 'late'), (3, 4, NULL, '');
CREATE FUNCTION shop.pay() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM shop.orders; RETURN 1; END;
CREATE TABLE shop.salaries (id INT);
GRANT SELECT, INSERT, DELETE, CREATE, DROP ON shop.orders TO 'app'@'%';
GRANT EXECUTE ON FUNCTION shop.pay TO 'app'@'%';
"""

# It is copied for each server.
SMALL = "--innodb-log-file-size=4M"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a server's data that nobody runs."""
    # The second one comes from another package, and the first one calls it.
    install, _ = program("mariadb-install-db"), program("my_print_defaults")
    folder = tmp_path_factory.mktemp("installed")
    servers._must([install, "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", "--user=root",
                   "--auth-root-authentication-method=normal", SMALL])  # fmt: skip
    return folder / "data"


@contextmanager
def mariadb(folder, installed, number, statements, *options):
    """MariaDB that was told the statements, each of which ends its line."""
    port = free_port()
    shutil.copytree(installed, folder / "data")
    argv = [program("mariadbd"), "--no-defaults", "--user=root", f"--datadir={folder}/data", f"--port={port}",
            f"--socket={folder}/socket", f"--bind-address={HOST}", f"--pid-file={folder}/pid", f"--server-id={number}", "--log-bin", "--log-bin-trust-function-creators", SMALL,
            *options]  # fmt: skip
    with running(argv, folder / "log", lambda: servers.listens(port)):
        server = Maria(f"{HOST}:{port}", folder / "log", folder)
        tell(server, *statements.strip().removesuffix(";").split(";\n"))
        yield server


@pytest.fixture(scope="module")
def maria(tmp_path_factory, certificates, installed):
    """MariaDB with TLS: `open` needs no password, `app` and `monitor` one, and `private` needs TLS."""
    pair = certificates.good
    tls = f"--ssl-cert={pair.certificate}", f"--ssl-key={pair.key}"
    with mariadb(tmp_path_factory.mktemp("maria"), installed, 1, WORLD, *tls) as server:
        yield server


@pytest.fixture(scope="module")
def replica(tmp_path_factory, maria, installed):
    """A server that follows `maria`, and has no TLS."""
    port = maria.address.rpartition(":")[2]
    follow = (
        f"CHANGE MASTER TO MASTER_HOST='{HOST}', MASTER_PORT={port}, MASTER_USER='monitor',"
        " MASTER_PASSWORD='secret', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1;\nSTART SLAVE;\n"
    )
    folder = tmp_path_factory.mktemp("replica")
    with mariadb(folder, installed, 2, WORLD + follow, "--read-only") as server:
        yield server


def tell(server, *statements):
    """As root."""
    with pymysql.connect(
        user="root", unix_socket=str(server.folder / "socket"), autocommit=True
    ) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def look(address, certificates=None, *, timeout=10.0, wanted=None, **fields):
    if certificates:
        fields |= {"ca": str(certificates.ca), "tls": "starttls"}
    fields |= {name: Template(fields[name]) for name in ("password", "query") if name in fields}
    environ = {"DB": "pässwört"}
    return probe(MysqlCheck(address=address, **fields), timeout=timeout, wanted=wanted, environ=environ)


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
        assert look(maria.address, user="open").values["authenticated"] is True
        assert ask(maria, "select 1").failure is None
    eventually(lambda: connected(maria), lambda users: not {"open", "app", "unauthenticated user"} & users)
    since = maria.log.read_text()[before:]
    assert since.count("Access denied for user 'opsctl'") == 3
    assert "Aborted connection" not in since


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


def test_its_certificate_can_be_looked_at_without_a_name(maria, certificates):
    check = TlsCheck(address=maria.address, starttls="mysql", ca=str(certificates.ca))
    observation = probe(check, timeout=10.0)
    assert (observation.failure, observation.values["valid"]) == (None, True)


def ask(server, query=None, *, wanted=frozenset({"value", "row", "rows"}), certificates=None, **fields):
    """As `app`, who has a password."""
    fields = {"user": "app", "password": "${env:DB}", "database": "shop", **fields}
    if query:
        fields["query"] = query
    return look(server.address, certificates, wanted=wanted, **fields)


def test_a_login_and_its_figures(maria):
    wanted = frozenset({"connections", "connections_percent", "size", "read_only"})
    observation = ask(maria, wanted=wanted)
    values = dict(observation.values)
    assert observation.failure is None
    assert values.pop("version").split("-")[1] == "MariaDB"
    assert values.pop("connections") >= 1
    assert 0 < values.pop("connections_percent") < 100
    assert values.pop("size") >= 16384
    assert values.pop("latency") > 0
    assert values == {"ready": True, "starttls": True, "authenticated": True, "read_only": False}


def test_only_what_is_wanted_is_asked(maria):
    assert set(ask(maria, wanted=frozenset()).values) == {
        "ready",
        "version",
        "starttls",
        "authenticated",
        "latency",
    }


def test_a_login_without_a_password(maria):
    observation = look(maria.address, user="open", query="select 1", wanted=frozenset())
    assert (observation.failure, observation.values["value"]) == (None, 1)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select 42", 42),
        ("select 1.50", 1.5),
        ("select price from orders where id = 2", 3),
        ("select null", None),
        ("select 'späť'", "späť"),
        ("select at from orders where id = 1", "2026-11-20T12:00:00"),
        ("select date '2026-11-20'", "2026-11-20"),
        ("select timediff('12:01:30', '12:00:00')", 90.0),
        ("select x'00ff'", "00ff"),
        ("select '100%' where 'a%s' like 'a%'", "100%"),
        ("show tables", "orders"),
    ],
)
def test_values_are_those_of_json(maria, query, value):
    observation = ask(maria, query)
    assert (observation.failure, observation.values["value"]) == (None, value)


def test_rows_and_the_first_of_them(maria):
    values = ask(maria, "select id, note, price * 2 as twice from orders order by id").values
    assert (values["rows"], values["value"]) == (3, 1)
    assert values["row"] == {"id": 1, "note": None, "twice": 3}


def test_no_row_is_a_finding_only_where_no_value_is_wanted(maria):
    query = "select id from orders where false"
    observation = ask(maria, query)
    assert observation.failure == Failure(Cause.MISSING, "the query gave no row")
    assert not {"value", "row"} & set(observation.values)
    observation = ask(maria, query, wanted=frozenset({"rows"}))
    assert (observation.failure, observation.values["rows"]) == (None, 0)


@pytest.mark.parametrize(
    ("query", "failure"),
    [
        ("delete from orders", "the query does more than read: error 1792: Cannot execute statement in a READ ONLY transaction"),
        ("select pay()", "the query does more than read: error 1792: Cannot execute statement in a READ ONLY transaction"),
        ("create or replace table orders (a int)", "the query does more than read: error 1792: Cannot execute statement in a READ ONLY transaction"),
        ("select 1; delete from orders", "the query cannot be run: error 1064: You have an error in your SQL syntax"),
        ("select wrong from orders", "the query cannot be run: error 1054: Unknown column 'wrong' in"),
        ("load data local infile '/etc/passwd' into table orders", "it refuses with error 4166: "),
    ],
)  # fmt: skip
def test_what_does_more_than_read_is_refused(maria, query, failure):
    observation = ask(maria, query)
    assert observation.failure.cause in {Cause.UNSUPPORTED, Cause.PROTOCOL}
    assert observation.failure.message.startswith(failure)
    assert "rows" not in observation.values
    assert ask(maria, "select count(*) from orders").values["value"] == 3


@pytest.mark.parametrize(
    ("fields", "cause", "words"),
    [
        ({"password": "wrong"}, Cause.PROTOCOL,
         "it refuses with error 1045: Access denied for user 'app'@'localhost' (using password: YES)"),
        ({"user": "private", "password": "wrong"}, Cause.PROTOCOL,
         "it refuses with error 1045: Access denied for user 'private'@'localhost' (using password: YES)"),
        ({"database": "mysql"}, Cause.PERMISSION,
         "it refuses with error 1044: Access denied for user 'app'@'%' to database 'mysql'"),
        ({"query": "select * from salaries"}, Cause.PERMISSION,
         "it refuses with error 1142: SELECT command denied to user 'app'@'localhost' for table `shop`.`salaries`"),
        ({"query": "select * from orders as o join nowhere"}, Cause.PERMISSION, None),
        ({"user": "monitor", "password": "secret", "database": "nowhere"}, Cause.PERMISSION, None),
        ({"password": "${env:ABSENT}"}, Cause.SECRET,
         "the environment variable ABSENT is not set; set it and run again"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_without_the_password(maria, fields, cause, words):
    observation = ask(maria, **fields)
    assert observation.failure.cause is cause
    assert observation.failure.message == words or words is None
    assert observation.values == {}


def test_what_does_not_exist_is_missing(maria):
    assert ask(maria, "select * from orders.nowhere").failure.cause is Cause.PERMISSION
    tell(maria, "GRANT SELECT ON nowhere.* TO 'app'@'%'")
    failure = ask(maria, "select * from nowhere.nothing").failure
    assert failure == Failure(
        Cause.MISSING, "it refuses with error 1146: Table 'nowhere.nothing' doesn't exist"
    )
    assert ask(maria, database="nowhere").failure.cause is Cause.MISSING


def test_a_login_by_tls(maria, certificates):
    query = "show session status like 'Ssl_version'"
    observation = ask(maria, query, certificates=certificates)
    assert (observation.failure, observation.values["expires_in"]) == (None, EXPIRES_IN)
    assert observation.values["row"]["Value"].startswith("TLS")
    assert ask(maria, query).values["row"]["Value"] == ""
    assert ask(maria, query, tls="starttls").failure.cause is Cause.TLS
    assert ask(maria, query, certificates=certificates, server_name="other.test").failure.cause is Cause.TLS


def test_a_query_ends_in_time_here_and_there(maria):
    began = time.monotonic()
    failure = ask(maria, "select sleep(30)", timeout=1.0).failure
    assert failure.cause is Cause.TIMEOUT
    assert time.monotonic() - began < 1.5
    eventually(lambda: connected(maria, "info"), lambda found: "select sleep(30)" not in found)


def connected(server, what="user"):
    with pymysql.connect(user="root", unix_socket=str(server.folder / "socket")) as connection:
        cursor = connection.cursor()
        cursor.execute(f"select {what} from information_schema.processlist")
        return {found for (found,) in cursor.fetchall()}


def eventually(see, good):
    """What `see` sees once it is `good`: replication takes its time."""
    until = time.monotonic() + servers.PATIENCE
    while not good(seen := see()) and time.monotonic() < until:
        time.sleep(0.02)
    assert good(seen), seen
    return seen


MANY = "information_schema.columns as a join information_schema.columns as b"


@pytest.mark.parametrize(
    "query", ["select repeat('x', 2000000)", f"select a.column_name from {MANY}", f"select null from {MANY}"]
)
def test_more_than_is_read_is_never_a_part_of_it(maria, query):
    observation = ask(maria, query)
    assert (observation.failure.cause, observation.values) == (Cause.TOO_LARGE, {})


def test_a_server_that_is_no_replica_has_no_lag(maria):
    wanted = frozenset({"lag", "replicating"})
    observation = ask(maria, user="monitor", password="secret", database=None, wanted=wanted)
    assert observation.failure is None
    assert not wanted & set(observation.values)


def test_who_may_not_see_the_replication_is_told_so(maria):
    failure = ask(maria, wanted=frozenset({"lag"})).failure
    assert failure.cause is Cause.PERMISSION
    assert failure.message.startswith(
        "it refuses with error 1227: Access denied; you need (at least one of) the SUPER"
    )


def test_a_replica(maria, replica):
    def seen():
        wanted = frozenset({"lag", "replicating", "read_only"})
        fields = {"user": "monitor", "password": "secret", "database": None}
        observation = ask(replica, wanted=wanted, **fields)
        assert observation.failure is None
        return {name: observation.values[name] for name in wanted if name in observation.values}

    eventually(seen, lambda values: values == {"lag": 0.0, "replicating": True, "read_only": True})
    tell(maria, "INSERT INTO shop.orders VALUES (4, 5, NULL, NULL)")
    count = "select count(*) from orders"
    eventually(lambda: ask(replica, count).values["value"], lambda value: value == 4)
    tell(maria, "DELETE FROM shop.orders WHERE id = 4")
    # Nothing is missing yet, and what comes is not done any more.
    tell(replica, "STOP SLAVE SQL_THREAD")
    assert seen() == {"replicating": False, "read_only": True}
    tell(replica, "START SLAVE SQL_THREAD", "STOP SLAVE IO_THREAD")
    assert seen() == {"replicating": False, "read_only": True}


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
    began = time.monotonic()
    with accepting(serve) as address:
        failure = look(address, query="select 1", password="secret", timeout=0.3).failure
    assert failure.cause in {Cause.TIMEOUT, Cause.PROTOCOL}
    assert time.monotonic() - began < 0.8


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


def test_a_query_in_a_workspace(opsctl, maria):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          database:
            checks:
              orders:
                mysql:
                  address: "{maria.address}"
                  user: app
                  password: ${{env:DB}}
                  database: shop
                  query: select count(*) as waiting from orders
                expect: [value < 5, row.waiting == 3, connections_percent < 90%]
    """)  # fmt: skip
    ran = opsctl("check", env={"DB": "pässwört"})
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "database/orders"])
    ran = opsctl("check", "--explain", env={"DB": "another password"})
    assert ran.code == 1
    assert "it refuses with error 1045: Access denied for user 'app'" in ran.out
    assert "another" not in ran.out + ran.err


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
