"""What the official Kubernetes client makes of the answers that the `kubernetes` check is tested by.

It is large (130 MB, half a minute to install), so it is no requirement; where it is installed, the answers are shown
to be what the API's own schema allows, and the check to ask as that client does.
"""

from __future__ import annotations

import json

import pytest
from checks.clusters import CRASHING, DAEMONS, DEPLOYMENT, NODE, PATHS, STATEFUL, WAITING
from checks.probe import probe
from web import Answer

from opsctl.checks.kubernetes import KubernetesCheck
from opsctl.outcome import Cause
from opsctl.secrets import Template

kubernetes = pytest.importorskip("kubernetes.client", reason="the official client (130 MB) is not installed")


@pytest.fixture
def cluster(web):
    settings = kubernetes.Configuration(host=web.url, api_key={"authorization": "s3cret"})
    settings.api_key_prefix = {"authorization": "Bearer"}
    with kubernetes.ApiClient(settings) as client:
        yield kubernetes.AppsV1Api(client), kubernetes.CoreV1Api(client)


def read(cluster, resource):
    apps, core = cluster
    kind, _, name = resource.partition("/")
    reads = {
        "deployment": lambda: apps.read_namespaced_deployment(name, "shop"),
        "statefulset": lambda: apps.read_namespaced_stateful_set(name, "shop"),
        "daemonset": lambda: apps.read_namespaced_daemon_set(name, "shop"),
        "pod": lambda: core.read_namespaced_pod(name, "shop"),
        "node": lambda: core.read_node(name),
    }
    return reads[kind]()


def look(web, resource):
    check = KubernetesCheck(
        resource=resource, namespace="shop", server=Template(web.url), token=Template("${env:T}")
    )
    return probe(check, environ={"T": "s3cret"}, timeout=5.0)


@pytest.mark.parametrize("resource", PATHS)
def test_the_client_asks_as_the_check_does_and_reads_the_same(web, cluster, resource):
    told = {
        "deployment/web": DEPLOYMENT, "statefulset/db": STATEFUL, "daemonset/agent": DAEMONS,
        "pod/web-0": CRASHING, "pod/new": WAITING, "node/a": NODE,
    }[resource]  # fmt: skip
    web.answer(PATHS[resource], Answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"}))
    theirs, seen = read(cluster, resource), look(web, resource)
    asked = [(one.method, one.path, one.headers["authorization"]) for one in web.requests]
    assert asked == [("GET", PATHS[resource], "Bearer s3cret")] * 2
    assert seen.failure is None
    assert theirs.kind == told["kind"]
    expected = {
        "Deployment": lambda: (theirs.spec.replicas, theirs.status.available_replicas or 0),
        "StatefulSet": lambda: (theirs.spec.replicas, theirs.status.available_replicas or 0),
        "DaemonSet": lambda: (theirs.status.desired_number_scheduled, theirs.status.number_available or 0),
        "Pod": lambda: (
            sum(one.restart_count for one in theirs.status.container_statuses or []),
            ready(theirs),
        ),
        "Node": lambda: (None, ready(theirs)),
    }[told["kind"]]()
    workload = told["kind"] in {"Deployment", "StatefulSet", "DaemonSet"}
    names = ("desired", "available") if workload else ("restarts", "ready")
    assert (seen.values.get(names[0]), seen.values.get(names[1])) == expected


def ready(told):
    return next((one.status == "True" for one in told.status.conditions if one.type == "Ready"), None)


def test_a_refusal_is_one_for_the_client_too(web, cluster):
    refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}
    web.answer(PATHS["deployment/web"], Answer(403, json.dumps(refusal).encode()))
    with pytest.raises(kubernetes.ApiException, match="403"):
        read(cluster, "deployment/web")
    assert look(web, "deployment/web").failure.cause is Cause.PERMISSION
