"""The `mysql` check against a real MariaDB and its replica: with a login, and without one."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - a field of a NamedTuple
from typing import NamedTuple

import pymysql
import pytest
import servers
from certificates import FAR
from checks.mysql_talk import look
from checks.probe import NOW, probe
from servers import HOST, free_port, program, running

from opsctl.checks.tls import TlsCheck
from opsctl.outcome import Cause, Failure

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
    # Far less than the query would take, however busy the machine is.
    assert time.monotonic() - began < 20
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
