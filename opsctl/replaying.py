"""What today's expectations would have said of what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import ExitCode, worst
from opsctl.moments import moment
from opsctl.rejudging import would_pass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.records import Result


class Replayed(NamedTuple):
    """How a check would have judged its recorded results.

    `good` and `bad` are how many with evidence were up or degraded, or not, when they were recorded; `up`,
    `not_up` and `unclear` what they would be now. `mended` were bad and would be good, `broken` the other way
    round; `incidents` are those in which a changed one lies, `within` how many mended and broken ones do.
    `others` have no evidence, and a stricter expectation may have failed on any of them.
    """

    check: str
    good: int
    bad: int
    up: int
    not_up: int
    unclear: int
    mended: int
    broken: int
    within: tuple[int, int]
    incidents: tuple[str, ...]
    others: int


class Replay(NamedTuple):
    """All checks since a time (UTC epoch seconds)."""

    workspace: str
    since: float
    checks: tuple[Replayed, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where what lay in an incident would now be up, 3 where something could not be told."""
        missed = [ExitCode.NO for one in self.checks if one.within[0]]
        return worst([*missed, *(ExitCode.UNKNOWN for one in self.checks if one.unclear)])


def replay(workspace: Workspace, names: Sequence[str], since: str, now: float) -> Replay:
    """Judge what is recorded of the checks since a time by their expectations; UsageError for a bad time."""
    from opsctl.store.evidenced import evidenced, without_evidence
    from opsctl.store.ledger import records
    from opsctl.store.opening import open_store

    start = moment(since, now, workspace.timezone, "--since")
    known = workspace.checks()
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        others = without_evidence(db, start)
        incidents: list[Incident] = records(db, "INC")
        results = list(evidenced(db, names, start))
    found = (
        _replayed(
            known[name][1],
            [one for one in results if one.check == name],
            [one for one in incidents if known[name][0].id in one.services],
            others.get(name, 0),
        )
        for name in names
    )
    return Replay(workspace.name, start, tuple(found))


def _replayed(
    check: CheckDefinition, results: Sequence[Result], incidents: Sequence[Incident], others: int
) -> Replayed:
    now = [would_pass(check, one) for one in results]
    mended = [one for one, good in zip(results, now, strict=True) if good is True and not one.state.good]
    broken = [one for one, good in zip(results, now, strict=True) if good is False and one.state.good]
    counted = [one for one in incidents if not one.false_alarm]
    good = sum(one.state.good for one in results)
    return Replayed(
        check.name,
        good,
        len(results) - good,
        now.count(True),
        now.count(False),
        now.count(None),
        len(mended),
        len(broken),
        (_within(mended, counted), _within(broken, counted)),
        tuple(one.subject for one in counted if _within([*mended, *broken], [one])),
        others,
    )


def _within(results: Sequence[Result], incidents: Sequence[Incident]) -> int:
    return sum(any(_lasted(one, result.at) for one in incidents) for result in results)


def _lasted(incident: Incident, at: float) -> bool:
    begun = [incident.impact_started, incident.detected, incident.opened]
    ended = incident.impact_ended or incident.resolved or incident.closed
    return min(one for one in begun if one is not None) <= at and (ended is None or at <= ended)
