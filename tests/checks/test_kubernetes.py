"""The `kubernetes` check against answers in the form that the API's reference documents."""

from __future__ import annotations

import json
from functools import partial

import pytest
from checks.clusters import WELL, condition, daemons, pod, workload
from checks.probe import probe
from web import Answer

from opsctl.checks.kubernetes import KubernetesCheck
from opsctl.outcome import Cause, Failure
from opsctl.secrets import Template

deployment = partial(workload, "Deployment")
STUCK = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "web-7d" has timed out progressing.',
}


def look(web, body, resource="deployment/web", status=200):
    kind, _, name = resource.partition("/")
    path = {
        "pod": "/api/v1/namespaces/shop/pods/",
        "node": "/api/v1/nodes/",
    }.get(kind, f"/apis/apps/v1/namespaces/shop/{kind}s/")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    web.answer(path + name, Answer(status, raw))
    check = KubernetesCheck(
        resource=resource, namespace="shop", server=Template(web.url), token=Template("${env:T}")
    )
    return probe(check, environ={"T": "s3cret"}, timeout=5.0)


def values(seen):
    assert seen.failure is None
    found = dict(seen.values)
    assert found.pop("latency") > 0
    return found


def test_a_deployment_that_is_as_it_should_be(web):
    found = values(look(web, deployment(**WELL)))
    assert found == {"desired": 3, "available": 3, "ready": True, "rolled_out": True}
    assert web.requests[0].headers["authorization"] == "Bearer s3cret"
    assert web.requests[0].method == "GET"


@pytest.mark.parametrize(
    ("told", "ready", "rolled_out"),
    [
        (deployment(**{**WELL, "availableReplicas": 2}), False, False),
        (deployment(**{**WELL, "updatedReplicas": 1}), True, False),
        (deployment(**{**WELL, "replicas": 4}), True, False),
        (deployment(generation=5, **WELL), True, False),
        (deployment(), False, False),
        (deployment(wanted=0), False, False),
        ({"status": {}}, False, False),
        (deployment(**{**WELL, "availableReplicas": "3"}), False, False),
        (deployment(**{**WELL, "availableReplicas": True}), False, False),
    ],
)
def test_ready_is_all_of_it_and_rolled_out_all_of_the_newest(web, told, ready, rolled_out):
    found = values(look(web, told))
    assert (found["ready"], found["rolled_out"]) == (ready, rolled_out)


def test_why_it_is_not_is_told_in_the_cluster_s_words(web):
    seen = look(web, deployment(conditions=[{"type": "Available", "status": "True"}, STUCK], **WELL))
    assert seen.values["reason"] == 'ProgressDeadlineExceeded: ReplicaSet "web-7d" has timed out progressing.'


def test_a_daemonset_a_pod_and_a_node(web):
    found = values(look(web, daemons(numberAvailable=2, updatedNumberScheduled=1), "daemonset/agent"))
    assert found == {"desired": 2, "available": 2, "ready": True, "rolled_out": False}
    ready = condition("Ready", "False", reason="ContainersNotReady", message="web")
    told = pod(ready, containers=[{"restartCount": 2}, {"restartCount": 3}, None])
    assert values(look(web, told, "pod/web-0")) == {
        "ready": False, "restarts": 5, "reason": "ContainersNotReady: web",
    }  # fmt: skip
    node = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    assert values(look(web, node, "node/a")) == {"ready": False}
    # Without the condition nothing was said, and nothing is seen.
    assert values(look(web, {"status": {}}, "pod/new")) == {}


@pytest.mark.parametrize(
    ("status", "cause"),
    [(401, Cause.PERMISSION), (403, Cause.PERMISSION), (404, Cause.MISSING), (500, Cause.STATUS)],
)
def test_an_answer_that_tells_nothing_has_no_values(web, status, cause):
    seen = look(web, {"kind": "Status", "status": "Failure"}, status=status)
    assert seen.values == {}
    assert seen.failure is not None
    assert seen.failure.cause is cause


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": "Success"}', b"[" * 60_000])
def test_what_is_no_resource_is_said_to_be_none(web, body):
    words = "the answer is no resource of Kubernetes; look at `server`"
    assert look(web, body).failure == Failure(Cause.BODY, words)


@pytest.mark.parametrize(
    ("kind", "status", "available"),
    [("statefulset", {"readyReplicas": 3}, 3), ("statefulset", {"readyReplicas": 3, "availableReplicas": 0}, 0), ("deployment", {"readyReplicas": 3}, 0)],
)  # fmt: skip
def test_only_a_stateful_set_of_an_older_cluster_is_as_available_as_it_is_ready(web, kind, status, available):
    told = deployment(**{**WELL, "availableReplicas": None})
    told["status"] = {name: value for name, value in told["status"].items() if value is not None} | status
    assert values(look(web, told, f"{kind}/web"))["available"] == available


def test_a_key_that_stands_twice_is_not_believed(web):
    body = b'{"metadata": {"generation": 1}, "spec": {"replicas": 3, "replicas": 0}, "status": {"availableReplicas": 1}}'
    words = "the answer is JSON in which `replicas` stands twice in one object"
    assert look(web, body)[:2] == ({}, Failure(Cause.BODY, words))


def test_outside_a_cluster_the_missing_token_is_told(web):
    seen = probe(KubernetesCheck(resource="deployment/web"), environ={})
    assert seen.failure is not None
    assert seen.failure.cause is Cause.SECRET


@pytest.mark.parametrize("resource", ["web", "service/web", "deployment/", "deployment/../x", "deployment/A"])
def test_what_is_no_resource_s_name_is_refused(opsctl, resource):
    text = f"version: 1\nname: S\nservices: {{s: {{checks: {{u: {{kubernetes: '{resource}'}}}}}}}}\n"
    ran = opsctl.write("opsctl.yaml", text)("validate")
    assert ran.code == 5
    assert "as `deployment/web`, `pod/web-0` or `node/a`" in ran.out
