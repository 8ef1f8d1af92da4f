"""What stands after a decision on an incident, in one or two lines, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opsctl.formats.dues import dues_words
from opsctl.formats.incidents import case_data
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.caseload import Case


def write(case: Case, output: str, now: float, timezone: str, *, dry_run: bool = False) -> str:
    """The incident as it is now, and what is due next; `output` is text or json."""
    if output == "json":
        data = {"format_version": "1.0", "dry_run": dry_run, **case_data(case, now)}
        return json.dumps(data, indent=2, allow_nan=False) + "\n"
    return "".join(f"{one}\n" for one in _lines(case, now, timezone, dry_run=dry_run))


def _lines(case: Case, now: float, timezone: str, *, dry_run: bool) -> Iterator[str]:
    incident = case.incident
    services = f" ({', '.join(incident.services)})" if incident.services else ""
    verb = "would be" if dry_run else "is"
    yield f"{incident.subject} {verb} {incident.state}, {incident.severity}: {line(incident.title)}{services}"
    if case.pending:
        yield f"next: {dues_words(case.pending, now, timezone)}"
    if incident.runbook and incident.active:
        yield f"runbook: runbooks/{incident.runbook}.md"
    if incident.state == "resolved" and any(one.what == "review" for one in case.pending):
        yield f"review: opsctl review start {incident.number}"
