"""`opsctl backlog`: the group, and what reads and exchanges: `list`, `show`, `matrix`, `export`, `import`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands import backlog_decisions, backlog_proof
from opsctl.commands.completing import recorded
from opsctl.commands.console import emit, none_found, one_of, open_workspace, opened, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Format, Out, Where

EPILOG = """Examples:

\b
  opsctl backlog add "Alert on replica lag" --priority high --effort 4h --measure "incidents tag:replica 28d"
  opsctl backlog list --mine
  opsctl backlog show 12                 with the reasons for its place in the order
  opsctl backlog plan 12 13 --iteration next
  opsctl backlog start 12                keeps what the measure says now
  opsctl backlog done 12 --spent 3h
  opsctl backlog verify 12               says whether it helped
  opsctl backlog matrix -o markdown
  opsctl backlog edit 12 --due friday --tag replica
  opsctl backlog prioritise 12 high --impact high --effort 4h
  opsctl backlog reject 12 --reason "the service goes away"
  opsctl backlog export > backlog.csv
  opsctl backlog import backlog.csv --dry-run
"""
_Many = Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or csv.")]


def register(app: typer.Typer) -> None:
    """Add the group `backlog` to the application."""
    group = add_group(
        app, "backlog", "Improvements: propose, plan and do them, and show that they helped.", EPILOG
    )
    backlog_decisions.register(group)
    backlog_proof.register(group)
    group.command("list")(list_)
    group.command()(show)
    group.command()(matrix)
    group.command()(export)
    group.command("import")(import_)


def list_(
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="open, planned ...; repeatable.")
    ] = None,
    priority: Annotated[
        list[str] | None, typer.Option("--priority", metavar="PRIORITY", help="critical ...; repeatable.")
    ] = None,
    owner: Annotated[
        list[str] | None, typer.Option("--owner", metavar="NAME", help="Only of them; repeatable.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you own.")] = False,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only with it; repeatable.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option("-s", "--service", metavar="SERVICE", help="Only of it; repeatable.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="As PIR-7; repeatable.")
    ] = None,
    iteration: Annotated[
        str | None, typer.Option("--iteration", metavar="ITR", help="Only what it carries, as ITR-3.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what is overdue; exits 1 where something is.")
    ] = False,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Only what is done and not shown to help.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is proven or rejected.")] = False,
    output: _Many = "text",
    where: Where = None,
) -> None:
    """List what is to be done or verified, the most urgent first."""
    from opsctl.acting import actor_of
    from opsctl.backlog import Wanted, priorities_named, states_named, stock
    from opsctl.formats.backlog import write_list
    from opsctl.ledger.names import subject_named
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json", "csv"))
    world = this_world()
    wanted = Wanted(
        states=states_named(state or ()),
        priorities=priorities_named(priority or ()),
        owners=(*(owner or ()), *([actor_of(world).name] if mine else [])),
        tags=tuple(tag or ()),
        services=tuple(service or ()),
        sources=tuple(source or ()),
        iteration=subject_named(iteration, "ITR") if iteration else None,
        overdue=overdue,
        unproven=unproven,
        everything=everything,
    )
    found = stock(open_workspace(where, world.environ, light=True), wanted, world.now)
    emit(world, write_list(found, output, reader_of(world)))
    if output == "text" and not found.rows:
        world.stderr.write(none_found("item", everything=everything))
    raise typer.Exit(1 if overdue and found.rows else 0)


def show(
    item: Annotated[str, typer.Argument(autocompletion=recorded("OPS"), help="As OPS-12 or 12.")],
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show an item, why it stands where it does in the order, and what its measure says."""
    from opsctl.backlog import dossier
    from opsctl.formats.backlog import write_dossier

    world, workspace = opened(where, output, ("text", "json"))
    found = dossier(workspace, item, world.now)
    emit(world, write_dossier(found, output, reader_of(world)))


def matrix(
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, markdown or json.")
    ] = "text",
    where: Where = None,
) -> None:
    """Draw what is to be done by impact and effort: quick wins, major projects, fillers, what to defer."""
    from opsctl.backlog import OPEN, Wanted, stock
    from opsctl.formats.matrix import write
    from opsctl.matrix import placed
    from opsctl.policies import policies

    world, workspace = opened(where, output, ("text", "markdown", "json"))
    rows = stock(workspace, Wanted(states=OPEN), world.now).rows
    placed_ = placed((row.item for row in rows), policies(workspace).backlog)
    emit(world, write(placed_, output, reader_of(world)))


def export(
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="csv or json.")] = "csv",
    out: Out = None,
    where: Where = None,
) -> None:
    """Write every item, for a spreadsheet or another program; `import` takes it back."""
    from opsctl.backlog import Wanted, stock
    from opsctl.formats.backlog import write_list

    world, workspace = opened(where, output, ("csv", "json"))
    found = stock(workspace, Wanted(everything=True), world.now)
    emit(world, write_list(found, output, reader_of(world)), out)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or JSON; `-` reads standard input.")],
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Add the items of a file, and change those that it names; all of them, or none."""
    from opsctl.acting import acting
    from opsctl.backlog_import import read, take_in
    from opsctl.errors import UsageError
    from opsctl.formats.backlog_import import write

    world, workspace = opened(where, output, ("text", "json"))
    try:
        with sys.stdin if str(file) == "-" else file.open(encoding="utf-8", newline="") as stream:
            rows = read(str(file), stream)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    with acting(workspace, world, dry_run=dry_run) as ledger:
        taken = take_in(ledger, workspace, rows)
    emit(world, write(taken, output, dry_run=dry_run))
