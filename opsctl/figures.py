"""Figures from the store: which rows count, which are left out and why, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl import metrics
from opsctl.errors import UsageError
from opsctl.formulas import definition_of, quantile
from opsctl.outcome import Kind
from opsctl.prose import count, ticked
from opsctl.units import show
from opsctl.uptimes import course_of, failures, meant, outage_line, window_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.metrics import Figure
    from opsctl.uptimes import Course

TIMES = ("detect", "acknowledge", "mitigate", "recover", "resolve")
# The figures that exist for all services together; the others are of one service or check.
OF_INCIDENTS = ("incident-frequency", *(f"time-to-{what}" for what in TIMES), "alert-actionability")


def availability(
    db: sqlite3.Connection, workspace: Workspace, target: str, since: float, until: float
) -> Figure:
    """The availability by time of a service, or of one `service/check`, in [since, until).

    Times are UTC epoch seconds, here and below. Raises UsageError where the workspace has no such service or
    check, and where `since` is not before `until`.
    """
    course = course_of(db, workspace, target, since, until)
    return _with_rows(metrics.availability(course.spent, course.n), course)


def budget(db: sqlite3.Connection, workspace: Workspace, target: str, since: float, until: float) -> Figure:
    """How much of the error budget was used, of the availability that the service promises."""
    course = course_of(db, workspace, target, since, until)
    service, _ = meant(workspace, target)
    objective = None if service.objectives is None else service.objectives.availability
    if objective is None:
        return metrics.nothing(
            "error-budget",
            f"`{service.id}` promises no availability; add `objectives: {{availability: 99.9%}}`",
            0,
        )
    return _with_rows(metrics.budget(course.spent, objective, course.n), course)


def mtbf(db: sqlite3.Connection, workspace: Workspace, target: str, since: float, until: float) -> Figure:
    """The time between failures of a service or check; `low` is a third of its up time where it had none."""
    course = course_of(db, workspace, target, since, until)
    began, before = failures(course)
    figure = metrics.between_failures(course.spent, len(began))
    return figure._replace(
        counted=tuple(outage_line(one, course.window, workspace.timezone) for one in began),
        left_out=(
            *(
                f"{outage_line(one, course.window, workspace.timezone)}: it began before the period"
                for one in before
            ),
            *course.left_out,
        ),
    )


def latency(
    db: sqlite3.Connection, workspace: Workspace, target: str, q: float, since: float, until: float
) -> Figure:
    """The q-th quantile (q from 0 to 1) of the latencies of a service's checks, or of one check."""
    return latencies(db, workspace, target, (q,), since, until)[0]


def latencies(
    db: sqlite3.Connection, workspace: Workspace, target: str, qs: Sequence[float], since: float, until: float
) -> list[Figure]:
    """As `latency`, for several quantiles of latencies that are read once."""
    from opsctl.store.latencies import ROUNDED
    from opsctl.store.pooled import pooled

    _, names = meant(workspace, target)
    pool = pooled(db, names, *window_of(since, until))
    how = ", hourly roll-up: within 0.4 %, hours at the ends count whole" if pool.method == ROUNDED else ""
    counted = tuple(
        f"{name}: {count('latency', answers, 'latencies')}{how}"
        for name in names
        if (answers := pool.answers.get(name))
    )
    left_out = tuple(f"{name}: no latency in the period" for name in names if not pool.answers.get(name))
    return [metrics.latency(pool.counts, q)._replace(counted=counted, left_out=left_out) for q in qs]


def incidents(
    db: sqlite3.Connection,
    workspace: Workspace,
    since: float,
    until: float,
    service: str | None = None,
) -> list[Incident]:
    """The incidents that began in [since, until), by number; for several figures, read them once."""
    from opsctl.store.begun import begun

    window_of(since, until)
    found = begun(db, since, until)
    if service is not None:
        return of_service(found, meant(workspace, service)[0].id)
    return found


def of_service(begun: Sequence[Incident], service: str) -> list[Incident]:
    """Those that affected a service."""
    return [one for one in begun if service in one.services]


def times_of(begun: Sequence[Incident], what: str) -> Figure:
    """The median time to `what` (one of `TIMES`); the mean and the 90th percentile are in `more`."""
    from opsctl.durations import durations

    taken = {one.number: durations(one)[what] for one in begun}

    def judge(incident: Incident) -> str:
        if incident.active:
            return f"not over, it is {incident.state}"
        return _MISSING[what] if taken[incident.number] is None else ""

    counted, left_out = _split(begun, judge)
    seconds = [taken[one.number] or 0.0 for one in counted]
    return metrics.typical(f"time-to-{what}", seconds)._replace(
        counted=tuple(
            f"{one.subject} {show(Kind.DURATION, round(took, 3))}"
            for one, took in zip(counted, seconds, strict=True)
        ),
        left_out=left_out,
    )


def frequency_of(begun: Sequence[Incident]) -> Figure:
    """How many there were."""
    counted, left_out = _split(begun, lambda _: "")
    return metrics.frequency(len(counted))._replace(
        counted=tuple(f"{one.subject} {one.peak}" for one in counted), left_out=left_out
    )


def actionability_of(begun: Sequence[Incident]) -> Figure:
    """The share of those opened by checks that asked for action."""
    fired = [one for one in begun if one.key is not None and one.state != "merged"]
    waiting = [one for one in fired if one.active and one.acknowledged is None]
    reviewed = [one for one in fired if not (one.active and one.acknowledged is None)]
    acted = sum(not _idle(one) for one in reviewed)
    return metrics.actionability(acted, len(waiting), len(fired))._replace(
        counted=tuple(f"{one.subject} {_idle(one) or 'actionable'}" for one in reviewed),
        left_out=(
            *(f"{one.subject}: {one.state} and not acknowledged, so not reviewed yet" for one in waiting),
            *(
                f"{one.subject}: merged into {one.merged_into}"
                for one in begun
                if one.key is not None and one.state == "merged"
            ),
            *(f"{one.subject}: opened by a person" for one in begun if one.key is None),
        ),
    )


def figure(
    db: sqlite3.Connection, workspace: Workspace, name: str, since: float, until: float, service: str | None
) -> Figure:
    """The figure of a definition's name; UsageError where it is of a service and none is given."""
    definition = definition_of(name)
    if definition.name in OF_INCIDENTS:
        return figure_of(incidents(db, workspace, since, until, service), definition.name)
    if service is None:
        known = ticked(list(workspace.services)[:10])
        raise UsageError(f"`{definition.name}` is of a service or a check; add `--service` with {known}")
    if (q := quantile(definition)) is not None:
        return latency(db, workspace, service, q, since, until)
    by_time = {"availability": availability, "error-budget": budget, "time-between-failures": mtbf}
    return by_time[definition.name](db, workspace, service, since, until)


def figure_of(begun: Sequence[Incident], name: str) -> Figure:
    """One of the figures `OF_INCIDENTS`, of incidents that were read before."""
    if name == "incident-frequency":
        return frequency_of(begun)
    if name == "alert-actionability":
        return actionability_of(begun)
    return times_of(begun, name.removeprefix("time-to-"))


_MISSING = {
    "detect": "the start of its impact or its detection is not known",
    "acknowledge": "nobody acknowledged it, or its detection is not known",
    "mitigate": "the start of its impact or its mitigation is not known",
    "recover": "the start or the end of its impact is not known",
    "resolve": "it was never resolved",
}


def _with_rows(figure: Figure, course: Course) -> Figure:
    return figure._replace(counted=course.counted, left_out=course.left_out)


def _split(
    incidents: Sequence[Incident], judge: Callable[[Incident], str]
) -> tuple[list[Incident], tuple[str, ...]]:
    """The incidents that count, and a line for each other; `judge` says why one does not, or nothing."""
    judged = [(one, _no_incident(one) or judge(one)) for one in incidents]
    return [one for one, why in judged if not why], tuple(
        f"{one.subject}: {why}" for one, why in judged if why
    )


def _no_incident(incident: Incident) -> str:
    if incident.state == "merged":
        return f"merged into {incident.merged_into}"
    return "a false alarm" if incident.false_alarm else ""


def _idle(incident: Incident) -> str:
    """Why nobody had to act on an incident that checks opened; nothing where somebody had to."""
    if incident.false_alarm:
        return "a false alarm"
    return "" if incident.acknowledged is not None else "over before anybody acknowledged it"
