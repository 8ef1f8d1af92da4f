"""What of every routine is due, overdue, waiting or done, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.attesting import ANYONE
from opsctl.due import times, unmet
from opsctl.errors import ExitCode, OpsctlError, UsageError, worst
from opsctl.prose import line, shorten, suggestion
from opsctl.store.opening import open_store
from opsctl.store.slots import last_slots, open_slots, since

if TYPE_CHECKING:
    import sqlite3

    from opsctl.definitions import Workspace
    from opsctl.ledger.slot import Slot
    from opsctl.routines import Duty, Routine

State = Literal[
    "overdue", "failed", "missed", "due", "waiting", "open", "unseen", "upcoming", "skipped", "done"
]
STATES: tuple[State, ...] = (
    "overdue", "failed", "missed", "due", "waiting", "open", "unseen", "upcoming", "skipped", "done",
)  # fmt: skip
_DAY = 86_400.0
_AHEAD = (2 * _DAY, 40 * _DAY, 400 * _DAY)
_CODES: dict[State, ExitCode] = {
    "overdue": ExitCode.NO,
    "failed": ExitCode.NO,
    "missed": ExitCode.NO,
    "unseen": ExitCode.UNKNOWN,
    "waiting": ExitCode.WAITING,
    "due": ExitCode.WAITING,
}


class Task(NamedTuple):
    """A step that waits: what it is, whose, and why."""

    step: str
    text: str
    who: str
    message: str


class Point(NamedTuple):
    """A routine as it stands. Times are UTC epoch seconds.

    `due` is the time that counts now, `missed` how many before it nobody ran. `slot` is the newest that was
    run. A routine is `unseen` until `opsctl routine run --due` has seen it and its times as they are, and
    `upcoming` until it was due.
    """

    routine: Routine
    state: State
    due: float | None
    missed: int
    slot: Slot | None
    tasks: tuple[Task, ...]
    trouble: str = ""


def routine_named(workspace: Workspace, name: str) -> Routine:
    """The routine of a name; UsageError where there is none."""
    found = workspace.routines.get(name)
    if found is None:
        hint = suggestion(name, workspace.routines) or "; `opsctl routine list` shows what there is"
        raise UsageError(f"no routine is called `{line(shorten(name, 60))}`{hint}")
    return found


def agenda(workspace: Workspace, now: float) -> list[Point]:
    """How every routine stands, what is worst first; StoreError where the store cannot be read."""
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return agenda_in(db, workspace, now)


def agenda_in(db: sqlite3.Connection, workspace: Workspace, now: float) -> list[Point]:
    """As `agenda`, inside a transaction."""
    last, counts = last_slots(db, workspace.routines, now), since(db)
    by_hand = {slot.routine: slot for slot in open_slots(db) if not slot.scheduled}
    found = [
        _with_hand(_point(db, workspace, one, last.get(name), counts.get(name), now), by_hand.get(name), now)
        for name, one in workspace.routines.items()
    ]
    return sorted(found, key=lambda one: STATES.index(one.state))


def next_times(
    workspace: Workspace, db: sqlite3.Connection, routine: Routine, now: float, most: int
) -> list[float]:
    """The next times of a routine, at most so many, within the year to come."""
    found: list[float] = []
    for ahead in _AHEAD:
        found = times(workspace, db, routine, now, now + ahead)
        if len(found) >= most:
            break
    return found[:most]


def exit_code(points: list[Point]) -> ExitCode:
    """1 where something is overdue or failed, 3 for what was never seen to, 4 for what waits, 2 for none."""
    if not points:
        return ExitCode.USAGE
    return worst([_CODES[one.state] for one in points if one.state in _CODES])


def _point(
    db: sqlite3.Connection,
    workspace: Workspace,
    routine: Routine,
    slot: Slot | None,
    counted: tuple[str, float] | None,
    now: float,
) -> Point:
    if counted is None:
        return Point(routine, "unseen", None, 0, slot, ())
    known = counted[0] == routine.when
    try:
        pending = unmet(workspace, db, routine, counted[1], now) if known else []
    except OpsctlError as error:
        return Point(routine, "failed", None, 0, slot, (), line(str(error)))
    if pending:
        state: State = "overdue" if now - pending[0] > routine.plan.grace else "due"
        return Point(routine, state, pending[-1], len(pending) - 1, slot, ())
    if not known and (slot is None or slot.state in {"done", "skipped"}):
        # Its times are others now, and nobody has counted them.
        return Point(routine, "unseen", None, 0, slot, ())
    if slot is None:
        return Point(routine, "upcoming", None, 0, None, ())
    if slot.state == "open":
        return _open(routine, slot, now)
    return Point(routine, slot.state, slot.due, slot.missed, slot, ())


def _with_hand(point: Point, slot: Slot | None, now: float) -> Point:
    """Where nothing else is due of a routine, what waits of it that was begun by hand since its last time."""
    if slot is None or point.state not in {"upcoming", "skipped", "done"}:
        return point
    if point.slot is not None and point.slot.due > slot.due:
        return point
    return _open(point.routine, slot, now)


def _open(routine: Routine, slot: Slot, now: float) -> Point:
    late = now - slot.due > routine.plan.grace
    return Point(routine, "overdue" if late else "waiting", slot.due, slot.missed, slot, tasks(routine, slot))


def tasks(routine: Routine, slot: Slot) -> tuple[Task, ...]:
    """What waits in a slot."""
    found = []
    for duty in routine.plan.steps:
        did = slot.of(duty.id)
        if did is None or did.outcome == "waiting":
            found.append(Task(duty.id, duty.terms.text, _whose(routine, duty), did.message if did else ""))
    return tuple(found)


def _whose(routine: Routine, duty: Duty) -> str:
    """Who does it: whom the step names, then the role that it asks for, then who answers for the routine."""
    role = str(getattr(duty.kind, "role", ANYONE))
    return duty.terms.owner or (role if role != ANYONE else routine.plan.owner) or ANYONE
