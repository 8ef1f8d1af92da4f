"""The `postgres` check against a real database, its replica, and servers that are none."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import servers
from checks.peers import accepting, dripping, nobody
from checks.probe import probe
from servers import HOST, free_port, program, running

from opsctl.checks.postgres import PostgresCheck
from opsctl.checks.tls import TlsCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")


def look(port, query=None, *, timeout=20.0, wanted=None, **fields):
    fields |= {"query": Template(query)} if query else {}
    address = port if isinstance(port, str) else f"{HOST}:{port}"
    return probe(
        PostgresCheck(address=address, **fields), timeout=timeout, wanted=wanted, environ={"DB": "secret"}
    )


class Replica(NamedTuple):
    port: int
    folder: Path


@pytest.fixture(scope="module")
def replica(postgres_server, certificates):
    """A hot standby of the real server, with TLS."""
    base, server, psql = (
        program(name, "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
        for name in ("pg_basebackup", "postgres", "psql")
    )
    with (postgres_server.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host replication all 127.0.0.1/32 trust\n")
    talk = [psql, "-qX", "-h", HOST, "-U", "postgres", "-p"]
    servers._must([*talk, str(postgres_server.port), "-c", "select pg_reload_conf()"])
    user = servers._unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="opsctl-replica-"))
    try:
        key = folder / "server.key"
        shutil.copy(certificates.good.key, key)
        shutil.copy(certificates.good.certificate, folder / "server.pem")
        key.chmod(0o600)
        for path in (folder, key, folder / "server.pem"):
            if user:
                os.chown(path, user.pw_uid, user.pw_gid)
        port, data = free_port(), folder / "data"
        servers._must([base, "-h", HOST, "-p", str(postgres_server.port), "-U", "postgres", "-D", str(data), "-R",
                       "-X", "stream", "-c", "fast"], user)  # fmt: skip
        options = [f"listen_addresses={HOST}", "fsync=off", "ssl=on", f"ssl_key_file={key}",
                   f"ssl_cert_file={folder}/server.pem"]  # fmt: skip
        argv = [server, "-D", str(data), "-p", str(port), "-k", str(folder)]
        argv += [part for option in options for part in ("-c", option)]
        with running(
            argv, folder / "log", lambda: servers._succeeds([*talk, str(port), "-c", "select 1"]), user
        ):
            yield Replica(port, folder)
    finally:
        shutil.rmtree(folder)


def eventually(see, good):
    """What `see` sees once it is `good`: replication takes its time."""
    until = time.monotonic() + servers.PATIENCE
    while not good(seen := see()) and time.monotonic() < until:
        time.sleep(0.02)
    assert good(seen), seen
    return seen


def test_the_figures_of_a_real_server(postgres_server):
    observation = look(postgres_server.port)
    values = dict(observation.values)
    assert (observation.failure, values.pop("in_recovery"), values.pop("secure")) == (None, False, False)
    assert values.pop("version")[0].isdigit()
    assert values.pop("connections") >= 1
    assert 0 < values.pop("connections_percent") < 100
    assert values.pop("size") > 1_000_000
    assert values.pop("replicas") in {0, 1}
    assert values.pop("latency") > 0
    # It is no replica, and no query was asked; a replica may be there already.
    assert set(values) <= {"replica_lag"}


def test_only_what_is_wanted_is_asked(postgres_server):
    values = look(postgres_server.port, wanted=frozenset({"version"})).values
    assert set(values) == {"version", "secure", "in_recovery", "latency"}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select 42", 42),
        ("select 1.5", 1.5),
        ("select 3.0::numeric", 3),
        ("select 'NaN'::float8", "nan"),
        ("select null", None),
        ("select true", True),
        ("select 'text'", "text"),
        ("select interval '90 seconds'", 90.0),
        ("select timestamptz '2026-11-20 12:00:00+00' at time zone 'UTC'", "2026-11-20T12:00:00"),
        ("select date '2026-11-20'", "2026-11-20"),
        ("select '\\x00ff'::bytea", "00ff"),
        ("select array[1, 2]", [1, 2]),
        ("""select '{"a": [1.5]}'::jsonb""", {"a": [1.5]}),
        ("select '100%' where 'a%b' like 'a%'", "100%"),
    ],
)
def test_values_are_those_of_json(postgres_server, query, value):
    observation = look(postgres_server.port, query)
    assert (observation.failure, observation.values["value"]) == (None, value)


def test_rows_and_the_first_of_them(postgres_server):
    values = look(postgres_server.port, "select n, n * 2 as twice from generate_series(1, 500) as n").values
    assert (values["rows"], values["row"], values["value"]) == (500, {"n": 1, "twice": 2}, 1)


def test_no_row_is_a_finding_only_where_no_value_is_wanted(postgres_server):
    query = "select 1 where false"
    observation = look(postgres_server.port, query)
    assert observation.failure == Failure(Cause.MISSING, "the query gave no row")
    assert not {"value", "row"} & set(observation.values)
    observation = look(postgres_server.port, query, wanted=frozenset({"rows"}))
    assert (observation.failure, observation.values["rows"]) == (None, 0)


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("create table made (a int)", Cause.UNSUPPORTED),
        ("select 1; create table made (a int)", Cause.UNSUPPORTED),
        ("commit; create table made (a int)", Cause.UNSUPPORTED),
        ("selct 1", Cause.UNSUPPORTED),
        ("select * from nowhere", Cause.MISSING),
        ("select 1 / 0", Cause.PROTOCOL),
    ],
)
def test_what_does_more_than_read_is_refused(postgres_server, query, cause):
    assert look(postgres_server.port, query).failure.cause is cause
    assert look(postgres_server.port, "select to_regclass('made') is null").values["value"] is True


def test_passwords_and_databases(postgres_server):
    port, password = postgres_server.port, Template("${env:DB}")
    allowed = look(port, "select current_user", user="app", password=password)
    assert (allowed.failure, allowed.values["value"]) == (None, "app")
    refused = look(port, user="app", password=Template("wrong")).failure
    assert refused == Failure(Cause.PROTOCOL, 'password authentication failed for user "app"')
    missing = look(port, database="nowhere").failure
    assert missing == Failure(Cause.MISSING, 'database "nowhere" does not exist')
    forbidden = look(port, "select * from pg_authid", user="app", password=password).failure
    assert forbidden.cause is Cause.PERMISSION
    secret = look(port, password=Template("${env:ABSENT}")).failure
    assert secret.cause is Cause.SECRET


def test_a_socket_in_a_folder(postgres_server):
    observation = look(
        f"{postgres_server.folder}:{postgres_server.port}", "select inet_server_addr() is null"
    )
    assert (observation.failure, observation.values["value"]) == (None, True)
    assert look("/no/such/folder:5432").failure.cause is Cause.REFUSED


def test_a_name_with_several_addresses_is_tried_at_each(postgres_server, monkeypatch):
    from opsctl.checks import postgres

    # Nobody listens at the first.
    found = [(socket.AF_INET, (host, postgres_server.port)) for host in ("127.0.0.2", HOST)]
    monkeypatch.setattr(postgres, "resolve", lambda *_: found)
    observation = look(f"db.test:{postgres_server.port}", "select host(inet_server_addr())")
    assert (observation.failure, observation.values["value"]) == (None, HOST)


def test_a_replica_and_what_its_master_says_of_it(postgres_server, replica):
    seen = eventually(lambda: look(replica.port).values, lambda values: values.get("lag") == 0)
    assert (seen["in_recovery"], seen["replicas"]) == (True, 0)
    master = eventually(lambda: look(postgres_server.port).values, lambda values: "replica_lag" in values)
    assert (master["in_recovery"], master["replicas"]) == (False, 1)
    assert 0 <= master["replica_lag"] < 60
    assert "lag" not in master


def test_who_may_not_see_the_lag_is_not_told_that_there_is_none(postgres_server, replica):
    values = look(postgres_server.port, user="app", password=Template("secret")).values
    assert values["replicas"] == 1
    assert "replica_lag" not in values
    assert values["connections"] >= 1


def test_tls_is_verified_where_it_is_asked_for(postgres_server, replica, certificates):
    verified = look(replica.port, tls="verify", ca=str(certificates.ca))
    assert (verified.failure, verified.values["secure"]) == (None, True)
    assert look(replica.port, tls="require").values["secure"] is True
    assert look(replica.port, tls="none").values["secure"] is False
    assert look(replica.port, tls="verify").failure.cause is Cause.TLS
    assert (
        look(replica.port, tls="verify", ca=str(certificates.untrusted.certificate)).failure.cause
        is Cause.TLS
    )
    without = look(postgres_server.port, tls="require").failure
    assert without == Failure(Cause.TLS, "server does not support SSL, but SSL was required")


def test_a_replica_that_hears_no_more_is_behind(replica):
    # Last, as it ends the replication.
    program_ = program("psql", "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
    talk = [program_, "-qX", "-h", HOST, "-U", "postgres", "-p", str(replica.port), "-c"]
    servers._must([*talk, "alter system set primary_conninfo = 'host=127.0.0.1 port=1'"])
    servers._must([*talk, "select pg_reload_conf()"])
    eventually(lambda: look(replica.port).values, lambda values: values.get("lag") != 0)


@pytest.mark.parametrize("query", ["select pg_sleep(30)", "select * from generate_series(1, 1000000000)"])
def test_a_query_does_not_outlast_the_deadline(postgres_server, query):
    failure = look(postgres_server.port, query, timeout=0.5).failure
    assert failure == Failure(Cause.TIMEOUT, "no answer within 0.5 s")


@pytest.mark.parametrize(
    "serve", [lambda connection, done: done.wait(30), dripping(b"E\x00\x00\x70\x00", b"S")]
)
def test_a_server_that_drips_does_not_outlast_the_deadline(serve):
    with accepting(serve) as address:
        assert look(address, timeout=0.3, tls="none").failure == Failure(
            Cause.TIMEOUT, "no answer within 0.3 s"
        )


def test_what_is_no_database():
    assert look(nobody()).failure.cause is Cause.REFUSED

    def speaking(connection, done):
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with accepting(speaking) as address:
        observation = look(address)
    assert (observation.values, observation.failure.cause) == ({}, Cause.PROTOCOL)


def test_what_cannot_work_is_said_before_anything_is_probed(monkeypatch):
    assert list(PostgresCheck(address="db.test").problems()) == [
        ("address", "`db.test` is not an address; write `host:port`")
    ]
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert list(PostgresCheck(address="db.test:5432").problems()) == [
        ("address", "a check of PostgreSQL needs psycopg; `pip install opsctl[postgres]`")
    ]


def test_in_a_workspace(opsctl, postgres_server):
    opsctl.write("opsctl.yaml", f"""
        version: 1
        name: Shop
        services:
          database:
            checks:
              orders:
                postgres: {{address: "{HOST}:{postgres_server.port}", query: "select 3 as waiting"}}
                expect: [value < 5, row.waiting == 3, connections_percent < 90%, in_recovery == false]
    """)  # fmt: skip
    ran = opsctl("check")
    assert (ran.code, ran.out.split("\t")[:2]) == (0, ["up", "database/orders"])


def test_its_certificate_can_be_looked_at_without_logging_in(replica, certificates):
    check = TlsCheck(address=f"{HOST}:{replica.port}", starttls="postgres", ca=str(certificates.ca))
    observation = probe(check, timeout=10.0)
    assert (observation.failure, observation.values["valid"]) == (None, True)
