"""The figures of a MySQL or MariaDB server that somebody logged in to: connections, size and replication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.mysql_session import NO_SYNTAX, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsctl.mysql_session import Result, Session
    from opsctl.outcome import Value

_SIZE = "select sum(data_length + index_length) from information_schema.tables where table_schema = database()"


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
    told = ask(opened, "show global status like 'Threads_connected'")
    count = int(str(told.rows[0][1]))
    most = int(str(_one(opened, "select @@global.max_connections")))
    return {"connections": count, "connections_percent": 100 * count / most}


def _size(opened: Session) -> dict[str, Value]:
    return {"size": _one(opened, _SIZE)}


def _replication(opened: Session) -> dict[str, Value]:
    """Of all that it replicates from, the one that is most behind; nothing where it is no replica."""
    channels = [dict(zip(told.names, row, strict=True)) for told in [_status(opened)] for row in told.rows]
    if not channels:
        return {}
    threads = [_of(channel, f"{part}_Running") for channel in channels for part in ("IO", "SQL")]
    # It is NULL where a thread does not run, and then nobody knows.
    behind = [_of(channel, "Seconds_Behind") for channel in channels]
    known = [float(str(one)) for one in behind if one is not None]
    return {
        "replicating": all(thread == "Yes" for thread in threads),
        "lag": max(known) if len(known) == len(channels) else None,
    }


def _status(opened: Session) -> Result:
    if opened.mariadb:
        # The other two tell of the connection without a name only.
        return ask(opened, "show all slaves status")
    ...
