"""How an application that tells of its health fails, and how its telling does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the endpoint, of the application, and of its components."""
    yield from unanswered()
    yield slow(timeout)
    for name, cause, text in (
        ("error-page", Cause.STATUS, "an error page, with status 503"),
        ("login-page", Cause.BODY, "a login page in place of the answer"),
        ("empty-body", Cause.BODY, "status 200 and nothing in it"),
        ("broken-json", Cause.BODY, "JSON that is cut off"),
        ("up-and-503", Cause.STATUS, "it says UP, with status 503"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    if kind.components:
        text = "it does not tell of a component any more"
        yield Fault("no-component", text, failure=Failure(Cause.MISSING, text))
        yield from _stated("component", "a component that matters")
        return
    yield from _stated("status", "the whole")
    hidden = frozenset({"components", "failing"})
    yield Fault("hollow", "it says UP, and looks at nothing any more", {}, hidden, cure="components > 0")


def _stated(about: str, whose: str) -> Iterator[Fault]:
    cure = f'{about} == "up"'
    down = {"status": "down", "failing": ["db"], about: "down"}
    yield Fault("down", f"{whose} is down", down, cure=cure)
    yield Fault("down-and-200", f"{whose} is down, with status 200", {**down, "code": 200}, cure=cure)
    yield Fault("new-word", f"{whose} is STARTING, which nobody knows", {about: "down"}, cure=cure)
    limping = {"status": "degraded", "failing": ["cache"], about: "degraded"}
    yield Fault("degraded", f"{whose} is degraded", limping, cure=cure)
