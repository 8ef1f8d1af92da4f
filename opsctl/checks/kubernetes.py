"""The `kubernetes` check: whether what should run in a cluster is ready, as its API says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.checks.http import ANSWER, HttpCheck, ask_plainly
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.checks import Ask

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SERVER = Template("https://${env:KUBERNETES_SERVICE_HOST}:${env:KUBERNETES_SERVICE_PORT}")
_TOKEN = Template(f"${{file:{_ACCOUNT}/token}}")
_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
_APPS = "/apis/apps/v1/namespaces/{namespace}/{kind}s/{name}"
_PATHS = {
    "deployment": _APPS,
    "statefulset": _APPS,
    "daemonset": _APPS,
    "pod": "/api/v1/namespaces/{namespace}/pods/{name}",
    "node": "/api/v1/nodes/{name}",
}
_LARGEST = 2**31


@dataclass(frozen=True, kw_only=True)
class KubernetesCheck:
    """Read the state of a workload, a pod or a node from the Kubernetes API; nothing is changed."""

    resource: Annotated[
        str,
        Matching(f"({'|'.join(_PATHS)})/{_NAME}", "as `deployment/web`, `pod/web-0` or `node/a`"),
        Doc("A `deployment`, `statefulset`, `daemonset`, `pod` or `node`, and its name."),
    ]
    namespace: Annotated[str, Matching(_NAME, "a namespace's name"), Doc("Where it is.")] = "default"
    server: Annotated[
        Template, NotEmpty(), Doc("The API's address; by default that of the cluster it runs in.")
    ] = _SERVER
    token: Annotated[Template, NotEmpty(), Doc("A bearer token; by default the service account's.")] = _TOKEN
    ca: Annotated[str, NotEmpty(), Doc("The cluster's certificates (PEM).")] = f"{_ACCOUNT}/ca.crt"

    SHORTHAND: ClassVar[str] = "resource"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "ready": Subject(
            Kind.BOOLEAN, "Whether all that should run is available, and something should.", Cause.STATUS
        ),
        "rolled_out": Subject(
            Kind.BOOLEAN, "Whether all of a workload is of its newest version, and ready.", Cause.STALE
        ),
        "desired": Subject(Kind.NUMBER, "How many replicas there should be."),
        "available": Subject(Kind.NUMBER, "How many are available.", Cause.STATUS),
        "restarts": Subject(Kind.NUMBER, "How often containers of a pod were started again."),
        "reason": Subject(Kind.TEXT, "Why it is not ready, in the cluster's words.", Cause.STATUS),
        "latency": Subject(Kind.DURATION, "From the start to the last byte of the answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("ready == true",)
    TELLING: ClassVar[tuple[str, ...]] = ("available", "desired", "reason")

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        yield from (("server", words) for field, words in self._request().problems() if field == "url")

    def target(self) -> str:
        """The resource and where it is."""
        return self.resource if self.resource.startswith("node/") else f"{self.resource} in {self.namespace}"

    def probe(self, ask: Ask) -> Observation:
        """Ask the API once."""
        seen = ask_plainly(self._request(), ask._replace(wanted=frozenset({"json"}), keys=None))
        failure = seen.failure or self._refusal(seen.values.get("status"))
        if failure:
            return seen._replace(values={}, failure=failure)
        told = seen.values.get("json")
        if not isinstance(told, dict) or not isinstance(told.get("status"), dict):
            words = f"the answer is {seen.untold.get('json', 'no resource of Kubernetes; look at `server`')}"
            return seen._replace(values={}, untold={}, failure=Failure(Cause.BODY, words))
        return seen._replace(values={**self._values(told), "latency": seen.values["latency"]})

    def _request(self) -> HttpCheck:
        kind, _, name = self.resource.partition("/")
        path = _PATHS[kind].format(namespace=self.namespace, kind=kind, name=name)
        url = Template(self.server.text.rstrip("/") + path)
        return HttpCheck(url=url, bearer=self.token, ca=self.ca, max_body=ANSWER)

    def _refusal(self, status: Value) -> Failure | None:
        if status in {401, 403}:
            words = f"the token may not read {self.target()} ({status}); give its account the right to `get`"
            return Failure(Cause.PERMISSION, words)
        if status == 404:
            return Failure(Cause.MISSING, f"there is no {self.target()}")
        return None if status == 200 else Failure(Cause.STATUS, f"the API answers with status {status}")

    def _values(self, told: Mapping[str, Any]) -> Mapping[str, Value]:
        kind = self.resource.partition("/")[0]
        if kind in {"pod", "node"}:
            return dict(_conditioned(told["status"]))
        return _workload(kind, told)


def _workload(kind: str, told: Mapping[str, Any]) -> Mapping[str, Value]:
    """Replicas by the rules of `kubectl rollout status`; what the API leaves out is 0."""
    status, spec, meta = told["status"], _mapping(told.get("spec")), _mapping(told.get("metadata"))
    if kind == "daemonset":
        desired = _count(status.get("desiredNumberScheduled"))
        available, updated = (
            _count(status.get("numberAvailable")),
            _count(status.get("updatedNumberScheduled")),
        )
        present = desired
    else:
        desired = _count(spec.get("replicas"))
        # Before Kubernetes 1.22, a stateful set does not tell how many are available.
        instead = status.get("readyReplicas") if kind == "statefulset" else None
        available = _count(status.get("availableReplicas", instead))
        updated, present = _count(status.get("updatedReplicas")), _count(status.get("replicas"))
    current = _count(status.get("observedGeneration")) >= _count(meta.get("generation")) > 0
    # The state of an older version of it would say nothing of what is wished now.
    ready = available >= desired > 0
    rolled_out = ready and current and updated >= desired and present <= updated
    values = {"desired": desired, "available": available, "ready": ready, "rolled_out": rolled_out}
    return {**values, **_why(status, positive={"Available", "Progressing"})}


def _conditioned(status: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """A pod or a node is ready where its condition of that name says so."""
    ready = next((one for one in _conditions(status) if one.get("type") == "Ready"), None)
    if ready is not None:
        yield "ready", ready.get("status") == "True"
    containers = status.get("containerStatuses")
    if isinstance(containers, list):
        yield "restarts", sum(_count(_mapping(one).get("restartCount")) for one in containers)
    yield from _why(status, positive={"Ready"}).items()


def _why(status: Mapping[str, Any], *, positive: set[str]) -> Mapping[str, Value]:
    for one in _conditions(status):
        if one.get("type") in positive and one.get("status") != "True":
            words = ": ".join(str(one[key]) for key in ("reason", "message") if one.get(key))
            return {"reason": shorten(line(words), 200)} if words else {}
    return {}


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = status.get("conditions")
    told = (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
    return [one for one in told if isinstance(one.get("type"), str)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < _LARGEST else 0
