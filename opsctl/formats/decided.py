"""What stands after a decision on an incident, in one or two lines, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.dues import dues_words
from opsctl.formats.incidents import case_data
from opsctl.formats.json_text import json_text
from opsctl.prose import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.caseload import Case


def write(
    case: Case, output: str, now: float, timezone: str, procedure: str | None, *, dry_run: bool = False
) -> str:
    """The incident as it is now, and what is due next; `output` is text or json.

    `procedure` is where its runbook is read, or the command that runs it.
    """
    if output == "json":
        data = {"dry_run": dry_run, **case_data(case, now)}
        return json_text(data)
    return "".join(f"{one}\n" for one in _lines(case, now, timezone, procedure, dry_run=dry_run))


def _lines(case: Case, now: float, timezone: str, procedure: str | None, *, dry_run: bool) -> Iterator[str]:
    incident = case.incident
    services = f" ({', '.join(incident.services)})" if incident.services else ""
    verb = "would be" if dry_run else "is"
    yield f"{incident.subject} {verb} {incident.state}, {incident.severity}: {line(incident.title)}{services}"
    if case.pending:
        yield f"next: {dues_words(case.pending, now, timezone)}"
    if procedure and incident.active:
        joined = f" --incident {incident.subject}" if procedure.startswith("opsctl ") else ""
        yield f"runbook: {procedure}{joined}"
    if incident.state == "resolved" and any(one.what == "review" for one in case.pending):
        yield f"review: opsctl review start {incident.number}"
