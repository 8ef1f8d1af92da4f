"""What an incident allows: the moves of its state, times that can have happened, the roles there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from opsctl.errors import RefusedError, UsageError
from opsctl.finding import is_page
from opsctl.ledger.incident import ALLOWED, TIMES
from opsctl.policies import policies
from opsctl.prose import line, listed, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.store.ledger import Ledger

_DONE = {
    "ack": "acknowledged", "mitigate": "mitigated", "resolve": "resolved", "close": "closed",
    "reopen": "reopened", "escalate": "escalated", "merge": "merged",
}  # fmt: skip
# Which time cannot be before which: every stretch between two of them is measured somewhere.
_ORDER = (
    ("detected", "acknowledged"),
    ("detected", "mitigated"),
    ("detected", "resolved"),
    ("impact_started", "mitigated"),
    ("impact_started", "impact_ended"),
    ("impact_started", "resolved"),
    ("impact_ended", "closed"),
    ("acknowledged", "resolved"),
    ("mitigated", "resolved"),
    ("opened", "resolved"),
    ("resolved", "closed"),
    ("impact_started", "closed"),
    ("detected", "closed"),
    ("opened", "closed"),
)


def refuse_merged(incident: Incident) -> None:
    """RefusedError where it goes on in another one."""
    if incident.state == "merged":
        raise RefusedError(f"{incident.subject} was merged into {incident.merged_into}; go on there")


def allow(incident: Incident, verb: str) -> None:
    """RefusedError where that cannot be done in the incident's state; `verb` is one of ALLOWED."""
    refuse_merged(incident)
    allowed = ALLOWED[incident.state]
    if verb not in allowed:
        can = f"what can be done: {listed(allowed, 'or')}" if allowed else "open a new one and link it"
        so = " already" if _DONE[verb] == incident.state else f", so it cannot be {_DONE[verb]}"
        raise RefusedError(f"{incident.subject} is {incident.state}{so}; {can}")


def move(
    ledger: Ledger, incident: Incident, verb: str, body: Mapping[str, Any], at: float | None
) -> Incident:
    """The incident after `verb`, kept with the time at which that happened: `at`, or now."""
    allow(incident, verb)
    ledger.append(f"incident.{_DONE[verb]}", incident.subject, body, happened(ledger, at))
    return in_order(ledger, latest(ledger, incident))


def tell(
    ledger: Ledger, incident: Incident, kind: str, body: Mapping[str, Any], at: float | None
) -> Incident:
    """The incident after an event that leaves its state as it is; RefusedError where it was merged."""
    refuse_merged(incident)
    ledger.append(kind, incident.subject, body, happened(ledger, at))
    return latest(ledger, incident)


def happened(ledger: Ledger, at: float | None, option: str = "--at") -> float:
    """When something happened: `at`, or now; UsageError, which names the option, for the future."""
    when = ledger.recorded if at is None else at
    if when > ledger.recorded:
        raise UsageError(f"{option} is in the future; say what has happened, and when")
    return when


def in_order(ledger: Ledger, incident: Incident) -> Incident:
    """The incident, where its times can have happened in this order; nothing is kept otherwise."""
    for first, last in _ORDER:
        start, end = getattr(incident, first), getattr(incident, last)
        if start is not None and end is not None and end < start:
            # When it was declared is recorded and cannot be corrected.
            other = f", or with `opsctl incident update {incident.number} --time {first}=TIME`"
            raise UsageError(
                f"{_said_of(last)} would be before {_said_of(first)}; "
                f"correct one with `--at`{other if first in TIMES else ''}"
            )
    for name in (*TIMES, "opened"):
        at = getattr(incident, name)
        if at is not None and at > ledger.recorded:
            raise UsageError(f"{_said_of(name)} is in the future; say what has happened, and when")
    return incident


def latest(ledger: Ledger, incident: Incident) -> Incident:
    """The incident as it stands after what was appended."""
    return cast("Incident", ledger.get(incident.subject))


def known_role(workspace: Workspace, role: str) -> None:
    """UsageError where the workspace has no such role in incidents."""
    roles = policies(workspace).incidents.roles
    if role not in roles:
        raise UsageError(f"`{line(shorten(role, 60))}` is no role; there are {ticked(roles)}")


def known_runbook(workspace: Workspace, name: str | None) -> None:
    """UsageError where a runbook is named that nobody wrote; the workspace is a whole one."""
    if name is None or name in workspace.runbooks or is_page(workspace.root, name):
        return
    hint = suggestion(name, workspace.runbooks) or "; `opsctl runbook list` shows what there is"
    raise UsageError(f"no runbook is called `{line(shorten(name, 60))}`{hint}")


def _said_of(name: str) -> str:
    return name.replace("_", " ")
