"""The `mysql` check against a real MySQL of version 8 or newer, which few distributions have: `OPSCTL_MYSQLD` names it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pymysql
import pytest
import servers
from checks.probe import probe
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from servers import HOST, free_port, running

from opsctl.checks.mysql import MysqlCheck
from opsctl.outcome import Cause
from opsctl.secrets import Template

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = frozenset({"connections", "connections_percent", "size", "read_only"})
REPLICATION = frozenset({"lag", "replicating", "read_only"})
# Each server keeps to itself what it is told at its start.
WORLD = """
SET SESSION sql_log_bin = 0;
CREATE USER 'open'@'%' IDENTIFIED BY '';
CREATE USER 'app'@'%' IDENTIFIED BY 'secret';
CREATE USER 'tls'@'%' IDENTIFIED BY 'secret' REQUIRE SSL;
CREATE USER 'monitor'@'%' IDENTIFIED BY 'secret';
GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'monitor'@'%';
CREATE USER 'admin'@'%' IDENTIFIED BY 'secret';
GRANT ALL ON *.* TO 'admin'@'%';
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY, price DECIMAL(9, 2));
INSERT INTO shop.orders VALUES (1, 1.50), (2, 3);
GRANT SELECT, INSERT, DELETE ON shop.orders TO 'app'@'%';
"""


class Server(NamedTuple):
    address: str
    data: Path

    @property
    def key(self):
        """The public key that it made for itself."""
        return str(self.data / "public_key.pem")


@pytest.fixture(scope="module")
def mysqld():
    """The server's program and its version."""
    program = os.environ.get("OPSCTL_MYSQLD") or shutil.which("mysqld") or ""
    said = (
        subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if program
        else ""
    )
    version = re.search(r"Ver (\S+)", said)
    if version is None or "MariaDB" in said:
        pytest.skip("OPSCTL_MYSQLD names no `mysqld` of MySQL, and none is in the path")
    return program, version[1]


@contextmanager
def serving(mysqld, folder, number, world, *options):
    port, world_file = free_port(), folder / "world.sql"
    world_file.write_text(world.strip() + "\n")
    common = [
        mysqld[0],
        "--no-defaults",
        "--user=root",
        f"--datadir={folder}/data",
        "--innodb-redo-log-capacity=16M",
    ]
    servers._must([*common, "--initialize-insecure"])
    argv = [*common, f"--port={port}", f"--bind-address={HOST}", f"--socket={folder}/s", f"--pid-file={folder}/pid",
            "--mysqlx=OFF", "--secure-file-priv=NULL", f"--server-id={number}", f"--init-file={world_file}", *options]  # fmt: skip
    with running(argv, folder / "log", lambda: servers.listens(port)):
        yield Server(f"{HOST}:{port}", folder / "data")


@pytest.fixture(scope="module")
def mysql(mysqld, tmp_path_factory, certificates):
    pair = certificates.good
    tls = f"--ssl-cert={pair.certificate}", f"--ssl-key={pair.key}"
    with serving(mysqld, tmp_path_factory.mktemp("mysql"), 1, WORLD, *tls) as server:
        yield server


def look(server, certificates=None, *, wanted=frozenset(), query=None, **fields):
    if certificates:
        fields |= {"ca": str(certificates.ca), "tls": "starttls"}
    fields |= {"query": Template(query)} if query else {}
    fields |= {"password": Template(fields["password"])} if "password" in fields else {}
    return probe(MysqlCheck(address=server.address, **fields), timeout=10.0, wanted=wanted)


@pytest.mark.parametrize(
    ("user", "tls", "let_in"),
    [("nobody", False, False), ("nobody", True, False), ("open", False, True), ("open", True, True), ("app", True, False), ("tls", False, False)],
)  # fmt: skip
def test_who_only_says_a_name(mysql, mysqld, certificates, user, tls, let_in):
    seen = look(mysql, certificates if tls else None, user=user)
    assert seen.failure is None
    values = {**seen.values}
    assert (values.pop("version"), values.pop("latency") > 0) == (mysqld[1], True)
    assert values.pop("expires_in", None) is None or tls
    assert values == {"ready": True, "starttls": True, "authenticated": let_in}


@pytest.mark.parametrize("tls", [False, True])
def test_a_password_is_given_whole_the_first_time_and_proven_from_then_on(mysql, certificates, tls):
    # What the server remembers of passwords it forgets now.
    tell(mysql, "FLUSH PRIVILEGES")
    for _ in range(2):
        fields = {"user": "app", "password": "secret", "database": "shop", "wanted": FIGURES}
        seen = look(mysql, certificates if tls else None, **fields)
        assert seen.failure is None
        assert (seen.values["authenticated"], seen.values["read_only"]) == (True, False)
        assert seen.values["size"] >= 16384
        assert seen.values["connections"] >= 1
        assert 0 < seen.values["connections_percent"] < 100


def test_a_password_by_a_key_that_is_known(mysql, certificates):
    assert look(mysql, user="app", password="secret", server_key=mysql.key).failure is None
    foreign = mysql.data.parent / "foreign.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    foreign.write_bytes(
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(serialization.Encoding.PEM, form)
    )
    tell(mysql, "FLUSH PRIVILEGES")
    assert look(mysql, user="app", password="secret", server_key=str(foreign)).failure is not None
    assert look(mysql, certificates, user="tls", password="secret").failure is None


def tell(server, *statements):
    host, _, port = server.address.rpartition(":")
    with pymysql.connect(
        host=host, port=int(port), user="admin", password="secret", autocommit=True
    ) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


@pytest.mark.parametrize(("user", "password"), [("app", "wrong"), ("nobody", "secret"), ("tls", "secret")])
def test_who_is_not_let_in(mysql, user, password):
    failure = look(mysql, user=user, password=password).failure
    assert failure is not None
    assert failure.message.startswith(f"it refuses with error 1045: Access denied for user '{user}'")


def test_what_a_query_finds(mysql):
    fields = {
        "user": "app",
        "password": "secret",
        "database": "shop",
        "wanted": frozenset({"value", "row", "rows"}),
    }
    seen = look(mysql, query="select id, price from orders order by id", **fields)
    assert (seen.failure, seen.values["row"], seen.values["rows"]) == (None, {"id": 1, "price": 1.5}, 2)
    for query in ("delete from orders", "insert into orders values (9, 9)"):
        assert look(mysql, query=query, **fields).failure.cause is Cause.UNSUPPORTED
    assert look(mysql, query="select count(*) from orders", **fields).values["value"] == 2


def test_a_replica(mysqld, mysql, tmp_path):
    host, _, port = mysql.address.rpartition(":")
    follow = (
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{host}', SOURCE_PORT={port}, SOURCE_USER='monitor',"
        " SOURCE_PASSWORD='secret', SOURCE_CONNECT_RETRY=1, GET_SOURCE_PUBLIC_KEY=1;\nSTART REPLICA;\n"
    )

    def seen(server):
        answer = look(server, user="monitor", password="secret", wanted=REPLICATION)
        assert answer.failure is None
        return {name: answer.values[name] for name in REPLICATION if name in answer.values}

    assert seen(mysql) == {"read_only": False}
    with serving(mysqld, tmp_path, 2, WORLD + follow, "--read-only") as replica:
        until = time.monotonic() + servers.PATIENCE
        while (found := seen(replica)) != {"lag": 0.0, "replicating": True, "read_only": True}:
            assert time.monotonic() < until, found
            time.sleep(0.02)
        tell(replica, "STOP REPLICA SQL_THREAD")
        assert seen(replica) == {"replicating": False, "read_only": True}
