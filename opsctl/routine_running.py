"""Run what is due: every step is kept when it has ended, so that none is done twice."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.acting import actor_of
from opsctl.due import Owed, day_of, forgone, kept_schedule, owed, unmet
from opsctl.duty_kinds import Came, Occasion
from opsctl.errors import OpsctlError, RefusedError, StoreError, UsageError
from opsctl.leasing import held, lease_for
from opsctl.prose import line
from opsctl.store.ledger import Ledger, deciding, get
from opsctl.store.opening import open_store
from opsctl.store.slots import (
    Lease,
    begin_counting,
    due_before,
    give_back,
    last_slot,
    last_slots,
    lease_of,
    since,
    take,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.slot import Slot
    from opsctl.routines import Duty, Routine
    from opsctl.store.opening import Store
    from opsctl.world import World

_URGENCY = ("critical", "high", "normal", "low")
_CLOSED = {"reason": "the next came before it was done"}
_INTERRUPTED = "it was interrupted halfway, and nobody knows whether it was done"


class Ran(NamedTuple):
    """What became of a routine: its slot as it stands, what went on in it now, and what kept it from that."""

    routine: str
    slot: Slot | None
    news: tuple[tuple[str, Came], ...] = ()
    trouble: str = ""


class Work(NamedTuple):
    """What it takes to run routines; `show` is told how each step went."""

    workspace: Workspace
    world: World
    store: Store
    show: Callable[[str, str, Came], None]
    began: float

    def now(self) -> float:
        """UTC epoch seconds."""
        return self.world.now + time.monotonic() - self.began


def run_due(
    workspace: Workspace, world: World, only: str | None, show: Callable[[str, str, Came], None]
) -> list[Ran]:
    """Run every routine that is due, or `only` one, the most urgent first; one's trouble is no other's."""
    wanted = [one for name, one in workspace.routines.items() if only in (None, name)]
    wanted.sort(key=lambda one: _URGENCY.index(one.plan.priority))
    with open_store(workspace.store, write=True) as store:
        work = Work(workspace, world, store, show, time.monotonic())
        return [found for routine in _needy(work, wanted) for found in _seen_to(work, routine)]


def run_now(
    workspace: Workspace, world: World, routine: Routine, show: Callable[[str, str, Came], None]
) -> list[Ran]:
    """Run a routine by hand: what is due of it, else once more beside its times.

    Raises RefusedError where another process is on it.
    """
    with open_store(workspace.store, write=True) as store:
        work = Work(workspace, world, store, show, time.monotonic())
        due = _seen_to(work, routine)
        if due:
            return due
        with deciding(store, actor_of(world), world.now) as ledger:
            if held(lease_of(ledger.db, routine.id), world, work.now()):
                raise RefusedError(f"another process is on {routine.id}; wait for it")
            take(ledger.db, lease_for(world, work.now(), routine.id, world.now))
        with _leased(work, routine):
            return [_slot(work, routine, Owed(world.now, run=True), scheduled=False)]


def _needy(work: Work, routines: Sequence[Routine]) -> list[Routine]:
    """Those for which there may be something to do: with nothing due, cron's run writes nothing."""
    with work.store.reading() as db:
        last = last_slots(db, [one.id for one in routines], work.world.now)
        counts = since(db)
        return [one for one in routines if _needs(work, db, one, last.get(one.id), counts.get(one.id))]


def _needs(
    work: Work, db: sqlite3.Connection, routine: Routine, last: Slot | None, counts: tuple[str, float] | None
) -> bool:
    if counts is None or counts[0] != routine.when:
        return True
    if last is not None and last.state == "open" and any(True for _ in _left(routine, last)):
        return True
    try:
        return bool(unmet(work.workspace, db, routine, counts[1], work.world.now))
    except Exception:  # noqa: BLE001 - as below
        # What is wrong is told where it is seen to.
        return True


def _seen_to(work: Work, routine: Routine) -> list[Ran]:
    try:
        return list(_due(work, routine))
    except StoreError:
        raise
    except (OpsctlError, OSError, ValueError) as error:
        return [Ran(routine.id, None, (), line(str(error)))]
    except Exception as error:  # noqa: BLE001 - a fault of opsctl in one routine keeps no other from its time
        return [Ran(routine.id, None, (), f"the routine itself failed: {_fault(error)}")]


def _due(work: Work, routine: Routine) -> Iterator[Ran]:
    with deciding(work.store, actor_of(work.world), work.world.now) as ledger:
        if held(lease_of(ledger.db, routine.id), work.world, work.now()):
            return
        last = last_slot(ledger.db, routine.id, work.world.now)
        pending = _pending(work, ledger, routine)
        unfinished = last is not None and last.state == "open"
        if not pending and not unfinished:
            return
        left = lease_of(ledger.db, routine.id)
        # What was begun is not forgotten before it is kept.
        due, step = (left.due, left.step) if left is not None else (0.0, None)
        take(ledger.db, lease_for(work.world, work.now(), routine.id, due, step))
    with _leased(work, routine):
        if last is not None and unfinished and not pending:
            yield from _continued(work, routine, last, left)
        for one in pending:
            if last is not None and last.state == "open":
                yield Ran(routine.id, _told(work, last.subject, "routine.missed", _CLOSED))
            ran = _slot(work, routine, one) if one.run else _missed(work, routine, one)
            last = ran.slot
            yield ran


@contextmanager
def _leased(work: Work, routine: Routine) -> Iterator[None]:
    """While the block runs, nobody else works on the routine.

    Where a signal or an error ends it, the lease stays as a dead process's does: it says what was begun.
    """
    yield
    with deciding(work.store, actor_of(work.world), work.now()) as ledger:
        give_back(ledger.db, lease_for(work.world, work.now(), routine.id, 0.0))


def _pending(work: Work, ledger: Ledger, routine: Routine) -> list[Owed]:
    """What is owed since the last slot, or since the schedule counts."""
    now = work.world.now
    digest, counts = since(ledger.db).get(routine.id, ("", now))
    if digest != routine.when:
        found = forgone(work.workspace, ledger.db, routine, counts, now)
        begin_counting(ledger.db, routine.id, routine.when, kept_schedule(routine), now)
        return found
    return owed(routine, unmet(work.workspace, ledger.db, routine, counts, now), now)


def _continued(work: Work, routine: Routine, slot: Slot, left: Lease | None) -> Iterator[Ran]:
    """A slot that waits: what a dead process left is done, and what waits is asked again."""
    halfway = left.step if left is not None and left.due == slot.due else None
    if found := tuple(_steps(work, routine, slot, halfway)):
        yield Ran(routine.id, _kept(work, slot.subject), found)


def _slot(work: Work, routine: Routine, one: Owed, *, scheduled: bool = True) -> Ran:
    head = head_of(routine, one.due, scheduled=scheduled)
    if one.missed:
        head |= {"missed": one.missed, "missed_since": one.missed_since}
    with deciding(work.store, actor_of(work.world), work.now()) as ledger:
        name = ledger.name("RTN")
        ledger.append("routine.due", name, {"slot": head})
        slot: Slot = ledger.get(name)
    found = tuple(_steps(work, routine, slot, None))
    return Ran(routine.id, _kept(work, name), found)


def _kept(work: Work, subject: str) -> Slot:
    with work.store.reading() as db:
        slot: Slot = get(db, subject)
    return slot


def head_of(routine: Routine, due: float, *, scheduled: bool = True) -> dict[str, Any]:
    """What a new slot begins with."""
    return {
        "routine": routine.id,
        "due": due,
        "digest": routine.digest,
        "steps": [duty.id for duty in routine.plan.steps],
        "needed": [duty.id for duty in routine.plan.steps if duty.terms.required],
        "scheduled": scheduled,
    }


def _missed(work: Work, routine: Routine, one: Owed) -> Ran:
    head = head_of(routine, one.due) | {"missed": one.missed, "missed_since": one.missed_since}
    with deciding(work.store, actor_of(work.world), work.now()) as ledger:
        name = ledger.name("RTN")
        body = {"slot": head, "reason": "nobody ran it in time"}
        ledger.append("routine.missed", name, body)
        return Ran(routine.id, ledger.get(name))


def _steps(work: Work, routine: Routine, slot: Slot, halfway: str | None) -> Iterator[tuple[str, Came]]:
    """Do every step that is not done, and ask again what waits and answers for itself.

    `halfway` is the step that a process was at when it died.
    """
    # What was begun is kept as that first, as the lease that says so is renewed by every other step.
    for duty in sorted(_left(routine, slot), key=lambda one: one.id != halfway):
        known = slot.of(duty.id)
        if known is None and duty.id == halfway and duty.kind.EFFECT == "change":
            came = Came("unknown", _INTERRUPTED)
        else:
            came = _performed(work, routine, slot, duty)
        if known is not None and (known.outcome, known.message) == (came.outcome, came.message):
            continue
        body = {"step": duty.id, "outcome": came.outcome, "message": came.message, "link": came.link}
        slot = _told(work, slot.subject, "routine.did", body)
        work.show(routine.id, duty.id, came)
        yield duty.id, came
        if slot.left_out:
            return


def _left(routine: Routine, slot: Slot) -> Iterator[Duty]:
    """What is not done, and what waits and answers for itself."""
    for duty in routine.plan.steps:
        known = slot.of(duty.id)
        asked_again = known is not None and known.outcome == "waiting" and not duty.kind.ANSWERED
        if duty.id in slot.steps and (known is None or asked_again):
            yield duty


def _performed(work: Work, routine: Routine, slot: Slot, duty: Duty) -> Came:
    with deciding(work.store, actor_of(work.world), work.now()) as ledger:
        before = _before(ledger, routine, slot)
        timeout = duty.terms.timeout
        take(ledger.db, lease_for(work.world, work.now(), routine.id, slot.due, duty.id, timeout))
    occasion = Occasion(
        workspace=work.workspace,
        world=work.world,
        routine=routine.id,
        step=duty.id,
        due=slot.due,
        since=before,
        day=day_of(work.workspace, routine, slot.due),
        timeout=duty.terms.timeout,
        before=slot.of(duty.id),
    )
    try:
        return duty.kind.perform(occasion)
    except UsageError as error:
        return Came("unknown", line(str(error)))
    except (OpsctlError, OSError, ValueError) as error:
        return Came("failed", line(str(error)))
    except Exception as error:  # noqa: BLE001 - a step that is kept as failed is not begun anew by every run
        return Came("failed", f"the step itself failed: {_fault(error)}")


def _fault(error: Exception) -> str:
    return f"{type(error).__name__}: {line(str(error))[:200]}; please report this"


def _before(ledger: Ledger, routine: Routine, slot: Slot) -> float:
    """When it was due before, or a day ago."""
    before = due_before(ledger.db, routine.id, slot.due)
    return slot.due - 86_400.0 if before is None else before


def _told(work: Work, subject: str, kind: str, body: Mapping[str, Any]) -> Slot:
    with deciding(work.store, actor_of(work.world), work.now()) as ledger:
        ledger.append(kind, subject, body)
        slot: Slot = ledger.get(subject)
    return slot
