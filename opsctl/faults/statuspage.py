"""How a status page, and who it tells of, fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the page, of its vendor, and of the components."""
    yield from unanswered()
    yield slow(timeout)
    for name, cause, text in (
        ("gone", Cause.STATUS, "the page has moved: it answers with status 404"),
        ("no-json", Cause.BODY, "a page for people in place of JSON"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    minor = {"indicator": "minor", "description": "Minor Service Outage", "incidents": 1}
    major = {"indicator": "critical", "description": "Major Service Outage", "incidents": 1}
    said_so = "Service Under Maintenance"
    maintained = {"indicator": "maintenance", "description": said_so, "maintenances": 1}
    if kind.components:
        text = "what we use is not on the page any more"
        yield Fault("no-component", text, failure=Failure(Cause.MISSING, text))
        for name, state, said in (
            ("degraded", "degraded_performance", minor),
            ("outage", "major_outage", major),
            ("maintained", "under_maintenance", maintained),
        ):
            yield Fault(
                name, f"what we use is said to be {state}", {**said, "component": state},
                cure='component == "operational"',
            )  # fmt: skip
        return
    yield Fault("minor", "a part of it fails", minor, cure='indicator == "none"')
    yield Fault("major", "all of it fails", major, cure='indicator == "none"')
    yield Fault("maintained", "it is maintained", maintained, cure='indicator == "none"')
    told = {"incidents": 1, "indicator": "none"}
    yield Fault("told-only", "an incident is open that does not show yet", told, cure="incidents == 0")
