"""The shop's database: made, damaged, brought back, made fast, and asked."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "data/shop.db"
BACKUP = "data/backup.db"
CUSTOMERS = 400
ORDERS = 20_000
_PATIENCE = 5.0

_TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE totals (what TEXT PRIMARY KEY, cents INTEGER NOT NULL);
"""
_INDEX = "CREATE INDEX IF NOT EXISTS {}.orders_of_customers ON orders (customer)"
# As fast as the index on orders(customer) lets it be: without, each customer is a walk through all orders.
_BEST = """
SELECT name, (SELECT sum(cents) FROM orders WHERE customer = customers.id) AS cents
FROM customers ORDER BY cents DESC, name LIMIT 5
"""


def make(folder: Path) -> None:
    """A database full of orders, and a backup of it that has the rows and, as such copies do, no index."""
    (folder / DATABASE).parent.mkdir(parents=True, exist_ok=True)
    with _open(folder) as db:
        db.executescript(_TABLES)
        names = ((number, f"customer {number}") for number in range(CUSTOMERS))
        db.executemany("INSERT INTO customers VALUES (?, ?)", names)
        orders = ((number, number * 7919 % CUSTOMERS, 500 + number * 31 % 9000) for number in range(ORDERS))
        db.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
    with _open_both(folder) as db:
        db.execute("CREATE TABLE backup.orders AS SELECT * FROM main.orders")
        db.execute(_INDEX.format("main"))


def lose(folder: Path) -> None:
    """Drop the table `orders`; sqlite3.OperationalError where it is gone already."""
    with _open(folder) as db:
        db.execute("DROP TABLE orders")


def restore(folder: Path) -> int:
    """Bring `orders` back from the backup, where it is missing; how many orders there are."""
    with _open_both(folder) as db:
        if not db.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'orders'").fetchone():
            db.execute("CREATE TABLE main.orders AS SELECT * FROM backup.orders")
            indexes = db.execute("SELECT sql FROM backup.sqlite_master WHERE type = 'index'").fetchall()
            for (index,) in indexes:
                db.execute(index)
        return int(db.execute("SELECT count(*) FROM main.orders").fetchone()[0])


def hasten(folder: Path) -> None:
    """Give `orders` its index, where it has none; in the backup too, so that the next restore brings it."""
    with _open_both(folder) as db:
        for schema in ("main", "backup"):
            db.execute(_INDEX.format(schema))


def add_up(folder: Path) -> None:
    """The worker's round: what was sold in all; sqlite3.Error where the orders cannot be read."""
    with _open(folder) as db:
        db.execute("INSERT OR REPLACE INTO totals SELECT 'sold', sum(cents) FROM orders")


def orders(folder: Path) -> int:
    """How many orders there are; sqlite3.Error where they cannot be read."""
    with _open(folder) as db:
        return int(db.execute("SELECT count(*) FROM orders").fetchone()[0])


def best_customers(folder: Path) -> list[tuple[str, int]]:
    """Those who bought most, with what they paid in cents; sqlite3.Error where it cannot be read."""
    with _open(folder) as db:
        return [(str(name), int(cents)) for name, cents in db.execute(_BEST)]


@contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database; what is written is kept where nothing went wrong."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=_PATIENCE)) as db, db:
        yield db


@contextmanager
def _open_both(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database as `main`, and its backup as `backup`."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=_PATIENCE)) as db:
        db.execute("ATTACH ? AS backup", (str(folder / BACKUP),))
        with db:
            yield db
