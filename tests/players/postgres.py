"""PostgreSQL servers that fail as `opsctl.faults.postgres` says, as far as they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from players.stage import UNANSWERED, addressed, late, served

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Mapping, Sequence

    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    'version matches "^17"',
    "secure == false",
    "in_recovery == false",
    "in_recovery == true",
    "lag < 1m",
    "replicas > 0",
    "replica_lag < 1m",
    "connections < 80",
    "connections_percent < 80%",
    "size < 1GB",
    "latency < 500ms",
)
OF_A_QUERY = (*LENSES, "rows > 0", "rows == 1", "value > 0", "value exists", "row exists", "row.n > 0")
QUERY = "select n from orders"
_TLS_REQUEST = 80877103


class _Server(NamedTuple):
    """What a server is and has; of `rows`, the only column is `n`, and None is NULL."""

    recovering: bool = False
    lag: float | None = None
    replicas: int = 1
    replica_lag: float | None = 0.25
    connections: int = 7
    rows: Sequence[int | None] = (3,)


_PRIMARY = _Server()
_REPLICA = _Server(recovering=True, lag=0, replicas=0, replica_lag=None)
# What else is so of a primary, or a replica, that was well.
_TURNS: Mapping[str, Mapping[str, Any]] = {
    "healthy": {},
    "slow": {},
    "nearly-full": {"connections": 99},
    "demoted": _REPLICA._asdict(),
    "behind": {"recovering": True, "lag": 3600.0},
    "no-replicas": {"recovering": False, "replicas": 0, "replica_lag": None},
    "no-rows": {"rows": ()},
    "null": {"rows": (None,)},
    "zero": {"rows": (0,)},
}
# What it says in place of that somebody is let in.
_REFUSALS = {
    "refuses": ("28P01", 'password authentication failed for user "postgres"'),
    "full": ("53300", "sorry, too many clients already"),
    "starting": ("57P03", "the database system is starting up"),
    "no-database": ("3D000", 'database "postgres" does not exist'),
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name]())
    if fault.name in _REFUSALS:
        return addressed(served(_refusing(*_REFUSALS[fault.name])))
    if fault.name not in _TURNS:
        return None
    well = _REPLICA if stage.fields["user"] == "replica" else _PRIMARY
    serve = _serving(well._replace(**_TURNS[fault.name]))
    return addressed(served(late(serve) if fault.name == "slow" else serve))


def _message(kind: bytes, data: bytes = b"") -> bytes:
    return kind + (len(data) + 4).to_bytes(4, "big") + data


def _begun(stream: Any, connection: socket.socket) -> bool:
    """Whether somebody wants to be let in, without TLS."""
    while size := int.from_bytes(stream.read(4), "big"):
        data = stream.read(size - 4)
        if int.from_bytes(data[:4], "big") != _TLS_REQUEST:
            return True
        connection.sendall(b"N")
    return False


def _refusing(code: str, words: str) -> Serve:
    def serve(connection: socket.socket, _done: threading.Event) -> None:
        with connection.makefile("rb") as stream:
            if _begun(stream, connection):
                fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": words}
                told = b"".join(f"{name}{value}\0".encode() for name, value in fields.items())
                connection.sendall(_message(b"E", told + b"\0"))

    return serve


_WELCOME = b"".join(
    _message(kind, data)
    for kind, data in (
        (b"R", bytes(4)),
        *((b"S", f"{name}\0{value}\0".encode()) for name, value in (
            ("server_version", "17.2"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on"),
            ("integer_datetimes", "on"), ("DateStyle", "ISO, MDY"), ("TimeZone", "Etc/UTC"))),
        (b"K", bytes(8)),
        (b"Z", b"I"),
    )
)  # fmt: skip


def _serving(server: _Server) -> Serve:
    def serve(connection: socket.socket, _done: threading.Event) -> None:
        with connection.makefile("rb") as stream:
            if not _begun(stream, connection):
                return
            connection.sendall(_WELCOME)
            state, statement = b"I", ""
            while kind := stream.read(1):
                data = stream.read(int.from_bytes(stream.read(4), "big") - 4)
                if kind == b"Q":
                    statement = data.rstrip(b"\0").decode()
                    state = {"BEGIN": b"T", "COMMI": b"I", "ROLLB": b"I"}.get(statement[:5], state)
                    connection.sendall(_told(server, statement) + _message(b"Z", state))
                elif kind == b"P":
                    statement = data.split(b"\0")[1].decode()
                elif kind == b"S":
                    begun = _message(b"1") + _message(b"2")
                    connection.sendall(begun + _told(server, statement) + _message(b"Z", state))

    return serve


def _told(server: _Server, statement: str) -> bytes:
    """The rows of an answer, and that these are all."""
    if not statement.lower().startswith("select"):
        return _message(b"C", statement.split(maxsplit=1)[0].encode() + b"\0")
    type_, rows = _answer(server, statement)
    column = b"n\0" + bytes(6) + type_.to_bytes(4, "big") + b"\0\x08" + b"\xff" * 4 + bytes(2)
    found = _message(b"T", b"\0\1" + column)
    for value in rows:
        text = b"" if value is None else str(value).encode()
        size = b"\xff" * 4 if value is None else len(text).to_bytes(4, "big")
        found += _message(b"D", b"\0\1" + size + text)
    return found + _message(b"C", f"SELECT {len(rows)}\0".encode())


_BOOLEAN, _INTEGER, _NUMERIC = 16, 20, 1700


def _answer(server: _Server, statement: str) -> tuple[int, Sequence[object]]:
    """The type and the values of the only column."""
    if statement == QUERY:
        return _INTEGER, server.rows
    if statement == "select pg_is_in_recovery()":
        return _BOOLEAN, ["t" if server.recovering else "f"]
    if "pg_last_wal_replay_lsn" in statement:
        return _NUMERIC, [server.lag] if server.recovering else []
    if "replay_lag" in statement:
        return _NUMERIC, [server.replica_lag]
    if "pg_stat_replication" in statement:
        return _INTEGER, [server.replicas]
    if "pg_database_size" in statement:
        return _INTEGER, [7_500_000]
    assert "numbackends" in statement, statement
    # Of the hundred that it has.
    return _NUMERIC, [server.connections]
