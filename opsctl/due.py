"""What of a routine is due: the times since it was last seen to, and what is done about those missed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.schedule_rules import DAYS
from opsctl.schedules import After, Calendar, occurrences, parse
from opsctl.store.slots import counted_by, passed, reached, taken
from opsctl.zones import zone_named

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import tzinfo

    from opsctl.definitions import Workspace
    from opsctl.routines import Routine

# So many are caught up one by one; before them there are only missed ones.
MOST = 100


class Owed(NamedTuple):
    """A time at which a routine was due and is to be run, or to be counted as missed where `run` is False.

    `missed` times before it were missed, from `missed_since` on. Times are UTC epoch seconds.
    """

    due: float
    run: bool
    missed: int = 0
    missed_since: float | None = None


def zone_of(workspace: Workspace, routine: Routine) -> tzinfo:
    """The zone of a routine's times."""
    return zone_named(routine.plan.timezone or workspace.timezone)


def day_of(workspace: Workspace, routine: Routine, at: float) -> str:
    """The date of a time in a routine's zone, as 2026-11-20."""
    return datetime.fromtimestamp(at, zone_of(workspace, routine)).date().isoformat()


def times(
    workspace: Workspace, db: sqlite3.Connection, routine: Routine, since: float, until: float
) -> list[float]:
    """When a routine is due after `since` and up to `until`, in order.

    Raises UsageError where its holidays cannot be read.
    """
    calendar = _calendar(workspace, routine, since, until)
    found: set[float] = set()
    for text in routine.plan.schedule:
        schedule = parse(text)
        if isinstance(schedule, After):
            events = passed(db, schedule.noun, schedule.name)
            found |= {at + schedule.wait for at in events if since < at + schedule.wait <= until}
        else:
            found |= set(occurrences(schedule, calendar, since, until))
    return sorted(found)


def unmet(
    workspace: Workspace, db: sqlite3.Connection, routine: Routine, counts: float, now: float
) -> list[float]:
    """When a routine was due up to `now` and nobody saw to it; its schedule counts since `counts`.

    Raises UsageError as `times` does.
    """
    since = seen_until(db, routine, counts, now)
    gone = taken(db, routine.id, since)
    return [one for one in times(workspace, db, routine, since, now) if one not in gone]


def seen_until(db: sqlite3.Connection, routine: Routine, counts: float, now: float) -> float:
    """Up to when a routine was seen to, which is where its schedule begins to count at the least."""
    return max(counts, reached(db, routine.id, now) or counts)


def owed(routine: Routine, found: Sequence[float], now: float) -> list[Owed]:
    """What to do about the times that passed since the routine was last seen to, by its `catch_up`."""
    if not found:
        return []
    if routine.plan.catch_up == "each":
        first, rest = found[:-MOST], found[-MOST:]
        missed = [_last_of(first, run=False)] if first else []
        return [*missed, *(Owed(one, run=True) for one in rest)]
    run = routine.plan.catch_up == "once" or now - found[-1] <= routine.plan.grace
    return [_last_of(found, run=run)]


def forgone(
    workspace: Workspace, db: sqlite3.Connection, routine: Routine, counts: float, now: float
) -> list[Owed]:
    """What a routine owed by the schedule that it had before it was edited: nobody will run it any more."""
    kept = counted_by(db, routine.id)
    if kept is None:
        return []
    schedule, timezone, starts = json.loads(kept)
    plan = replace(routine.plan, schedule=tuple(schedule), timezone=timezone, starts=starts)
    found = unmet(workspace, db, replace(routine, plan=plan), counts, now)
    return [_last_of(found, run=False)] if found else []


def kept_schedule(routine: Routine) -> str:
    """A routine's schedule as it is stored for `forgone`."""
    return json.dumps([routine.plan.schedule, routine.plan.timezone, routine.plan.starts])


def _last_of(found: Sequence[float], *, run: bool) -> Owed:
    since = found[0] if len(found) > 1 else None
    return Owed(found[-1], run, missed=len(found) - 1, missed_since=since)


def _calendar(workspace: Workspace, routine: Routine, since: float, until: float) -> Calendar:
    plan, zone = routine.plan, zone_of(workspace, routine)
    free: frozenset[date] = frozenset()
    if plan.holidays is not None:
        from opsctl.holidays import read_holidays

        first, last = (datetime.fromtimestamp(at, zone).year for at in (since, until))
        try:
            text = (workspace.root / plan.holidays).read_text("utf-8")
            free = read_holidays(text, first - 1, last + 1)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"routine {routine.id}: the holidays {plan.holidays} cannot be read: {error}"
            ) from error
    return Calendar(
        zone=zone,
        working_days=frozenset(DAYS.index(day) for day in plan.working_days),
        holidays=free,
        on_holiday=plan.on_holiday,
        gap=plan.gap,
        overlap=plan.overlap,
        starts=date.fromisoformat(plan.starts or "1970-01-05"),
    )
