"""What makes routines fail to be seen to: nobody's tasks, times that pile up, a grace that never ends."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from opsctl.due import times
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.definitions import Workspace
    from opsctl.routines import Routine

_WEEK = 7 * 86_400.0
_PILE = 5
_MANY = 7


class Finding(NamedTuple):
    """Something to mend in one routine."""

    routine: str
    rule: str
    message: str


def findings(workspace: Workspace, now: float) -> list[Finding]:
    """Everything, in the order of the workspace; StoreError where the store cannot be read."""
    upcoming: Counter[float] = Counter()
    found: list[Finding] = []
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        for routine in workspace.routines.values():
            ahead = times(workspace, db, routine, now, now + _WEEK)
            upcoming.update(set(ahead))
            found += _of(routine, ahead)
        for routine in workspace.routines.values():
            ahead = times(workspace, db, routine, now, now + _WEEK)
            if any(upcoming[at] > _PILE for at in ahead):
                words = f"more than {_PILE} routines are due at the same minute; spread them"
                found.append(Finding(routine.id, "pile-up", words))
    return found


def _of(routine: Routine, ahead: list[float]) -> Iterator[Finding]:
    plan = routine.plan
    people = [duty for duty in plan.steps if duty.kind.ANSWERED]
    nobody = [duty.id for duty in people if routine.owner_of(duty) is None and _role(duty.kind) == "anyone"]
    if nobody:
        words = f"nobody answers for {', '.join(nobody)}; name an `owner` or a role"
        yield Finding(routine.id, "no-owner", words)
    if len(people) > _MANY:
        words = f"{len(people)} tasks for people in one routine; nobody reads more than {_MANY} with care"
        yield Finding(routine.id, "too-many-tasks", words)
    apart = [after - before for before, after in pairwise(ahead)]
    if apart and plan.grace >= min(apart):
        words = "its `grace` is longer than the time to the next, so that it is never overdue"
        yield Finding(routine.id, "grace", words)
    if not any(duty.terms.required for duty in plan.steps):
        yield Finding(routine.id, "nothing-required", "no step is required, so that it shows nothing")


def _role(kind: object) -> str:
    return str(getattr(kind, "role", "anyone"))
