"""What the commands on incidents share: which incident is meant, and what stands after a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import asked, emit, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsctl.caseload import Case
    from opsctl.commands.deciding import Desk
    from opsctl.ledger.incident import Incident
    from opsctl.store.ledger import Ledger

Name = Annotated[
    str | None,
    typer.Argument(
        autocompletion=recorded("INC"),
        help="As INC-7 or 7; by default the only active one.",
        metavar="[INCIDENT]",
    ),
]


def said_of(incident: str | None, text: Sequence[str] | None) -> tuple[str | None, str | None]:
    """The incident's name and the words; a first word with spaces in it is no name but a quoted text."""
    from opsctl.commands.deciding import words

    if incident is not None and len(incident.split()) > 1 and not text:
        return None, incident
    return incident, words(text)


def named(desk: Desk, name: str | None, *, active: bool = True) -> str | None:
    """The name, or which one a person means where several are active; None for the only one.

    With `active` False nothing can be meant by default. Raises UsageError where nobody can be asked.
    """
    from opsctl.caseload import Wanted, caseload
    from opsctl.formats.incidents import write_list

    if name is not None or (active and not desk.world.interactive):
        return name
    load = caseload(desk.workspace, Wanted(everything=not active), desk.world.now)
    if active and sum(one.incident.active for one in load.cases) <= 1:
        return None
    if desk.world.interactive:
        desk.world.stderr.write(write_list(load, "text", reader_of(desk.world)))
    return asked(desk.world, None, "which incident", "name it, as INC-7") or None


def the(ledger: Ledger, name: str | None) -> Incident:
    """The incident that a name means, or the only active one; UsageError where there is none."""
    from opsctl.caseload import found

    return found(ledger.db, name)


def decide(desk: Desk, decision: Callable[[Ledger], Incident]) -> Case:
    """Decide in one transaction, and show what stands then."""
    from opsctl.acting import acting
    from opsctl.caseload import case_of
    from opsctl.finding import procedure
    from opsctl.formats.decided import write

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        case = case_of(ledger.db, desk.workspace, decision(ledger))
    way = procedure(desk.workspace.root, case.incident.runbook)
    shown = write(case, desk.output, desk.world.now, desk.workspace.timezone, way, dry_run=desk.dry_run)
    emit(desk.world, shown)
    return case


def show_similar(desk: Desk, case: Case) -> None:
    """Name the incidents of the past that are most like this one, for people."""
    if desk.output != "text":
        return
    from opsctl.formats.search import similar_lines
    from opsctl.searching import similar

    found = similar(desk.workspace, case.incident.title, case.incident.subject)
    emit(desk.world, "".join(f"{one}\n" for one in similar_lines(found, desk.workspace.timezone)))
