"""Which incidents are over and still owe their review."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.ledger import subject_kind
from opsctl.store.ledger import record_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from opsctl.ledger.incident import Incident

_OWED = """
    SELECT i.document FROM incidents AS i
    LEFT JOIN reviews AS r ON r.subject = 'PIR-' || i.number
    WHERE i.state IN ('resolved', 'closed')
        AND json_extract(i.document, '$.resolved') IS NOT NULL
        AND NOT json_extract(i.document, '$.false_alarm')
        AND json_extract(i.document, '$.peak') IN (SELECT value FROM json_each(?))
        AND coalesce(r.state, 'draft') = 'draft'
    ORDER BY i.number
"""


def unreviewed(db: sqlite3.Connection, severities: Sequence[str]) -> list[Incident]:
    """The incidents that are over, of one of the severities at their worst, whose review is still a draft."""
    rows = db.execute(_OWED, (json.dumps(list(severities)),))
    kind = subject_kind("INC")
    return [record_of(kind, document) for (document,) in rows]
