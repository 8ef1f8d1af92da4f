"""NDJSON: a line for the run, one for each check and incident, and one that sums up; each has its `type`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.formats.summary import as_data, as_incident, as_passed, compared, head, tail

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun


def write(run: CheckRun, out: Output) -> str:
    """The run as JSON lines."""
    records = [
        {"type": "run", **head(run)},
        *({"type": "check", **as_data(one)} for one in run.checked),
        *({"type": "maintenance", **as_passed(one)} for one in run.maintenance),
        *({"type": "incident", **as_incident(one)} for one in run.incidents),
        {"type": "summary", **tail(run, out), **compared(run)},
    ]
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
