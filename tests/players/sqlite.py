"""Database files that fail as `opsctl.faults.sqlite` says."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from players.stage import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

QUERY = "SELECT n FROM orders"
LENSES = ("rows > 0", "value > 0", "value exists", "row.n > 0", "row exists", "latency < 500ms")
WHOLE = ('integrity == "ok"', "latency < 500ms")
_VALUES = {"healthy": 3, "locked": 3, "slow": 3, "null": None, "zero": 0}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    known = {*_VALUES, "no-rows", "missing", "no-database", "corrupt"}
    return _database(stage, fault.name) if fault.name in known else None


@contextmanager
def _database(stage: Stage, name: str) -> Iterator[Mapping[str, Any]]:
    path = stage.folder / "shop.db"
    with closing(sqlite3.connect(path, check_same_thread=False)) as database:
        database.execute("CREATE TABLE orders (n INTEGER)")
        database.execute("CREATE INDEX by_n ON orders (n)")
        if name in _VALUES:
            database.execute("INSERT INTO orders VALUES (?)", (_VALUES[name],))
        database.commit()
        if name == "corrupt":
            # A row whose entry in the index is gone.
            database.execute("PRAGMA writable_schema = on")
            database.execute("INSERT INTO orders VALUES (1)")
            database.execute("UPDATE sqlite_schema SET rootpage = rootpage - 1 WHERE name = 'by_n'")
            database.commit()
        if name in {"locked", "slow"}:
            database.execute("BEGIN EXCLUSIVE")
        if name == "missing":
            path.unlink()
        if name == "no-database":
            path.write_text("all is well\n")
        # Whoever looks begins only after this, so it takes longer than for others.
        freed = threading.Timer(3 * SLOW, database.rollback)
        if name == "slow":
            freed.start()
        yield {"path": str(path)}
        freed.cancel()
