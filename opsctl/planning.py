"""Plan: begin an iteration, take items into it, and see what it carries then."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl import improving
from opsctl.errors import UsageError
from opsctl.hours import hours
from opsctl.iterations import Planned, begin, chosen, loads

if TYPE_CHECKING:
    from opsctl.definitions import Workspace
    from opsctl.store.ledger import Ledger


class New(NamedTuple):
    """An iteration that begins; times are UTC epoch seconds, `share` is a percentage."""

    title: str
    starts: float
    ends: float | None
    capacity: str
    share: float | None


class Plan(NamedTuple):
    """What is to be planned: items by their names, into which iteration, or into a new one."""

    items: tuple[str, ...]
    iteration: str | None
    new: New | None


def carry_out(ledger: Ledger, workspace: Workspace, plan: Plan) -> Planned:
    """Do what the plan says, and answer what every iteration carries then.

    Raises UsageError where it names what is not there, and RefusedError for items that cannot be planned.
    """
    if plan.new and plan.iteration:
        raise UsageError("`--new` begins the iteration that the items go into; leave `--iteration` out")
    target = chosen(ledger.db, plan.iteration, ledger.recorded) if plan.iteration else None
    if plan.new:
        new = plan.new
        share = None if new.share is None else new.share / 100
        work = hours(new.capacity, "--capacity")
        target = begin(ledger, workspace, new.title, new.starts, new.ends, work, share)
    elif plan.items and not plan.iteration:
        raise UsageError("which iteration is missing; add `--iteration next`, or `--new TITLE`")
    for name in plan.items:
        improving.plan(ledger, improving.found(ledger, name), target)
    return Planned(workspace.name, workspace.timezone, ledger.recorded, loads(ledger.db))
