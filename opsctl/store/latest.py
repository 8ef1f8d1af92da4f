"""What the store knows last of each check: how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.store.rows import standing_of

if TYPE_CHECKING:
    import sqlite3

    from opsctl.records import Standing
    from opsctl.store.opening import Store


def standings(store: Store) -> dict[str, Standing]:
    """What stands for every check that was ever recorded, by name."""
    return standings_in(store.db)


def standings_in(db: sqlite3.Connection) -> dict[str, Standing]:
    """As `standings`, inside a transaction."""
    rows = db.execute(
        "SELECT c.name, st.state, st.since, st.seen, st.at, st.streak, st.cause, st.message"
        " FROM checks AS c JOIN standings AS st ON st.check_id = c.id ORDER BY c.name"
    )
    return {name: standing_of(tuple(row)) for name, *row in rows}
