"""Objects as the API of Kubernetes gives them, with all that its schema requires, in the states that matter."""

from __future__ import annotations

TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
}
SELECTOR = {"matchLabels": {"app": "web"}}
_CONTAINER = {
    "name": "web", "image": "nginx:1.27", "imageID": "sha256:0123", "ready": False, "restartCount": 5, "started": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
}  # fmt: skip
PATHS = {
    "deployment/web": "/apis/apps/v1/namespaces/shop/deployments/web",
    "statefulset/db": "/apis/apps/v1/namespaces/shop/statefulsets/db",
    "daemonset/agent": "/apis/apps/v1/namespaces/shop/daemonsets/agent",
    "pod/web-0": "/api/v1/namespaces/shop/pods/web-0",
    "pod/new": "/api/v1/namespaces/shop/pods/new",
    "node/a": "/api/v1/nodes/a",
}


def condition(type_, status, **more):
    return {"type": type_, "status": status, "lastTransitionTime": "2027-01-15T07:00:00Z", **more}


def workload(kind, wanted=3, generation=4, conditions=(), **status):
    """A deployment or a stateful set."""
    stateful = {"serviceName": "db"} if kind == "StatefulSet" else {}
    return {
        "kind": kind,
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "shop", "generation": generation},
        "spec": {"replicas": wanted, "selector": SELECTOR, "template": TEMPLATE, **stateful},
        "status": {"observedGeneration": 4, "replicas": 0, "conditions": list(conditions), **status},
    }


def daemons(**status):
    required = {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 0,
        "numberReady": 2,
        "desiredNumberScheduled": 2,
    }
    return {
        "kind": "DaemonSet",
        "apiVersion": "apps/v1",
        "metadata": {"name": "agent", "namespace": "shop", "generation": 1},
        "spec": {"selector": SELECTOR, "template": TEMPLATE},
        "status": {**required, "observedGeneration": 1, **status},
    }


def pod(*conditions, containers=()):
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "web-0", "namespace": "shop"},
        "spec": TEMPLATE["spec"],
        "status": {"phase": "Running", "conditions": list(conditions), "containerStatuses": list(containers)},
    }


WELL = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
DEPLOYMENT = workload("Deployment", conditions=[condition("Available", "True")], **WELL)
STATEFUL = workload("StatefulSet", **{**WELL, "availableReplicas": 2})
DAEMONS = daemons(numberAvailable=2, updatedNumberScheduled=1)
CRASHING = pod(
    condition("Ready", "False", reason="ContainersNotReady", message="containers with unready status: [web]"),
    containers=[_CONTAINER, {**_CONTAINER, "name": "side", "restartCount": 2}],
)
WAITING = pod(condition("PodScheduled", "False", reason="Unschedulable"))
NODE = {
    "kind": "Node",
    "apiVersion": "v1",
    "metadata": {"name": "a"},
    "status": {"conditions": [condition("Ready", "Unknown", reason="NodeStatusUnknown")]},
}
