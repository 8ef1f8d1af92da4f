"""The `postgres` check: a database that answers, what a query finds, and how far replicas are behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from opsctl.columns import plain
from opsctl.connecting import ConnectError, address_problems, parse_address, resolve, within
from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    import psycopg

    from opsctl.checks import Ask
    from opsctl.connecting import Deadline

_MODES = {"verify": "verify-full", "require": "require", "prefer": "prefer", "none": "disable"}
# A replica that has replayed all is behind only where nobody sends it more.
_LAG = """\
select case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                 and exists (select from pg_stat_wal_receiver) then 0
       else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end
where pg_is_in_recovery()"""
# Who may not see the figures of a replica is told none, and not that it is behind by nothing.
_REPLICA_LAG = """\
select case when count(*) = count(lag) then extract(epoch from max(lag)) end
from (select coalesce(replay_lag, case when replay_lsn = sent_lsn then interval '0' end) as lag
      from pg_stat_replication) as replica"""
_CONNECTIONS = "select sum(numbackends) from pg_stat_database"
# The figures that one statement tells each, asked only where they are expected.
_FIGURES: Mapping[str, str] = {
    "lag": _LAG,
    "replicas": "select count(*) from pg_stat_replication",
    "replica_lag": _REPLICA_LAG,
    "connections": _CONNECTIONS,
    "connections_percent": f"select 100.0 * ({_CONNECTIONS}) / current_setting('max_connections')::int",
    "size": "select pg_database_size(current_database())",
}


@dataclass(frozen=True, kw_only=True)
class PostgresCheck:
    """Ask a PostgreSQL database, in a transaction that cannot write; needs `pip install opsctl[postgres]`."""

    address: Annotated[
        str, NotEmpty(), Doc("As `db.example.com:5432`, or `/run/postgresql:5432` for a socket in a folder.")
    ]
    database: Annotated[str, NotEmpty(), Doc("The database's name.")] = "postgres"
    user: Annotated[str, NotEmpty(), Doc("Who asks.")] = "postgres"
    password: Annotated[
        Template | None, NotEmpty(), Doc("Best as `${env:NAME}`; by default as in `~/.pgpass`.")
    ] = None
    query: Annotated[Template | None, NotEmpty(), Doc("One statement that reads.")] = None
    tls: Annotated[
        Literal["verify", "require", "prefer", "none"],
        Doc("With a certificate that is verified, with any, where it is offered, or not."),
    ] = "prefer"
    ca: Annotated[
        str | None, NotEmpty(), Doc("A file of trusted certificates (PEM), in place of the system's.")
    ] = None

    SHORTHAND: ClassVar[str] = "address"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "version": Subject(Kind.TEXT, 'The server\'s version, as "17.2".'),
        "secure": Subject(Kind.BOOLEAN, "Whether the connection is by TLS.", Cause.TLS),
        "in_recovery": Subject(Kind.BOOLEAN, "Whether it is a replica."),
        "lag": Subject(
            Kind.DURATION, "How old the last change is that a replica has, where it lacks some.", Cause.STALE
        ),
        "replicas": Subject(Kind.NUMBER, "How many replicas are connected.", Cause.MEMBERS),
        "replica_lag": Subject(
            Kind.DURATION, "How far the last of them is behind; needs the role `pg_monitor`.", Cause.STALE
        ),
        "connections": Subject(Kind.NUMBER, "How many connections are open.", Cause.USAGE),
        "connections_percent": Subject(Kind.PERCENT, "The same of `max_connections`.", Cause.USAGE),
        "size": Subject(Kind.SIZE, "The database's size.", Cause.USAGE),
        "value": Subject(Kind.JSON, "The first column of the first row of `query`."),
        "row": Subject(Kind.JSON, "Its first row, by column."),
        "rows": Subject(Kind.NUMBER, "How many rows it gives."),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("version exists",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A query has to find something."""
        return (("rows > 0",) if self.query else self.EXPECT), ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        from importlib.util import find_spec

        if find_spec("psycopg") is None:
            yield "address", "a check of PostgreSQL needs psycopg; `pip install opsctl[postgres]`"
        yield from address_problems(self.address)

    def target(self) -> str:
        """The address, the database, and the query as it is written."""
        where = f"{self.address} {self.database}"
        return f"{where}: {' '.join(self.query.text.split())}" if self.query else where

    def probe(self, ask: Ask) -> Observation:
        """Ask within `ask.timeout` seconds in all."""
        started, deadline = time.monotonic(), within(ask.timeout)
        try:
            settings = self._settings(ask, deadline)
            query = ask.resolve(self.query) if self.query else None
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)))
        except ConnectError as error:
            return Observation(failure=error.failure)
        seen = _abandoned_at(deadline, lambda: _look(settings, query, ask.wanted, deadline))
        if seen is None:
            return Observation(failure=Failure(Cause.TIMEOUT, f"no answer within {ask.timeout:g} s"))
        if seen.failure:
            return seen
        return seen._replace(values={**seen.values, "latency": time.monotonic() - started})

    def _settings(self, ask: Ask, deadline: Deadline) -> dict[str, Any]:
        """What libpq is told, https://www.postgresql.org/docs/current/libpq-connect.html."""
        address = parse_address(self.address)
        settings: dict[str, Any] = {"host": address.host, "port": address.port, "dbname": self.database}
        settings |= {"user": self.user, "application_name": "opsctl", "connect_timeout": int(ask.timeout) + 1}
        settings |= {"sslmode": _MODES[self.tls], "gssencmode": "disable"}
        if not address.host.startswith("/"):
            # libpq would resolve the name itself, however long that takes.
            found = resolve(address, "any", deadline)
            settings["hostaddr"] = ",".join(str(peer[0]) for _, peer in found)
            settings["host"] = ",".join([address.host] * len(found))
        if self.password:
            settings["password"] = ask.resolve(self.password)
        if self.tls == "verify":
            from opsctl.trust import trusted_certificates

            settings["sslrootcert"] = str(ask.root / self.ca) if self.ca else trusted_certificates()
        return settings


def _abandoned_at(deadline: Deadline, look: Callable[[], Observation]) -> Observation | None:
    """What `look` sees, or None at the deadline: nothing interrupts libpq, so its thread is left behind."""
    from queue import Empty, SimpleQueue
    from threading import Thread

    answers: SimpleQueue[Observation] = SimpleQueue()
    Thread(target=lambda: answers.put(look()), daemon=True, name="opsctl-postgres").start()
    try:
        return answers.get(timeout=deadline.left())
    except (Empty, TimeoutError):
        return None


def _look(
    settings: Mapping[str, Any], query: str | None, wanted: frozenset[str], deadline: Deadline
) -> Observation:
    values: dict[str, Value] = {}
    try:
        import psycopg

        with psycopg.connect(**settings) as connection:
            connection.read_only = True
            values["version"] = connection.info.parameter_status("server_version")
            values["secure"] = connection.pgconn.ssl_in_use
            _ask(connection, query, wanted, deadline, values)
    except ImportError as error:
        return Observation(failure=Failure(Cause.UNSUPPORTED, f"psycopg cannot be used: {error}"))
    except psycopg.Error as error:
        return Observation(failure=_failure(error, deadline.seconds), evidence=values)
    except TimeoutError:
        words = f"no answer within {deadline.seconds:g} s"
        return Observation(failure=Failure(Cause.TIMEOUT, words), evidence=values)
    except Exception as error:  # noqa: BLE001 - a thread that just ended would be waited for in vain
        return Observation(
            failure=Failure(Cause.INTERNAL, f"the answer could not be read: {error!r}; please report this")
        )
    if query and not values["rows"] and wanted & {"value", "row"}:
        return Observation(values, Failure(Cause.MISSING, "the query gave no row"))
    return Observation(values)


def _ask(
    connection: psycopg.Connection[Any],
    query: str | None,
    wanted: frozenset[str],
    deadline: Deadline,
    values: dict[str, Value],
) -> None:
    with connection.cursor() as cursor:
        # So that the server does not go on with what nobody waits for any more.
        cursor.execute(f"set local statement_timeout = {max(1, int(deadline.left() * 1000))}")
        first = cursor.execute("select pg_is_in_recovery()").fetchone()
        values["in_recovery"] = bool(first and first[0])
        for name, statement in _FIGURES.items():
            if name in wanted:
                found = cursor.execute(statement.encode()).fetchone()
                if found and found[0] is not None:
                    values[name] = plain(found[0])
        if query is None:
            return
        rows = 0
        # Streaming also has the server take one statement only, and no other that would write after it.
        for row in cursor.stream(query.encode()):
            deadline.left()
            if not rows:
                names = [column.name for column in cursor.description or ()]
                values["row"] = dict(zip(names, map(plain, row), strict=True))
                values["value"] = plain(row[0]) if row else None
            rows += 1
        values["rows"] = rows


# By the start of the code (https://www.postgresql.org/docs/current/errcodes-appendix.html); the first counts.
_CODES = (
    ("57014", Cause.TIMEOUT, "no answer within {seconds:g} s"),
    ("25006", Cause.UNSUPPORTED, "the query does more than read: {words}"),
    ("42501", Cause.PERMISSION, "{words}"),
    ("42P01", Cause.MISSING, "{words}"),
    ("42", Cause.UNSUPPORTED, "the query cannot be run: {words}"),
    ("57P", Cause.RESET, "{words}"),
)
# Of a connection that fails, libpq tells words only.
_WORDS = (
    ("connection refused", Cause.REFUSED),
    ("no such file", Cause.REFUSED),
    ("timeout", Cause.TIMEOUT),
    ("no route to host", Cause.UNREACHABLE),
    ("network is unreachable", Cause.UNREACHABLE),
    ("invalid response", Cause.PROTOCOL),
    ("ssl", Cause.TLS),
    ("certificate", Cause.TLS),
    ("does not exist", Cause.MISSING),
    # It is starting up, shutting down or not yet accepting connections.
    ("the database system is ", Cause.RESET),
    ("closed the connection", Cause.RESET),
    ("connection is lost", Cause.RESET),
    ("reset by peer", Cause.RESET),
)


def _failure(error: psycopg.Error, seconds: float) -> Failure:
    words = shorten(line(error.diag.message_primary or str(error)), 200)
    for start, cause, form in _CODES:
        if (error.sqlstate or "").startswith(start):
            return Failure(cause, form.format(words=words, seconds=seconds))
    # The reason stands behind where it was tried.
    reason = words.rpartition(" failed: ")[2].removeprefix("FATAL:").strip()
    for part, cause in _WORDS:
        if part in reason.lower():
            return Failure(cause, reason)
    return Failure(Cause.PROTOCOL, reason)
