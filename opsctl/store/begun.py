"""Incidents by when their impact began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.ledger import subject_kind
from opsctl.store.ledger import record_of

if TYPE_CHECKING:
    import sqlite3

    from opsctl.ledger.incident import Incident

# As in the index `incidents_by_beginning`. A record's times are seconds.
_BEGAN = "coalesce(json_extract(document, '$.impact_started'), json_extract(document, '$.opened'))"


def begun(db: sqlite3.Connection, since: float, until: float) -> list[Incident]:
    """The incidents that began from `since` to before `until` (UTC epoch seconds), in order of their numbers.

    An incident begins with its impact or, where that is not known, when it was declared.
    """
    rows = db.execute(
        f"SELECT document FROM incidents WHERE {_BEGAN} >= ? AND {_BEGAN} < ? ORDER BY number",  # noqa: S608 - constant
        (since, until),
    )
    kind = subject_kind("INC")
    return [record_of(kind, document) for (document,) in rows]
