"""What records rely on in each other, so that an undo leaves no name that leads nowhere and no key twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opsctl.errors import RefusedError
from opsctl.ledger import SUBJECTS, subject_kind
from opsctl.ledger.events import UNDONE, canonical, prefix_of
from opsctl.store.ledger import document, events, get, records

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.ledger.events import Event

# A name that is a value of its own in JSON, not one within a text.
_NAME = re.compile(rf'"((?:{"|".join(SUBJECTS)})-[1-9][0-9]*)"')


def require_what_is_named(
    db: sqlite3.Connection, afterwards: Mapping[str, Any], restored: Sequence[Event]
) -> None:
    """RefusedError where a record would name one that is not there.

    `afterwards` are the records that change, by subject; `restored` are the events that count again.
    """
    going = {subject for subject, record in afterwards.items() if record is None}
    for other, text in _others(db, afterwards) if going else ():
        if found := _named(other, text) & going:
            raise RefusedError(_still_named(db, min(found), other))
    for event in restored:
        for name in sorted(_named(event.subject, canonical(event.body)) if event.kind != UNDONE else ()):
            if not _there(db, name, afterwards):
                raise RefusedError(
                    f"{event.subject} would name {name}, which is not there any more; "
                    f"bring that back first: `opsctl log {name} --undone` shows how it went"
                )


def require_free_keys(db: sqlite3.Connection, afterwards: Mapping[str, Any]) -> None:
    """RefusedError where two active incidents would have one key, as what checks see goes to one."""
    from opsctl.ledger.incident import ACTIVE, Incident

    for subject, record in afterwards.items():
        if isinstance(record, Incident) and record.active and record.key:
            for other in records(db, "INC", ACTIVE):
                if other.key == record.key and other.subject not in afterwards:
                    raise RefusedError(
                        f"{other.subject} was opened for `{record.key}` since, and {subject} would be active "
                        f"beside it; resolve or merge {other.subject} first"
                    )


def _others(db: sqlite3.Connection, afterwards: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every record as it will be, as stored."""
    for prefix in SUBJECTS:
        rows = db.execute(f"SELECT subject, document FROM {subject_kind(prefix).TABLE}")  # noqa: S608 - constant
        for subject, text in rows:
            if subject not in afterwards:
                yield subject, text
    for subject, record in afterwards.items():
        if record is not None:
            yield subject, document(record)


def _named(subject: str, text: str) -> set[str]:
    # A review names its incident by its number alone.
    own = {subject.replace("PIR", "INC")} if prefix_of(subject) == "PIR" else set()
    return own | set(_NAME.findall(text))


def _there(db: sqlite3.Connection, name: str, afterwards: Mapping[str, Any]) -> bool:
    if name in afterwards:
        return afterwards[name] is not None
    # What never was there is a text that looks like a name.
    return get(db, name) is not None or not events(db, [name], undone=True)


def _still_named(db: sqlite3.Connection, name: str, other: str) -> str:
    naming = [event for event in events(db, [other]) if name in _named(other, canonical(event.body))]
    way_out = f"undo that first: opsctl undo {naming[-1].command}" if naming else f"see `opsctl log {other}`"
    return f"{other} names {name}, which would be gone; {way_out}"
