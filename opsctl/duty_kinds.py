"""The kinds of steps that routines have: one file each, one line here each.

A kind is a frozen dataclass whose fields are its YAML, with the one function that does it. It is imported
only when a routine uses it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.slot import Did, Outcome
    from opsctl.step_kinds import Effect
    from opsctl.world import World

DUTIES: Mapping[str, str] = {
    "check": "CheckDuty",
    "checklist": "ChecklistDuty",
    "runbook": "RunbookDuty",
    "report": "ReportDuty",
    "review": "ReviewDuty",
    "run": "RunDuty",
    "sign": "SignDuty",
    "search": "SearchDuty",
    "backup": "BackupDuty",
    "prune": "PruneDuty",
}


class Occasion(NamedTuple):
    """What a step is given: all it may know beside its own fields.

    `due` is when its routine was due, `since` when it was due before that (UTC epoch seconds), `day` the date
    of `due` in the routine's zone. `before` is what became of the step the last time it was asked for the
    same slot, `timeout` (seconds) what bounds it.
    """

    workspace: Workspace
    world: World
    routine: str
    step: str
    due: float
    since: float
    day: str
    timeout: float
    before: Did | None


class Came(NamedTuple):
    """What came of it, in one line; `link` names what it made or began. `waiting` is for a person."""

    outcome: Outcome
    message: str
    link: str | None = None


class Duty(Protocol):
    """What every kind is; see CONTRIBUTING.md for adding one."""

    SHORTHAND: ClassVar[str]
    """The field that a plain text or list in place of the mapping fills; empty where there is none."""
    EFFECT: ClassVar[Effect]
    """Whether it may be done again where it was interrupted halfway: what reads may."""
    ANSWERED: ClassVar[bool]
    """Whether `opsctl routine done` answers it where it waits; else it is asked again later."""
    NAMES: ClassVar[Mapping[str, str]] = {}
    """Which fields name a `check`, `checklist` or `runbook`, which have to be there when it is loaded."""

    def perform(self, occasion: Occasion) -> Came:
        """Do it once; OpsctlError where it cannot be done."""
        ...


def duty_named(name: str) -> Any:
    """The class of the kind called `name`, one of `DUTIES`; KeyError for any other name."""
    return getattr(import_module(f"opsctl.duties.{name}"), DUTIES[name])
