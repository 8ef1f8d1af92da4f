"""What the commands on backlog items share: a decision in one transaction, and what stands after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import emit

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.backlog import Row
    from opsctl.commands.deciding import Desk
    from opsctl.errors import ExitCode
    from opsctl.ledger.item import Item
    from opsctl.measures import Verdict
    from opsctl.planning import Plan
    from opsctl.store.ledger import Ledger

Name = Annotated[str, typer.Argument(autocompletion=recorded("OPS"), help="As OPS-12 or 12.", metavar="ITEM")]


def keep(desk: Desk, decision: Callable[[Ledger], Item]) -> Row:
    """Decide on an item in one transaction, and show what stands then."""
    from opsctl.acting import acting
    from opsctl.backlog import where
    from opsctl.formats.backlog import write_decided

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        row = where(ledger.db, desk.workspace, decision(ledger), ledger.recorded)
    now, timezone = desk.world.now, desk.workspace.timezone
    emit(desk.world, write_decided(row, desk.output, now, timezone, dry_run=desk.dry_run))
    return row


def plan(desk: Desk, wanted: Plan) -> None:
    """Carry out a plan, which may be to look only, and show what every iteration carries."""
    from opsctl.formats.iterations import write
    from opsctl.iterations import planned

    if wanted.new or wanted.items or wanted.iteration:
        from opsctl.acting import acting
        from opsctl.planning import carry_out

        with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
            shown = carry_out(ledger, desk.workspace, wanted)
    else:
        shown = planned(desk.workspace, desk.world.now)
    emit(desk.world, write(shown, desk.output))
    if desk.output == "text" and not shown.loads:
        desk.world.stderr.write(
            'no iteration; begin one with --new "Sprint 12" --starts monday --capacity 160h\n'
        )


def prove(desk: Desk, decision: Callable[[Ledger], tuple[Item, Verdict]]) -> ExitCode:
    """Verify an item, show what it came to, and answer the exit code for that."""
    from opsctl.acting import acting
    from opsctl.backlog import where
    from opsctl.formats.backlog import write_verdict
    from opsctl.improving import exit_code

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        item, verdict = decision(ledger)
        row = where(ledger.db, desk.workspace, item, ledger.recorded)
    emit(desk.world, write_verdict(row, verdict, desk.output))
    return exit_code(verdict)
