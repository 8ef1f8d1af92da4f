"""APIs of Kubernetes that fail as `opsctl.faults.kubernetes` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from checks.clusters import PATHS, WELL, condition, daemons, pod, workload
from players.http import addressed_as, answering
from players.stage import SLOW, UNANSWERED
from web import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

_OF_A_NODE = ("ready == true", "latency < 500ms")
_OF_A_WORKLOAD = (
    *_OF_A_NODE,
    "rolled_out == true",
    "desired == 3",
    "desired > 0",
    "available > 0",
    "available == 3",
)
LENSES = {
    "deployment/web": _OF_A_WORKLOAD,
    "daemonset/agent": _OF_A_WORKLOAD,
    "pod/web-0": (*_OF_A_NODE, "restarts < 5"),
    "node/a": _OF_A_NODE,
}
_STATUSES = {"not-allowed": 403, "deleted": 404, "api-error": 500}


def _available(count: int) -> Mapping[str, Any]:
    return {"numberAvailable": count, "availableReplicas": count, "readyReplicas": count}


# What a workload says beside that it is well; of an older version, or where nothing should run.
_TOLD: Mapping[str, Mapping[str, Any]] = {
    "healthy": {},
    "slow": {},
    "none": _available(0),
    "some": _available(1),
    "stuck-rollout": {"replicas": 4, "updatedReplicas": 1, "updatedNumberScheduled": 1},
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in UNANSWERED:
        return addressed_as("server", "http://{}", UNANSWERED[fault.name]())
    if fault.name in _STATUSES:
        told: Mapping[str, Any] | None = {"kind": "Status", "status": "Failure"}
    else:
        told = _resource(stage.fields["resource"].partition("/")[0], fault.name)
    if told is None:
        return None
    status, delay = _STATUSES.get(fault.name, 200), SLOW if fault.name == "slow" else 0.0
    answer = Answer(status, json.dumps(told).encode(), delay=delay)
    return addressed_as("server", "{}", answering({PATHS[stage.fields["resource"]]: answer}))


def _resource(kind: str, name: str) -> Mapping[str, Any] | None:
    if kind in {"pod", "node"}:
        return _conditioned(name)
    if name == "scaled-to-nothing":
        # The API leaves out what is 0, but for a daemon set, of which no node is wanted then.
        return daemons(desiredNumberScheduled=0) if kind == "daemonset" else workload("Deployment", wanted=0)
    if name not in _TOLD:
        return None
    if kind == "daemonset":
        well = {"desiredNumberScheduled": 3, "numberAvailable": 3, "updatedNumberScheduled": 3}
        return daemons(**{**well, **_TOLD[name]})
    return workload("Deployment", **{**WELL, **_TOLD[name]})


def _conditioned(name: str) -> Mapping[str, Any] | None:
    ready = {"healthy": "True", "slow": "True", "not-ready": "False", "between-crashes": "True"}.get(name)
    containers = [{"restartCount": 50 if name == "between-crashes" else 0}]
    return pod(condition("Ready", ready), containers=containers) if ready else None
