"""Which failing checks are one trouble: its root, what that explains, and whether it asks for an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.rooting import root_causes
from opsctl.store.watched import failed_in_a_row, not_theirs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Workspace
    from opsctl.policies import Severity
    from opsctl.records import Standing


class Seen(NamedTuple):
    """What a run saw, for incidents. Times are UTC epoch seconds.

    `known` is what stands now for every check, `changed` what stood before for those of the run where that
    is another state (None: nothing), `roots` the failing check that explains each failing one, or itself.
    """

    workspace: Workspace
    now: float
    known: Mapping[str, Standing]
    changed: Mapping[str, Standing | None]
    roots: Mapping[str, str]


class Trouble(NamedTuple):
    """One root cause: `service` is where it lies, `services` that one first, then those that it explains.

    `checks` are failing ones of `service`, the one to name first; `asking` are all that failed often enough
    for an incident.
    """

    service: str
    services: tuple[str, ...]
    checks: tuple[str, ...]
    asking: tuple[str, ...]


def asking(db: sqlite3.Connection, workspace: Workspace, stands: Mapping[str, Standing]) -> list[str]:
    """Those of the checks that have failed as often in a row as their service's `open_after` says."""
    services = workspace.services
    found = []
    for name, standing in stands.items():
        opening = services[name.partition("/")[0]].incidents
        if opening is None or standing.seen.good or standing.streak < opening.open_after:
            continue
        if not _theirs(standing):
            continue
        if failed_in_a_row(db, name, opening.open_after) >= opening.open_after:
            found.append(name)
    return found


def causes(workspace: Workspace, known: Mapping[str, Standing], now: float) -> dict[str, str]:
    """The failing check that is the root of each failing check of the workspace; by itself where none is."""
    bad = [
        name
        for name, (_, check) in workspace.checks().items()
        if (standing := known.get(name)) and not stale(check, standing, now) and _failing(standing)
    ]
    roots = root_causes(workspace.services, bad)
    return {name: roots.get(name, name) for name in bad}


def troubles(seen: Seen, asked: Collection[str]) -> list[Trouble]:
    """The failing checks by root cause, where one of its services has `incidents:`.

    `asked` is of `asking`. A service is explained once a check of it counts as not good, or asks.
    """
    grouped: dict[str, list[str]] = {}
    for name, root in seen.roots.items():
        grouped.setdefault(_service(root), []).append(name)
    found = []
    for service, names in grouped.items():
        own = [name for name in names if _service(name) == service]
        counted = [name for name in names if name in asked or not seen.known[name].state.good]
        services = dict.fromkeys((service, *(_service(name) for name in counted)))
        if any(seen.workspace.services[name].incidents for name in services):
            asks = tuple(name for name in names if name in asked)
            leading = tuple(name for name in own if name in asked) or (own[0],)
            found.append(Trouble(service, tuple(services), leading, asks))
    return found


def severity_of(workspace: Workspace, services: Sequence[str]) -> Severity:
    """The worst that any of the services asks for: what its `incidents:` say, or else by its tier."""
    from opsctl.policies import policies

    proposals = policies(workspace).incidents.tiers
    asked: list[Severity] = []
    for name in services:
        service = workspace.services[name]
        own = service.incidents.severity if service.incidents else None
        asked.append(own or getattr(proposals, service.tier))
    return min(asked)


def stale(check: CheckDefinition, standing: Standing, now: float) -> bool:
    """Whether the check's last result is too old to speak for `now`."""
    return now - standing.at > check.lapse


def _theirs(standing: Standing) -> bool:
    state = standing.state if standing.seen.good else standing.seen
    return not not_theirs(state, standing.cause)


def _failing(standing: Standing) -> bool:
    return _theirs(standing) and not (standing.state.good and standing.seen.good)


def _service(check: str) -> str:
    return check.partition("/")[0]
