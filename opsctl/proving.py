"""Mutation testing for checks: the failures that a check would still call up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.faults import faults_of, touches
from opsctl.judging import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.faults import Fault


class Survivor(NamedTuple):
    """A fault that a check would still call up, and what would catch it; `excuse` is why it may."""

    fault: str
    text: str
    cure: str
    excuse: str | None


class Proof(NamedTuple):
    """What a check does about synthetic failures.

    `idle` are excuses for what does not survive, or does not exist: they can go.
    """

    check: str
    faults: int
    survivors: tuple[Survivor, ...]
    idle: tuple[str, ...]

    @property
    def blind(self) -> tuple[Survivor, ...]:
        """The survivors that nobody excused."""
        return tuple(one for one in self.survivors if one.excuse is None)


def prove(workspace: Workspace, names: Sequence[str]) -> list[Proof]:
    """Judge each check by the faults of its type; nothing is sent anywhere, and nothing is recorded."""
    known = workspace.checks()
    return [_proof(known[name][1]) for name in names]


def caught(check: CheckDefinition, fault: Fault) -> bool:
    """Whether the check would not be up. What a fault leaves open is taken to be as expected."""
    expectations = (*check.expect, *check.warn)
    if fault.failure is None:
        expectations = tuple(one for one in expectations if touches(fault, one))
    return any(judge(one, fault.values).verdict is not True for one in expectations)


def _proof(check: CheckDefinition) -> Proof:
    faults = faults_of(check.type, check.kind, check.timeout)
    found = [fault for fault in faults if not caught(check, fault)]
    survivors = tuple(Survivor(one.name, one.text, one.cure, check.excused.get(one.name)) for one in found)
    names = {one.name for one in found}
    idle = tuple(name for name in check.excused if name not in names)
    return Proof(check.name, len(faults), survivors, idle)
