"""JSON: one document with everything; `format_version` grows by a minor for additions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import as_data, as_incident, as_passed, compared, head, tail

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun


def write(run: CheckRun, out: Output) -> str:
    """The run as one JSON document; an empty run is one too."""
    document = {
        **head(run),
        "summary": tail(run, out),
        "incidents": [as_incident(one) for one in run.incidents],
        "checks": [as_data(one) for one in run.checked],
        "maintenance": [as_passed(one) for one in run.maintenance],
        **compared(run),
    }
    return json_text(document)
