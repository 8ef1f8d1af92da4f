"""Undo a command: its events stay, and count no more."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.errors import RefusedError, UsageError
from opsctl.ledger import subject_kind
from opsctl.ledger.events import UNDONE, prefix_of, undone_commands
from opsctl.store.ledger import events, get, put, undos
from opsctl.store.relying import require_free_keys, require_what_is_named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from opsctl.ledger.events import Event
    from opsctl.store.ledger import Ledger


class Change(NamedTuple):
    """What undoing does to one subject; None is where it is not there."""

    subject: str
    before: Any
    after: Any


class Undo(NamedTuple):
    """What undoing one command does: the events that count no more, those that count again, what changes."""

    command: int
    events: tuple[Event, ...]
    restored: tuple[Event, ...]
    changes: tuple[Change, ...]


class _Turn(NamedTuple):
    """The undone commands before and after an undo, of `{undoing: undone}` commands."""

    undos: Mapping[int, int]
    before: set[int]
    after: set[int]

    @property
    def moved(self) -> set[int]:
        """The commands that counted and do no more, or the other way round."""
        return self.before ^ self.after


# What was run and what a gate decided is evidence, and no decision that could have been another.
_FACTS = frozenset({"RUN", "GATE"})


def last_command(db: sqlite3.Connection, actor: str) -> int | None:
    """The last command of `actor` that counts and can be undone, and is no undo itself; None for none."""
    gone = undone_commands(undos(db))
    rows = db.execute(
        "SELECT command FROM events WHERE actor = ? AND kind <> ?"
        " AND kind NOT GLOB 'run.*' AND kind NOT GLOB 'gate.*' ORDER BY id DESC",
        (actor, UNDONE),
    )
    return next((command for (command,) in rows if command not in gone), None)


def plan(db: sqlite3.Connection, command: int) -> Undo:
    """What undoing `command` would do.

    Raises UsageError where there is no such command or it was undone already, RefusedError where what
    was done since relies on it, or where what it would bring back relies on what is no more.
    """
    known = events(db, command=command, undone=True)
    if not known:
        raise UsageError(f"there is no command {command}; `opsctl log` lists them")
    if any(prefix_of(event.subject) in _FACTS for event in known):
        raise RefusedError(f"command {command} recorded what really happened, which nobody can undo")
    turn = _turn(undos(db), command)
    if command in turn.before:
        by = max(one for one, undone in turn.undos.items() if undone == command and one not in turn.before)
        raise UsageError(f"command {command} was undone already; `opsctl undo {by}` brings it back")
    taken, restored = _events(db, turn.after - turn.before), _events(db, turn.before - turn.after)
    subjects = dict.fromkeys(event.subject for event in taken + restored if event.kind != UNDONE)
    changes = tuple(Change(subject, get(db, subject), _after(db, subject, turn)) for subject in subjects)
    afterwards = {change.subject: change.after for change in changes}
    require_what_is_named(db, afterwards, restored)
    require_free_keys(db, afterwards)
    return Undo(command, taken, restored, changes)


def undo(ledger: Ledger, command: int) -> tuple[Event, Undo]:
    """Undo `command` by an event of its own, which may be undone in turn; raises as `plan`."""
    planned = plan(ledger.db, command)
    subjects = [change.subject for change in planned.changes]
    event = ledger.append(UNDONE, f"CMD-{command}", {"command": command, "subjects": subjects})
    ledger.db.execute("INSERT INTO undos (command, undone) VALUES (?, ?)", (event.command, command))
    for change in planned.changes:
        put(ledger.db, change.subject, change.after)
    return event, planned


def _turn(known: Mapping[int, int], command: int) -> _Turn:
    next_one = max(command, *known) + 1 if known else command + 1
    return _Turn(known, undone_commands(known), undone_commands({**known, next_one: command}))


def _events(db: sqlite3.Connection, commands: set[int]) -> tuple[Event, ...]:
    return tuple(event for one in sorted(commands) for event in events(db, command=one, undone=True))


def _after(db: sqlite3.Connection, subject: str, turn: _Turn) -> Any:
    """The record as it will follow from its events; RefusedError where that is not what was decided on."""
    kind = subject_kind(prefix_of(subject))
    every = events(db, [subject], undone=True)
    touched = [event for event in every if event.command in turn.moved]
    left = [event for event in every if event.command not in turn.after]
    at = touched[0].command
    decisive = any(event.kind not in kind.REMARKS for event in touched)
    if decisive:
        begun = bool(left) and left[0].command <= at
        _require_last(subject, at, left, kind.REMARKS if begun else frozenset())
    if at not in turn.after and (decisive or left[0].command == at):
        _require_same_ground(subject, at, [event for event in every if event.kind not in kind.REMARKS], turn)
    return reduce(kind.apply, left, None)


def _require_last(subject: str, at: int, left: Sequence[Event], remarks: frozenset[str]) -> None:
    """Nothing that counts may have been decided after it, nor remarked where the record begins with it."""
    for event in reversed(left):
        if event.command > at and event.kind not in remarks:
            raise RefusedError(
                f"{subject} was changed since, by command {event.command} ({event.kind}); "
                f"undo that first: opsctl undo {event.command}"
            )


def _require_same_ground(subject: str, at: int, decided: Sequence[Event], turn: _Turn) -> None:
    """What comes back was decided on what counted then; that must count now, and nothing else."""
    gone_then = undone_commands({one: undone for one, undone in turn.undos.items() if one < at})
    for event in decided:
        command = event.command
        if command < at and (command in gone_then) != (command in turn.after):
            by = max(
                one for one, undone in turn.undos.items() if one > at and _leads(turn.undos, one, command)
            )
            raise RefusedError(
                f"{subject} is no longer as it was before command {at}: command {command} ({event.kind}) was "
                f"{'undone' if command in turn.after else 'brought back'} since, by command {by}; "
                f"undo that first: opsctl undo {by}"
            )


def _leads(known: Mapping[int, int], one: int, command: int) -> bool:
    """Whether the undo `one` undoes `command`, or an undo of it."""
    while one in known:
        one = known[one]
    return one == command
