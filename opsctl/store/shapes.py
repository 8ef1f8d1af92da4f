"""What results saw, as values: their subjects and expectations are kept once for all that share them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.errors import StoreError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from opsctl.outcome import Value
    from opsctl.records import Result

# The texts of the expectations, and the subjects of which there are values.
Shape = tuple[tuple[str, ...], tuple[str, ...]]
_DAMAGED = "what was seen of a result cannot be read; run `opsctl db verify`"
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def shape_ids(db: sqlite3.Connection, results: Iterable[Result]) -> dict[Shape, int]:
    """The numbers of all shapes that the results have; new ones are added."""
    distinct = {_shape(one) for one in results if one.seen is not None}
    rows = {shape: tuple(json.dumps(one) for one in shape) for shape in distinct}
    db.executemany("INSERT OR IGNORE INTO shapes (judged, subjects) VALUES (?, ?)", rows.values())
    find = "SELECT id FROM shapes WHERE judged = ? AND subjects = ?"
    return {shape: db.execute(find, row).fetchone()[0] for shape, row in rows.items()}


def shaped(result: Result, ids: Mapping[Shape, int]) -> tuple[int | None, str | None]:
    """The columns shape_id and seen of a result."""
    if result.seen is None:
        return None, None
    return ids[_shape(result)], _ENCODE(list(result.seen.values()))


def shapes(db: sqlite3.Connection) -> dict[int, Shape]:
    """All shapes of the store by number."""
    rows = db.execute("SELECT id, judged, subjects FROM shapes")
    return {shape_id: (texts(judged), texts(subjects)) for shape_id, judged, subjects in rows}


def values_of(subjects: Sequence[str], packed: str) -> dict[str, Value]:
    """What a result saw, by subject; StoreError where that cannot be read."""
    try:
        return dict(zip(subjects, json.loads(packed), strict=True))
    except (ValueError, TypeError) as error:
        raise StoreError(_DAMAGED) from error


def texts(packed: str) -> tuple[str, ...]:
    """The texts of a shape; StoreError where they cannot be read."""
    try:
        return tuple(json.loads(packed))
    except (ValueError, TypeError) as error:
        raise StoreError(_DAMAGED) from error


def _shape(result: Result) -> Shape:
    return tuple([one.text for one in result.judged]), tuple(result.seen or ())
