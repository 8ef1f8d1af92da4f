"""Status pages that fail as `opsctl.faults.statuspage` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from players.http import addressed_as, answering
from players.stage import SLOW, UNANSWERED
from web import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    'indicator == "none"',
    'indicator in ["none", "maintenance"]',
    'description == "All Systems Operational"',
    "incidents == 0",
    "maintenances == 0",
    "latency < 500ms",
)
OF_A_COMPONENT = (*LENSES, 'component == "operational"', 'component != "major_outage"')
_SUMMARY = "/api/v2/summary.json"


def _page(indicator: str = "none", description: str = "All Systems Operational", **more: Any) -> Answer:
    page = {"status": {"indicator": indicator, "description": description}, "incidents": [],
            "scheduled_maintenances": [], "components": _components(), **more}  # fmt: skip
    return Answer(body=json.dumps(page).encode())


def _components(state: str = "operational") -> list[Mapping[str, str]]:
    return [
        {"id": "x1", "name": "API", "status": state},
        {"id": "x2", "name": "Pages", "status": "operational"},
    ]


def _open(impact: str) -> Mapping[str, Any]:
    told = {"name": "Elevated errors", "status": "investigating", "impact": impact}
    return {"incidents": [told, {"name": "The last one", "status": "resolved", "impact": "major"}]}


_MINOR = ("minor", "Minor Service Outage")
_MAJOR = ("critical", "Major Service Outage")
_MAINTAINED = ("maintenance", "Service Under Maintenance")
_GOING_ON = {"scheduled_maintenances": [{"name": "A database", "status": "in_progress"}]}
_ANSWERS: Mapping[str, Answer] = {
    "healthy": _page(),
    "slow": _page()._replace(delay=SLOW),
    "no-json": Answer(body=b"<html><body>All Systems Operational</body></html>"),
    "minor": _page(*_MINOR, **_open("minor")),
    "major": _page(*_MAJOR, **_open("critical")),
    "told-only": _page(**_open("none")),
    "degraded": _page(*_MINOR, **_open("minor"), components=_components("degraded_performance")),
    "outage": _page(*_MAJOR, **_open("critical"), components=_components("major_outage")),
    "maintained": _page(*_MAINTAINED, **_GOING_ON, components=_components("under_maintenance")),
    "no-component": _page(components=_components()[1:]),
}


def play(_stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed_as("url", "http://{}", UNANSWERED[fault.name]())
    answers = {_SUMMARY: _ANSWERS[fault.name]} if fault.name in _ANSWERS else {}
    return addressed_as("url", "{}", answering(answers)) if answers or fault.name == "gone" else None
