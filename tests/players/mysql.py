"""MySQL servers that fail as `opsctl.faults.mysql` says, as far as they are asked."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from checks.mysqls import error, greeting, packet
from checks.peers import secured
from players.stage import UNANSWERED, addressed, late, served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from checks.peers import Serve
    from players.stage import Played, Stage

    from opsctl.faults import Fault

    Row = Mapping[str, object]

LENSES = (
    "ready == true",
    "version matches /^8/",
    "starttls == true",
    "authenticated == true",
    "latency < 500ms",
)
OVER_TLS = (*LENSES, "expires_in > 14d", "expires_in > 0s")
LOGGED_IN = (
    *LENSES,
    "read_only == false",
    "read_only == true",
    "replicating == true",
    "lag < 1m",
    "connections < 80",
    "connections_percent < 80%",
    "size < 1GB",
)
OF_A_QUERY = (*LOGGED_IN, "rows > 0", "rows == 1", "value > 0", "value exists", "row exists", "row.n > 0")
QUERY = "select n from orders"
_TLS, _TLS_ASKED = 0x800, 36
_QUERY = 3


class _Server(NamedTuple):
    """What a server is and has; `lag` is what it tells of itself as a replica, if it is one."""

    version: str = "8.4.3"
    offers: int = 0xDFFF_FFFF
    refusal: tuple[int, str] | None = None
    denial: tuple[int, str] | None = None
    read_only: int = 0
    replicating: bool | None = None
    lag: int | None = None
    connections: int = 7
    rows: Sequence[Row] = ({"n": 3},)


_FOLLOWING = {"read_only": 1, "replicating": True, "lag": 0}
_NOBODY = (1045, "Access denied for user 'app'@'localhost'")
_TURNS: Mapping[str, Mapping[str, Any]] = {
    "healthy": {},
    "slow": {},
    "expires-soon": {},
    "other-version": {"version": "5.5.62"},
    "no-tls": {"offers": 0xDFFF_FFFF & ~_TLS},
    "locked-out": {"refusal": _NOBODY},
    "no-database": {"refusal": (1049, "Unknown database 'shop'")},
    "nearly-full": {"connections": 99},
    "stopped": {"read_only": 1, "replicating": False, "lag": None},
    "behind": {**_FOLLOWING, "lag": 3600},
    "no-rows": {"rows": ()},
    "null": {"rows": ({"n": None},)},
    "zero": {"rows": ({"n": 0},)},
}
# What is said in place of a greeting; whoever is sent away there is told no state of SQL.
_GREETINGS = {
    "full": packet(0, b"\xff\x10\x04Too many connections"),
    "blocked": packet(0, b"\xff\x69\x04Host '127.0.0.1' is blocked because of many connection errors"),
    "no-mysql": b"SSH-2.0-OpenSSH_9.2\r\n",
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    more = {"ca": str(stage.certificates.ca)} if stage.fields.get("tls") else {}
    if fault.name in UNANSWERED:
        return addressed(UNANSWERED[fault.name](), **more)
    serve = _serve(stage, fault)
    return serve and addressed(served(late(serve) if fault.name == "slow" else serve), **more)


def _serve(stage: Stage, fault: Fault) -> Serve | None:
    if fault.name in _GREETINGS:
        return _saying(_GREETINGS[fault.name])
    well = _Server(**_FOLLOWING) if stage.fields["user"] == "replica" else _Server()
    if fault.name == "no-right":
        kept = (1142, "SELECT command denied to user 'app'@'localhost' for table 'orders'")
        shut = (1044, "Access denied for user 'app'@'localhost' to database 'shop'")
        server = well._replace(denial=kept) if "query" in stage.fields else well._replace(refusal=shut)
    elif fault.name in _TURNS:
        server = well._replace(**_TURNS[fault.name])
    else:
        return None
    if not stage.fields.get("tls"):
        return _serving(server)
    pair = stage.certificates.soon if fault.name == "expires-soon" else stage.certificates.good

    def serve(connection: socket.socket, done: Any) -> None:
        connection.sendall(_greeted(server))
        # Read without a buffer, which would swallow the start of the handshake.
        if len(connection.recv(_TLS_ASKED, socket.MSG_WAITALL)) == _TLS_ASKED:
            secured(pair, _serving(server, first=b"", number=3))(connection, done)

    return serve


def _greeted(server: _Server) -> bytes:
    return greeting(server.version.encode(), server.offers)


def _saying(text: bytes) -> Serve:
    def serve(connection: socket.socket, _done: Any) -> None:
        connection.sendall(text)
        connection.recv(1000)

    return serve


def _serving(server: _Server, first: bytes | None = None, number: int = 2) -> Serve:
    """A server that greets, unless it has already, and answers the login by a packet of that number."""

    def serve(connection: socket.socket, _done: Any) -> None:
        connection.sendall(_greeted(server) if first is None else first)
        with connection.makefile("rb") as stream:
            if not _heard(stream):
                return
            if server.refusal:
                code, words = server.refusal
                connection.sendall(error(code, words.encode(), number))
                return
            connection.sendall(_fine(number))
            while (told := _heard(stream)) and told[0] == _QUERY:
                connection.sendall(_told(server, told[1:].decode()))

    return serve


def _heard(stream: Any) -> bytes:
    """The next packet's content; nothing where none comes."""
    found: bytes = stream.read(int.from_bytes(stream.read(4)[:3], "little"))
    return found


def _fine(number: int) -> bytes:
    return packet(number, b"\0\0\0\x02\0\0\0")


def _told(server: _Server, statement: str) -> bytes:
    if statement == QUERY and server.denial:
        return error(server.denial[0], server.denial[1].encode(), 1, b"42000")
    for start, answer in _ANSWERS.items():
        if statement.startswith(start):
            columns, rows = answer(server)
            return _table(columns, rows)
    assert statement.lower().startswith(("set ", "start transaction ")), statement
    return _fine(1)


_REPLICA = ("Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source")


def _following(server: _Server) -> tuple[Sequence[str], Sequence[Row]]:
    if server.replicating is None:
        return _REPLICA, []
    hears = "Yes" if server.replicating else "No"
    return _REPLICA, [dict(zip(_REPLICA, (hears, "Yes", server.lag), strict=True))]


def _one(name: str) -> Callable[[_Server], tuple[Sequence[str], Sequence[Row]]]:
    figures = {"max_connections": 100, "size": 16384}
    return lambda server: ([name], [{name: getattr(server, name, None) or figures.get(name, 0)}])


_ANSWERS: Mapping[str, Callable[[_Server], tuple[Sequence[str], Sequence[Row]]]] = {
    QUERY: lambda server: (["n"], server.rows),
    "select @@global.read_only": _one("read_only"),
    "select @@global.max_connections": _one("max_connections"),
    "select sum(data_length": _one("size"),
    "show replica status": _following,
    "show global status like 'Threads_connected'": lambda server: (
        ["Variable_name", "Value"], [{"Variable_name": "Threads_connected", "Value": server.connections}],
    ),
}  # fmt: skip
_INTEGER, _TEXT, _UTF8 = 8, 253, 45


def _table(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """A result of the protocol's text form."""
    numbers = {name for name in columns if all(isinstance(row[name], int | None) for row in rows)}
    pieces = [bytes([len(columns)]), *(_column(name, number=name in numbers) for name in columns), _END]
    pieces += [b"".join(_text(row[name]) for name in columns) for row in rows]
    return b"".join(packet(at, piece) for at, piece in enumerate([*pieces, _END], 1))


_END = b"\xfe\0\0\x02\0"


def _column(name: str, *, number: bool) -> bytes:
    texts = b"".join(_text(text) for text in ("def", "shop", "", "", name, name))
    charset, kind = (63, _INTEGER) if number else (_UTF8, _TEXT)
    return texts + b"\x0c" + charset.to_bytes(2, "little") + bytes(4) + bytes([kind]) + bytes(5)


def _text(value: object) -> bytes:
    data = str(value).encode()
    return b"\xfb" if value is None else bytes([len(data)]) + data
