"""What is due on an incident, and when: to acknowledge, to recover, the next update, the review."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.policies import targets
from opsctl.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.ledger.incident import Incident
    from opsctl.ledger.review import Review
    from opsctl.policies import Policies

What = Literal["acknowledge", "recover", "update", "review"]
_SATURDAY = 5


class Due(NamedTuple):
    """One thing that is due; `due` and `done` are UTC epoch seconds, `done` is None while it is not."""

    subject: str
    what: What
    due: float
    done: float | None = None

    def overdue(self, now: float) -> bool:
        """Whether it is not done, and should be."""
        return self.done is None and now > self.due

    @property
    def late(self) -> bool:
        """Whether it was done after it was due."""
        return self.done is not None and self.done > self.due


def due(
    incident: Incident, policies: Policies, timezone: str, review: Review | None = None
) -> tuple[Due, ...]:
    """Everything that the severity asks of the incident, done or not, in the order of being due."""
    if incident.state == "merged" or incident.false_alarm:
        return ()
    return tuple(sorted(_due(incident, policies, timezone, review), key=lambda one: one.due))


def review_due(incident: Incident, policies: Policies, timezone: str) -> float | None:
    """When the review is due: after `resolved` by the target of the worst severity it had; None for none.

    With business days, Saturdays and Sundays in `timezone` do not count.
    """
    target = targets(policies.incidents, incident.peak).review
    if target is None or incident.resolved is None or incident.false_alarm or incident.state == "merged":
        return None
    if policies.reviews.days == "calendar":
        return incident.resolved + target
    return _after_business_time(incident.resolved, target, timezone)


def _due(incident: Incident, policies: Policies, timezone: str, review: Review | None) -> Iterator[Due]:
    asked = targets(policies.incidents, incident.severity)
    began = incident.reopened or incident.detected or incident.opened
    if asked.acknowledge is not None:
        yield Due(incident.subject, "acknowledge", began + asked.acknowledge, _acknowledged(incident))
    if asked.recover is not None:
        start = incident.impact_started if incident.impact_started is not None else incident.opened
        yield Due(
            incident.subject, "recover", start + asked.recover, incident.impact_ended or incident.resolved
        )
    if asked.update is not None and incident.active:
        yield Due(incident.subject, "update", incident.updated + asked.update)
    at = review_due(incident, policies, timezone)
    if at is not None:
        yield Due(incident.subject, "review", at, review.submitted if review else None)


def _acknowledged(incident: Incident) -> float | None:
    """When somebody took it on, after it came back where it did; who mitigates or resolves it has."""
    since = incident.reopened or incident.opened
    taken = [at for state, at in incident.stays if state not in {"open", "merged"} and at >= since]
    if incident.reopened is None and incident.acknowledged is not None:
        return incident.acknowledged
    return min(taken, default=None)


def _after_business_time(start: float, seconds: float, timezone: str) -> float:
    """The moment by which `seconds` of Mondays to Fridays have passed, in wall-clock days of the zone."""
    zone = zone_named(timezone)
    at, left = datetime.fromtimestamp(start, zone), timedelta(seconds=seconds)
    while True:
        midnight = datetime(at.year, at.month, at.day, tzinfo=zone) + timedelta(days=1)
        if at.weekday() >= _SATURDAY:
            at = midnight
            continue
        rest = timedelta(seconds=midnight.timestamp() - at.timestamp())
        if left <= rest:
            return at.timestamp() + left.total_seconds()
        left -= rest
        at = midnight
