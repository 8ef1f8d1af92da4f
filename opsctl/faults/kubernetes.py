"""How what runs in a cluster fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the API, and of a workload, a pod or a node."""
    yield from unanswered()
    yield slow(timeout)
    for name, cause, text in (
        ("not-allowed", Cause.PERMISSION, "the token may not read it"),
        ("deleted", Cause.MISSING, "somebody has deleted it"),
        ("api-error", Cause.STATUS, "the API answers with status 500"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    if kind.resource.startswith(("pod/", "node/")):
        yield Fault("not-ready", "it is not ready", {"ready": False}, cure="ready == true")
        if kind.resource.startswith("pod/"):
            crashing = {"ready": True, "restarts": 50}
            yield Fault("between-crashes", "it is ready just now, again", crashing, cure="restarts < 5")
        return
    none = {"ready": False, "rolled_out": False, "desired": 3, "available": 0}
    yield Fault("none", "nothing of it is available", none, cure="ready == true")
    some = {"ready": False, "rolled_out": False, "desired": 3, "available": 1}
    yield Fault("some", "a part of it is available", some, cure="ready == true")
    idle = {"ready": False, "rolled_out": False, "desired": 0, "available": 0}
    yield Fault("scaled-to-nothing", "somebody has scaled it to nothing", idle, cure="ready == true")
    stuck = {"ready": True, "rolled_out": False}
    yield Fault(
        "stuck-rollout",
        "the new version does not come up, the old one serves",
        stuck,
        cure="rolled_out == true",
    )
