"""What a workspace declares: services and their checks, frozen, as the YAML says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checklists import Checklist
    from opsctl.checks import Check
    from opsctl.expectations import Expectation
    from opsctl.freezes import Freeze
    from opsctl.places import Located
    from opsctl.policies import Backlog, Incidents, Objectives, Opening, Remedy, Reviews
    from opsctl.routines import Routine
    from opsctl.runbooks import Runbook
    from opsctl.windows import Window

Tier = Literal["critical", "high", "normal", "low"]
TIERS: tuple[Tier, ...] = ("critical", "high", "normal", "low")


class CheckDefinition(NamedTuple):
    """One probe of a service and what is expected of it. Times are seconds.

    `timeout` bounds one attempt, so the whole check ends within `deadline`. `every` is how often
    results are expected: a result that is older than `lapse` says nothing about now. `excused` are faults
    that it need not catch, with the reason.
    """

    name: str
    type: str
    kind: Check
    expect: tuple[Expectation, ...]
    warn: tuple[Expectation, ...]
    wanted: frozenset[str]
    timeout: float
    retries: int
    retry_delay: float
    retry_on: Literal["transport", "any"]
    fail_after: int
    ok_after: int
    every: float
    title: str
    runbook: str | None
    remedy: Remedy | None = None
    excused: Mapping[str, str] = MappingProxyType({})

    @property
    def deadline(self) -> float:
        """The most seconds that all attempts together take."""
        return self.timeout * (self.retries + 1) + self.retry_delay * self.retries

    @property
    def lapse(self) -> float:
        """Seconds after which a result no longer speaks for the present: one missed run is forgiven."""
        return self.every * 2


@dataclass(frozen=True)
class Service:
    """A thing we operate."""

    id: str
    title: str
    owner: str | None
    tier: Tier
    tags: tuple[str, ...]
    depends_on: tuple[str, ...]
    runbook: str | None
    checks: tuple[CheckDefinition, ...]
    incidents: Opening | None = None
    objectives: Objectives | None = None


class Retention(NamedTuple):
    """How long the store keeps what, in seconds; failures at least as long as passes."""

    passes: float = 30 * 86400.0
    failures: float = 400 * 86400.0
    rollups: float = 1100 * 86400.0


@dataclass(frozen=True)
class Workspace:
    """Everything a workspace declares; `root` is its folder, `store` its store's file.

    `files` are what it was read from, the root first, and `include` the globs of the others.
    """

    name: str
    root: Path
    store: Path
    timezone: str
    services: Mapping[str, Service]
    retention: Retention
    files: tuple[Path, ...]
    include: tuple[str, ...] = ()
    incidents: Incidents | None = None
    reviews: Reviews | None = None
    backlog: Backlog | None = None
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signers: str | None = None
    checklists: Mapping[str, Checklist] = field(default_factory=dict)
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)
    freezes: Mapping[str, Freeze] = field(default_factory=dict)
    docs: tuple[Located, ...] = ()
    routines: Mapping[str, Routine] = field(default_factory=dict)
    maintenance: Mapping[str, Window] = field(default_factory=dict)

    def checks(self) -> dict[str, tuple[Service, CheckDefinition]]:
        """Every check by name, in the order of the workspace."""
        return {
            check.name: (service, check) for service in self.services.values() for check in service.checks
        }
