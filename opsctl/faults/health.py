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
    whose, about = ("a component that matters", "component") if kind.components else ("the whole", "status")
    cure = f'{about} == "up"'
    for name, text, state, code in (
        ("down", f"{whose} is down", "down", 503),
        ("down-and-200", f"{whose} is down, with status 200", "down", 200),
        ("new-word", f"{whose} is STARTING, which nobody knows", "down", 200),
        ("degraded", f"{whose} is degraded", "degraded", 200),
    ):
        values = {"status": state, about: state, "failing": ["db"], "code": code}
        yield Fault(name, text, values, cure=cure)
    if kind.components:
        text = "it does not tell of a component any more"
        yield Fault("no-component", text, failure=Failure(Cause.MISSING, text))
    else:
        hidden = frozenset({"components", "failing"})
        yield Fault("hollow", "it says UP, and looks at nothing any more", {}, hidden, cure="components > 0")
