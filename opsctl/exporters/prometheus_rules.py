"""Alerting rules of Prometheus over what `opsctl check -o prometheus` writes: one for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.exporters import Exported, span
from opsctl.prose import line

if TYPE_CHECKING:
    from opsctl.definitions import CheckDefinition, Service, Tier
    from opsctl.exporters import Chosen

_SEVERITY: dict[Tier, str] = {
    "critical": "critical",
    "high": "warning",
    "normal": "warning",
    "low": "info",
}


def export(chosen: Chosen) -> Exported:
    """A group of rules for each service."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for service, check in chosen:
        groups.setdefault(service.id, []).append(_rule(service, check))
    return Exported(
        {"groups": [{"name": f"opsctl-{name}", "rules": rules} for name, rules in groups.items()]}
    )


def _rule(service: Service, check: CheckDefinition) -> dict[str, Any]:
    labels = {
        "severity": _SEVERITY[service.tier],
        "check": check.name,
        "service": service.id,
        "tier": service.tier,
        "owner": service.owner or "",
    }
    runbook = check.runbook or service.runbook
    annotations = {
        "summary": f"{check.name} is not up",
        "description": f"{service.title}: {check.title}" if check.title else service.title,
        **({"runbook": f"runbooks/{runbook}.md"} if runbook else {}),
    }
    return {
        "alert": "OpsctlCheckNotUp",
        "expr": _expression(check),
        # What counts as down has failed `fail_after` times, which takes one interval less than as many; with
        # one interval more it is `fail_after` times `every` since the first failure.
        "for": span(check.every),
        "labels": {name: _plain(value) for name, value in labels.items() if value},
        "annotations": {name: _plain(value) for name, value in annotations.items()},
    }


def _expression(check: CheckDefinition) -> str:
    """Down, unknown, too old, or not there though it is not in maintenance: none of it was shown to be up."""
    match = f'{{check="{check.name}"}}'
    return (
        f"opsctl_check_up{match} == 0"
        f" or time() - opsctl_check_last_run_timestamp_seconds{match} > {check.lapse:.0f}"
        f" or (absent(opsctl_check_up{match}) unless on (check) opsctl_check_maintenance{match})"
    )


def _plain(text: str) -> str:
    """A text that is no template there."""
    return line(text).replace("{{", '{{ "{{" }}')
