"""The database of Uptime Kuma, which since version 2 is all that is left of its backups, as a backup was."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from opsctl.importers import ForeignError

if TYPE_CHECKING:
    from pathlib import Path

BEGINS = b"SQLite format 3\0"
# What keeps the name of its column.
_KEPT = (
    "accepted_", "basic_auth_", "bearer_", "dns_", "docker_", "oauth_", "ping_", "remote_", "screenshot_",
    "system_service_",
)  # fmt: skip
_MOST, _LONGEST = 5000, 100_000
_UNTOLD = {"user_id", "created_date", "subtype"}
_DATA = {"accepted_statuscodes_json", "conditions", "rabbitmq_nodes", "kafka_producer_brokers",
         "kafka_producer_sasl_options"}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """The monitors, proxies and Docker hosts in a file; ForeignError where it has no monitors."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{_mode(path)}", uri=True)) as db:
            db.row_factory = sqlite3.Row
            # A table may be a view that never ends, and a value as large as it likes.
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            rows = db.execute("select * from monitor order by id limit ?", (_MOST + 1,)).fetchall()
            if len(rows) > _MOST:
                raise ForeignError(f"it has more than {_MOST} monitors; split it")
            monitors = [_monitor(dict(row)) for row in rows]
            proxies = [dict(row) for row in db.execute("select * from proxy")]
            hosts = [dict(row) for row in db.execute("select * from docker_host")]
    except sqlite3.Error as error:
        words = f"it cannot be read as a database of Uptime Kuma: {error}; stop it, or take a copy"
        raise ForeignError(words) from error
    _pause(monitors)
    return {"monitorList": monitors, "proxyList": proxies, "dockerHostList": hosts}


def _mode(path: Path) -> str:
    """How it is opened: where nobody has it open, so that no file is made beside it."""
    real = path.resolve()
    used = any(real.with_name(f"{real.name}-{other}").exists() for other in ("wal", "journal"))
    return "mode=ro" if used else "immutable=1"


def _pause(monitors: list[dict[str, Any]]) -> None:
    """Say of each whether a group that it is in is paused, as a backup says it."""
    own = {one["id"]: one for one in monitors}
    for one in monitors:
        above, seen = own.get(one.get("parent")), set[int]()
        while above is not None and above["id"] not in seen:
            seen.add(above["id"])
            one["forceInactive"] = one.get("forceInactive", False) or not above.get("active", True)
            above = own.get(above.get("parent"))


def _monitor(row: dict[str, Any]) -> dict[str, Any]:
    return {_key(name): _value(name, value) for name, value in row.items() if name not in _UNTOLD}


def _key(column: str) -> str:
    plain = column.removesuffix("_json")
    if plain.startswith(_KEPT):
        return plain
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), plain)


def _value(column: str, value: Any) -> Any:
    if column not in _DATA or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
