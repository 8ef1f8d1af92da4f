"""What people decide, as events: each kind of subject is a record that follows from its events alone.

A subject's record is the fold of its events: `apply(None, first)`, then `apply(record, next)`. Nothing else
may change it, so that the store can derive its tables, verify them, and undo a command by leaving its events
out. A new kind of subject is a module here with `TABLE`, `REMARKS`, `decode` and `apply`, a line in
`SUBJECTS`, and its table in the store's migrations.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.ledger.events import Event

# The prefix of a subject's name → the module of its record. A module is imported when it is asked for.
SUBJECTS = {
    "INC": "incident",
    "PIR": "review",
    "OPS": "item",
    "ITR": "iteration",
    "SGN": "signoff",
    "WVR": "waiver",
    "GATE": "gate",
    "RUN": "run",
    "RTN": "slot",
    "DOC": "document",
    "MNT": "maintenance",
}


class Subject(Protocol):
    """A module that says what one kind of subject is.

    `REMARKS` are the kinds of events that change nothing which later events rely on; what they follow can
    still be undone.
    """

    TABLE: str
    REMARKS: frozenset[str]

    def decode(self, document: Mapping[str, Any]) -> Any:
        """The record of a stored document; the other way is `_asdict()`."""

    def apply(self, record: Any, event: Event) -> Any:
        """The record after the event; `record` is None before the first."""


@cache
def subject_kind(prefix: str) -> Subject:
    """The module for subjects whose names start with `prefix`; KeyError where there is none."""
    return cast("Subject", import_module(f"opsctl.ledger.{SUBJECTS[prefix]}"))
