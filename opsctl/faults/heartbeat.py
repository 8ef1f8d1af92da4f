"""How a job fails to report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a job that runs at times."""
    late = {"late": True, "overdue": 30 * DAY, "age": 31 * DAY}
    yield Fault("silent", "nothing was heard of it for a month", late, cure="late == false")
    yield Fault("failed", "its last run failed", {"failed": True}, cure="failed == false")
    yield Fault(
        "hanging",
        "it has run for a day and does not end",
        {"late": True, "running": True},
        cure="late == false",
    )
