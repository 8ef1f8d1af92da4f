"""What a workspace asks of its people: response targets, reviews, the backlog; all has a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from opsctl.limits import Between, Doc, Name, NotEmpty, Percent, Seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.definitions import Workspace

HOUR = 3600.0
DAY = 24 * HOUR
_Span = Between(60, 31_536_000)
Severity = Literal["sev1", "sev2", "sev3", "sev4"]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """How soon people act on an incident of one severity; what is left out is as by default."""

    acknowledge: Annotated[Seconds | None, _Span, Doc("From detected to acknowledged.")] = None
    recover: Annotated[Seconds | None, _Span, Doc("From the start of the impact to its end.")] = None
    update: Annotated[Seconds | None, _Span, Doc("From one word to others to the next.")] = None
    review: Annotated[Seconds | None, _Span, Doc("From resolved to the review submitted.")] = None


@dataclass(frozen=True, kw_only=True)
class Severities:
    """The response targets of each severity."""

    sev1: Targets = Targets(acknowledge=900.0, recover=HOUR, update=1800.0, review=48 * HOUR)
    sev2: Targets = Targets(acknowledge=1800.0, recover=4 * HOUR, update=HOUR, review=48 * HOUR)
    sev3: Targets = Targets(acknowledge=4 * HOUR, recover=2 * DAY, update=DAY)
    sev4: Targets = Targets(acknowledge=DAY, recover=7 * DAY)


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """The severity that is proposed for an incident, by the worst tier of its services."""

    critical: Severity = "sev1"
    high: Severity = "sev2"
    normal: Severity = "sev3"
    low: Severity = "sev4"


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """How incidents are handled."""

    severities: Annotated[Severities, Doc("The response targets by severity.")] = field(
        default_factory=Severities
    )
    tiers: Annotated[Proposals, Doc("The severity that is proposed by the tier of the services.")] = field(
        default_factory=Proposals
    )
    roles: Annotated[tuple[Name, ...], NotEmpty(), Doc("The roles that people may take.")] = (
        "commander",
        "scribe",
        "communications",
        "operations",
    )
    healthy_for: Annotated[
        Seconds, Between(0, 604_800), Doc("How long the checks must have been up before `resolve`.")
    ] = 300.0


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """How post-incident reviews are written and when they are due."""

    folder: Annotated[str, NotEmpty(), Doc("Where drafts are kept, below the workspace.")] = "reviews"
    days: Annotated[
        Literal["calendar", "business"], Doc("Whether Saturdays and Sundays count towards the due time.")
    ] = "calendar"
    whys: Annotated[int, Between(1, 10), Doc("How many whys lint asks for.")] = 5
    verbs: Annotated[
        tuple[str, ...], Doc("Words that actions may begin with, beside those that lint knows.")
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How improvements are planned and proven."""

    share: Annotated[Percent, Between(0, 100), Doc("The part of an iteration for operational work.")] = 20.0
    iteration: Annotated[Seconds, Between(DAY, 90 * DAY), Doc("How long an iteration is.")] = 14 * DAY
    low_effort: Annotated[
        Seconds, Between(HOUR, 90 * DAY), Doc("Up to this much work an effort is low; 8h are a day's work.")
    ] = 16 * HOUR
    verify_after: Annotated[
        Seconds, Between(HOUR, 366 * DAY), Doc("How long after `done` the measure is taken again.")
    ] = 28 * DAY


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All of it, as the workspace says or by default."""

    incidents: Incidents = Incidents()
    reviews: Reviews = Reviews()
    backlog: Backlog = Backlog()


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Incidents that a service's checks open by themselves."""

    open_after: Annotated[int, Between(1, 100), Doc("Failures in a row of one check.")] = 2
    severity: Annotated[Severity | None, Doc("By default what its tier proposes.")] = None
    resolve: Annotated[bool, Doc("Whether it is resolved by itself when the checks are well again.")] = False


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A runbook that is run when a check is down, within limits; the outage counts all the same."""

    runbook: Annotated[Name, Doc("Which; a step of it that asks a person ends it.")]
    parameters: Annotated[Mapping[str, str], Doc("What it is told.")] = field(default_factory=dict)
    steps: Annotated[tuple[Name, ...], Doc("Only these of its steps; all by default.")] = ()
    attempts: Annotated[int, Between(1, 20), Doc("How often at most within a time.")] = 2
    within: Annotated[Seconds, Between(60, 30 * DAY), Doc("The time that attempts are counted in.")] = DAY
    cooldown: Annotated[Seconds, Between(0, DAY), Doc("From the end of one attempt to the next.")] = 600.0


@dataclass(frozen=True, kw_only=True)
class Objectives:
    """What is promised of a service, for reports."""

    availability: Annotated[Percent | None, Between(0, 100), Doc("The share of the time, as `99.9%`.")] = None
    p95: Annotated[Seconds | None, Between(0.0001, 3600), Doc("95 of 100 answers come this soon.")] = None
    period: Annotated[Seconds, Between(DAY, 366 * DAY), Doc("Over which time.")] = 30 * DAY

    def problems(self) -> Iterator[tuple[str, str]]:
        """An objective has a figure."""
        if self.availability is None and self.p95 is None:
            yield "availability", "an objective is missing; add `availability: 99.9%` or `p95: 300ms`"


def policies(workspace: Workspace) -> Policies:
    """What the workspace asks, with the default for each section that it does not have."""
    sections = {
        name: value
        for name in ("incidents", "reviews", "backlog")
        if (value := getattr(workspace, name)) is not None
    }
    return Policies(**sections)


def targets(policy: Incidents, severity: str) -> Targets:
    """The response targets of a severity: what the workspace says, and the defaults for the rest."""
    own: Targets = getattr(policy.severities, severity)
    default: Targets = getattr(Severities(), severity)
    names = ("acknowledge", "recover", "update", "review")
    return Targets(**{name: _first(getattr(own, name), getattr(default, name)) for name in names})


def _first(own: float | None, default: float | None) -> float | None:
    return default if own is None else own
