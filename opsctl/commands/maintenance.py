"""`opsctl maintenance`: times in which checks do not count."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import asked, emit
from opsctl.commands.deciding import desk_at
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Format, Reason, Selectors, Where

EPILOG = """Examples:

\b
  opsctl maintenance start api tag:db --for 2h --reason "new disks"
  opsctl maintenance start all --until 18:00 --reason "move of the rack"
  opsctl maintenance end               all that was begun by hand; or one, as MNT-2
  opsctl maintenance list              what is on, and what comes

A check in maintenance is neither up nor down: it is not made, opens nothing, and promises nothing.
Windows that recur stand in the workspace under `maintenance:`.
"""


def register(app: typer.Typer) -> None:
    """Add the group `maintenance` to the application."""
    group = add_group(app, "maintenance", "Maintenance: times in which checks do not count.", EPILOG)
    group.command()(start)
    group.command()(end)
    group.command("list")(list_)


def start(
    selectors: Selectors = None,
    lasts: Annotated[str | None, typer.Option("--for", metavar="LENGTH", help="As 2h.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="As 18:00.")] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Put checks into maintenance from now on."""
    from opsctl.acting import acting
    from opsctl.commands.maintenance_desk import end_of
    from opsctl.formats.maintenance import write_decided
    from opsctl.maintaining import start as begin

    desk = desk_at(where, output, dry_run=dry_run)
    ends = end_of(desk, selectors, lasts, until)
    why = asked(desk.world, reason, "the reason", "add --reason")
    with acting(desk.workspace, desk.world, dry_run=dry_run) as ledger:
        begun = begin(ledger, desk.workspace, selectors or (), why, ends, desk.world.now)
    emit(desk.world, write_decided([begun], desk.workspace.timezone, output))


def end(
    maintenance: Annotated[
        str | None,
        typer.Argument(
            autocompletion=recorded("MNT"), help="As MNT-2; all by default.", metavar="[MAINTENANCE]"
        ),
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """End maintenance that was begun by hand."""
    from opsctl.acting import acting
    from opsctl.formats.maintenance import write_decided
    from opsctl.maintaining import end as finish

    desk = desk_at(where, output, dry_run=dry_run)
    with acting(desk.workspace, desk.world, dry_run=dry_run) as ledger:
        found = finish(ledger, maintenance, desk.world.now)
    emit(desk.world, write_decided(found, desk.workspace.timezone, output))


def list_(output: Format = "text", where: Where = None) -> None:
    """List what is on, and what comes next."""
    from opsctl.formats.maintenance import write
    from opsctl.maintaining import planned
    from opsctl.store.opening import open_store

    desk = desk_at(where, output)
    with open_store(desk.workspace.store, write=False) as store, store.reading() as db:
        found = planned(desk.workspace, db, desk.world.now)
    emit(desk.world, write(found, desk.world.now, desk.workspace.timezone, output))
