"""Undo a command: its events stay, and count no more."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.errors import RefusedError, UsageError
from opsctl.ledger import subject_kind
from opsctl.ledger.events import UNDONE, prefix_of
from opsctl.store.ledger import events, get, put, undone_by

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from opsctl.ledger.events import Event
    from opsctl.store.ledger import Ledger


class Change(NamedTuple):
    """What undoing does to one subject; None is where it is not there."""

    subject: str
    before: Any
    after: Any


class Undo(NamedTuple):
    """What undoing one command takes back, and what that changes."""

    command: int
    events: tuple[Event, ...]
    changes: tuple[Change, ...]


def plan(db: sqlite3.Connection, command: int) -> Undo:
    """What undoing `command` would do.

    Raises UsageError where there is no such command or it was undone already, RefusedError where what
    was done since relies on it.
    """
    taken = events(db, command=command, undone=True)
    if not taken:
        raise UsageError(f"there is no command {command}; `opsctl log` lists them")
    gone = undone_by(db)
    if command in gone:
        raise UsageError(f"command {command} was undone already; `opsctl log` lists what counts")
    # An undo that is undone brings back what it had taken away.
    back = {event.body["command"] for event in taken if event.kind == UNDONE}
    subjects = list(dict.fromkeys(name for event in taken for name in _subjects(event)))
    counted = (gone | {command}) - back
    moved = back | {command}
    changes = tuple(
        Change(subject, get(db, subject), _after(db, subject, counted, moved)) for subject in subjects
    )
    return Undo(command, tuple(taken), changes)


def undo(ledger: Ledger, command: int) -> Undo:
    """Undo `command` by an event of its own, which may be undone in turn; raises as `plan`."""
    planned = plan(ledger.db, command)
    subjects = [change.subject for change in planned.changes]
    event = ledger.append(UNDONE, f"CMD-{command}", {"command": command, "subjects": subjects})
    ledger.db.execute("INSERT INTO undos (command, undone) VALUES (?, ?)", (event.command, command))
    for change in planned.changes:
        put(ledger.db, change.subject, change.after)
    return planned


def _subjects(event: Event) -> Sequence[str]:
    return event.body["subjects"] if event.kind == UNDONE else (event.subject,)


def _after(db: sqlite3.Connection, subject: str, gone: set[int], moved: set[int]) -> Any:
    """The record without the commands `gone`, where nothing relies on what the commands `moved` did."""
    kind = subject_kind(prefix_of(subject))
    every = events(db, [subject], undone=True)
    left = [event for event in every if event.command not in gone]
    if any(event.kind not in kind.REMARKS for event in every if event.command in moved):
        begun = any(event.command < max(moved) for event in left)
        for event in left:
            if event.command > max(moved) and not (begun and event.kind in kind.REMARKS):
                raise RefusedError(
                    f"{subject} was changed since, by command {event.command} ({event.kind}); "
                    f"undo that first: opsctl undo {event.command}"
                )
    return reduce(kind.apply, left, None)
