"""The `kubernetes` check against a real API server and its controllers, whose programs `OPSCTL_KUBERNETES` has.

There are no nodes: what a kubelet would say of pods is said for it, and all the rest follows by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
import servers
from checks.probe import probe
from servers import HOST, free_port, running

from opsctl.checks.kubernetes import KubernetesCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
READY = [{"type": "Ready", "status": "True"}]
PATCH = {"Content-Type": "application/strategic-merge-patch+json"}


class Cluster(NamedTuple):
    url: str
    ca: Path
    client: httpx.Client

    def tell(self, method, path, body, **more):
        answer = self.client.request(method, path, content=json.dumps(body), **more)
        assert answer.is_success, answer.text
        return answer.json()


def program(name):
    """Its path; a skip where it is neither in `OPSCTL_KUBERNETES` nor in the path."""
    path = os.pathsep.join([os.environ.get("OPSCTL_KUBERNETES", ""), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    if not found:
        pytest.skip(f"{name} is neither in the folder OPSCTL_KUBERNETES nor in the path")
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, certificates):
    etcd, apiserver, controllers = map(program, PROGRAMS)
    folder, pair = tmp_path_factory.mktemp("cluster"), certificates.good
    (folder / "tokens.csv").write_text('admin,admin,1,"system:masters"\npoor,poor,2\n')
    data, peers, port = (free_port() for _ in range(3))
    store = f"http://{HOST}:{data}"
    url = f"https://{HOST}:{port}"
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "x", "users": [{"name": "x", "user": {"token": "admin"}}],
              "clusters": [{"name": "x", "cluster": {"server": url, "certificate-authority": str(certificates.ca)}}],
              "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}  # fmt: skip
    (folder / "config").write_text(json.dumps(config))
    client = httpx.Client(
        base_url=url,
        verify=ssl.create_default_context(cafile=certificates.ca),
        headers={"Authorization": "Bearer admin", "Content-Type": "application/json"},
    )

    def ready():
        try:
            return client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    with (
        client,
        running(
            [etcd, f"--data-dir={folder}/data", f"--listen-client-urls={store}", f"--advertise-client-urls={store}", f"--listen-peer-urls=http://{HOST}:{peers}"],
            folder / "etcd.log", lambda: servers.listens(data),
        ),
        running(
            [apiserver, f"--etcd-servers={store}", f"--secure-port={port}", f"--bind-address={HOST}", f"--cert-dir={folder}", f"--tls-cert-file={pair.certificate}", f"--tls-private-key-file={pair.key}",
             "--service-account-issuer=https://tests", f"--service-account-key-file={pair.certificate}", f"--service-account-signing-key-file={pair.key}", f"--token-auth-file={folder}/tokens.csv",
             "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition", "--service-cluster-ip-range=10.0.0.0/24"],
            folder / "api.log", ready,
        ),
        running([controllers, f"--kubeconfig={folder}/config", "--leader-elect=false", "--controllers=deployment,replicaset,statefulset,daemonset", "--port=0", "--secure-port=0"], folder / "controllers.log", lambda: True),
    ):  # fmt: skip
        cluster = Cluster(url, certificates.ca, client)
        cluster.tell("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
        yield cluster


def look(cluster, resource, token="admin"):
    check = KubernetesCheck(
        resource=resource,
        namespace="shop",
        server=Template(cluster.url),
        token=Template(token),
        ca=str(cluster.ca),
    )
    return probe(check, timeout=5.0)


def eventually(see, good):
    until = time.monotonic() + servers.PATIENCE
    while not good(seen := see()):
        assert time.monotonic() < until, seen
        time.sleep(0.05)
    return seen


def workload(name, kind, **spec):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "x:1"}]}}
    return {
        "kind": kind,
        "apiVersion": "apps/v1",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def pods(cluster, name):
    return [
        one["metadata"]["name"]
        for one in cluster.client.get(
            "/api/v1/namespaces/shop/pods", params={"labelSelector": f"app={name}"}
        ).json()["items"]
    ]


def become_ready(cluster, pod):
    """What a kubelet says once the containers of a pod are well."""
    status = {"status": {"phase": "Running", "conditions": READY}}
    cluster.tell("PATCH", f"/api/v1/namespaces/shop/pods/{pod}/status", status, headers=PATCH)


def figures(seen):
    assert seen.failure is None
    return {name: value for name, value in seen.values.items() if name not in {"latency", "reason"}}


def test_a_deployment_from_its_birth_over_a_rollout_to_its_end(cluster):
    path = "/apis/apps/v1/namespaces/shop/deployments"
    cluster.tell("POST", path, workload("web", "Deployment", replicas=2, progressDeadlineSeconds=600))
    eventually(lambda: pods(cluster, "web"), lambda found: len(found) == 2)
    waiting = {"desired": 2, "available": 0, "ready": False, "rolled_out": False}
    eventually(lambda: figures(look(cluster, "deployment/web")), lambda seen: seen == waiting)
    for pod in pods(cluster, "web"):
        become_ready(cluster, pod)
    well = {"desired": 2, "available": 2, "ready": True, "rolled_out": True}
    eventually(lambda: figures(look(cluster, "deployment/web")), lambda seen: seen == well)
    # A new version: the old one still serves, and the new one is not there yet.
    old = set(pods(cluster, "web"))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "x:2"}]}}}}
    cluster.tell("PATCH", f"{path}/web", change, headers=PATCH)
    half = {"desired": 2, "available": 2, "ready": True, "rolled_out": False}
    eventually(lambda: figures(look(cluster, "deployment/web")), lambda seen: seen == half)

    def done():
        for pod in set(pods(cluster, "web")) - old:
            become_ready(cluster, pod)
        return figures(look(cluster, "deployment/web"))

    eventually(done, lambda seen: seen == well)
    cluster.tell("DELETE", f"{path}/web", {})
    gone = Failure(Cause.MISSING, "there is no deployment/web in shop")
    assert look(cluster, "deployment/web").failure == gone


@pytest.fixture(scope="module")
def node(cluster):
    cluster.tell("POST", "/api/v1/nodes", {"metadata": {"name": "one"}})
    cluster.tell("PATCH", "/api/v1/nodes/one/status", {"status": {"conditions": READY}}, headers=PATCH)


def test_a_node(cluster, node):
    assert figures(look(cluster, "node/one")) == {"ready": True}
    not_ready = [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting.",
        }
    ]
    cluster.tell("PATCH", "/api/v1/nodes/one/status", {"status": {"conditions": not_ready}}, headers=PATCH)
    seen = look(cluster, "node/one")
    assert figures(seen) == {"ready": False}
    assert "Kubelet stopped posting" in seen.values["reason"]


@pytest.mark.parametrize(
    ("kind", "more"), [("StatefulSet", {"replicas": 1, "serviceName": "x"}), ("DaemonSet", {})]
)
def test_a_stateful_set_a_daemon_set_and_their_pods(cluster, node, kind, more):
    name = kind.lower()
    cluster.tell("POST", f"/apis/apps/v1/namespaces/shop/{name}s", workload(name, kind, **more))
    eventually(lambda: figures(look(cluster, f"{name}/{name}")), lambda seen: seen["desired"] == 1)
    assert figures(look(cluster, f"{name}/{name}"))["ready"] is False
    (pod,) = eventually(lambda: pods(cluster, name), lambda found: len(found) == 1)
    # A new pod has no condition yet, so nothing is known of it.
    assert figures(look(cluster, f"pod/{pod}")) == {}
    become_ready(cluster, pod)
    assert figures(look(cluster, f"pod/{pod}")) == {"ready": True}
    well = {"desired": 1, "available": 1, "ready": True, "rolled_out": True}
    eventually(lambda: figures(look(cluster, f"{name}/{name}")), lambda seen: seen == well)


def test_a_token_without_the_right_and_one_that_is_none(cluster):
    for token, number in (("poor", 403), ("nobody", 401)):
        failure = look(cluster, "deployment/web", token).failure
        words = (
            f"the token may not read deployment/web in shop ({number}); give its account the right to `get`"
        )
        assert failure == Failure(Cause.PERMISSION, words)
