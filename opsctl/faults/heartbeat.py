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
    # How long it took is known of a success that no other run has followed.
    untold = frozenset({"duration"})
    yield Fault("failed", "its last run failed", {"failed": True}, untold, cure="failed == false")
    hanging = {"late": True, "overdue": DAY, "age": DAY, "running": True}
    text = "it has run for a day and does not end"
    yield Fault("hanging", text, hanging, untold, cure="late == false")
