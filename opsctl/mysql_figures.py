"""The figures of a MySQL or MariaDB server that somebody logged in to: connections, size and replication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.mysql_session import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.mysql_session import Result, Session
    from opsctl.outcome import Value

_SIZE = (
    "select sum(data_length + index_length) from information_schema.tables where table_schema = database()"
)


def figures(opened: Session, wanted: frozenset[str]) -> dict[str, Value]:
    """Those of `wanted` that the server knows; what it does not know is not there."""
    found: dict[str, Value] = {}
    for names, look in _LOOKS.items():
        if wanted & names:
            found |= look(opened)
    return {name: value for name, value in found.items() if value is not None}


def _read_only(opened: Session) -> dict[str, Value]:
    # A number, and of the newest MariaDB one of several words.
    return {"read_only": str(_one(opened, "select @@global.read_only")) not in {"0", "OFF"}}


def _connections(opened: Session) -> dict[str, Value]:
    count = int(str(answer(opened, "show global status like 'Threads_connected'").rows[0][1]))
    most = int(str(_one(opened, "select @@global.max_connections")))
    return {"connections": count, "connections_percent": 100 * count / most}


def _size(opened: Session) -> dict[str, Value]:
    return {"size": _one(opened, _SIZE)}


def _replication(opened: Session) -> dict[str, Value]:
    """Nothing where it is no replica; where it is one of several servers, it is as good as with the worst."""
    status = _status(opened)
    channels = [dict(zip(status.names, row, strict=True)) for row in status.rows]
    if not channels:
        return {}
    # MySQL has new words since 8.0.22, MariaDB has not.
    own, other = ("Replica", "Source") if "Replica_IO_Running" in channels[0] else ("Slave", "Master")
    running = [channel[f"{own}_{part}_Running"] == "Yes" for channel in channels for part in ("IO", "SQL")]
    behind = [channel[f"Seconds_Behind_{other}"] for channel in channels]
    # NULL is not 0: of what does not run, nobody knows how far behind it is.
    lag = None if None in behind else max(float(str(seconds)) for seconds in behind)
    return {"replicating": all(running), "lag": lag}


def _status(opened: Session) -> Result:
    import pymysql

    if opened.mariadb:
        # Without `all`, it would tell only of the connection that has no name.
        return answer(opened, "show all slaves status")
    try:
        return answer(opened, "show replica status")
    except pymysql.err.ProgrammingError:
        return answer(opened, "show slave status")


def _one(opened: Session, statement: str) -> Value:
    return answer(opened, statement).rows[0][0]


_LOOKS: Mapping[frozenset[str], Callable[[Session], dict[str, Value]]] = {
    frozenset({"read_only"}): _read_only,
    frozenset({"connections", "connections_percent"}): _connections,
    frozenset({"size"}): _size,
    frozenset({"replicating", "lag"}): _replication,
}
