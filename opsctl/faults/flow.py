"""How a row of requests fails: at any of them, in each way that a web address does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opsctl.capturing import captured
from opsctl.faults import Fault, http, touches, unanswered
from opsctl.judging import judge
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.checks.flow import FlowRequest


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of every request, by its name, each judged by what that request expects."""
    yield from unanswered()
    for request in kind.requests:
        for fault in http.faults(request, timeout):
            if fault.failure is None:
                yield _of(request, fault)


def _of(request: FlowRequest, fault: Fault) -> Fault:
    name, text = f"{request.name}-{fault.name}", f"{request.name}: {fault.text}"
    cause = _stopped(request, fault)
    if cause:
        return Fault(name, text, failure=Failure(cause, text))
    # How long a request takes is seen from outside too.
    took = fault.values.get("latency")
    values = {} if took is None else {"latency": took, f"latency.{request.name}": took}
    return Fault(name, text, values, cure=f"{request.name}: {fault.cure}")


def _stopped(request: FlowRequest, fault: Fault) -> Cause | None:
    """Why the request is wrong then, if it is: an expectation is not met, or a value cannot be captured."""
    for one in request.expected():
        if touches(fault, one) and judge(one, fault.values).verdict is not True:
            return one.cause
    return None if _capturable(request, fault) else Cause.BODY


def _capturable(request: FlowRequest, fault: Fault) -> bool:
    if "body" not in fault.values:
        return True
    body = json.dumps(fault.values["json"]) if "json" in fault.values else fault.values["body"]
    try:
        captured(request.capture, body)
    except ValueError:
        return False
    return True
