"""`opsctl routine`: what is due at times, for cron and for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands import routine_export
from opsctl.commands.completing import declared, parts_of
from opsctl.commands.console import asked, emit, one_of, reader_of
from opsctl.commands.deciding import desk_at
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Format, Quiet, Reason, Where

EPILOG = """Examples:

\b
  */5 * * * * opsctl routine run --due --quiet     the one line that cron needs
  opsctl routine due                               what is due, overdue since when, and whose it is
  opsctl routine run morning                       now, by hand
  opsctl routine done morning standup --note "all well" --attendees alice,bob
  opsctl routine done                              on a terminal: one after the other
  opsctl routine skip morning --reason "public holiday"
  opsctl routine next -n 5

`run` exits 1 where something failed or was missed, and 3 where nobody knows; `due` exits 1 where something is
overdue, 3 where routines were never seen to, and 4 where something waits for people.
"""
Name = Annotated[
    str, typer.Argument(autocompletion=declared("routines"), help="Which routine.", metavar="ROUTINE")
]
Maybe = Annotated[
    str | None,
    typer.Argument(
        autocompletion=declared("routines"), help="Which routine; all by default.", metavar="[ROUTINE]"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group `routine` to the application."""
    group = add_group(
        app, "routine", "Routines: what is due at times, and the proof that it was done.", EPILOG
    )
    for command in (due, show, run, done, skip, history, next_, lint):
        group.command(command.__name__.rstrip("_"))(command)
    group.command("list")(list_)
    routine_export.register(group)


def list_(output: Format = "text", where: Where = None) -> None:
    """List the routines of the workspace, with when each is due next."""
    from opsctl.commands.routine_desk import upcoming
    from opsctl.formats.routines import write_list

    desk = desk_at(where, output, light=False)
    known = desk.workspace.routines
    first = {name: next(iter(found), None) for name, found in upcoming(desk, None, 1).items()}
    emit(desk.world, write_list(known, first, desk.workspace.timezone, output, reader_of(desk.world)))


def due(
    everything: Annotated[bool, typer.Option("--all", help="Also what is well.")] = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show what is due, overdue or failed, since when, and whose it is."""
    from opsctl.agenda import agenda, exit_code
    from opsctl.formats.routines import write_agenda

    desk = desk_at(where, output, light=False)
    found = agenda(desk.workspace, desk.world.now)
    zone = desk.workspace.timezone
    emit(desk.world, write_agenda(found, desk.world.now, zone, output, everything=everything))
    raise typer.Exit(exit_code(found))


def show(routine: Name, output: Format = "text", where: Where = None) -> None:
    """Show a routine with its steps and how it stands."""
    from opsctl.agenda import agenda, routine_named
    from opsctl.commands.routine_desk import upcoming
    from opsctl.formats.routines import write_routine

    desk = desk_at(where, output, light=False)
    one = routine_named(desk.workspace, routine)
    point = next(found for found in agenda(desk.workspace, desk.world.now) if found.routine is one)
    first = next(iter(upcoming(desk, routine, 1)[one.id]), None)
    emit(desk.world, write_routine(point, first, desk.workspace.timezone, desk.world.now, output))


def run(
    routine: Maybe = None,
    due: Annotated[bool, typer.Option("--due", help="Run what is due, and nothing else.")] = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Run what is due, or one routine now; overlapping runs do nothing twice."""
    from opsctl.commands.routine_desk import run as go

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    raise typer.Exit(go(desk, routine, due=due, quiet=quiet))


def done(
    routine: Annotated[
        str | None,
        typer.Argument(autocompletion=declared("routines"), help="Which routine.", metavar="[ROUTINE]"),
    ] = None,
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=parts_of("routines"), help="Its steps; all by default.", metavar="[STEP]..."
        ),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What there is to say.")] = "",
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Where it can be seen.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Minutes or evidence; kept with its hash.")
    ] = None,
    attendees: Annotated[
        str | None, typer.Option("--attendees", metavar="NAMES", help="Who was there, as alice,bob.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="It was not done, or does not hold.")] = False,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Say that tasks were done; without a routine, on a terminal, go through all that wait."""
    from opsctl.answering import Proof
    from opsctl.commands.routine_desk import answer, go_through

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    people = tuple(one.strip() for one in (attendees or "").split(",") if one.strip())
    proof = Proof(note, url, file, people, failed)
    if routine is None:
        raise typer.Exit(go_through(desk))
    answer(desk, routine, steps or (), proof)


def skip(
    routine: Name,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Leave out the time that waits, or else the next one."""
    from opsctl.acting import acting
    from opsctl.agenda import routine_named
    from opsctl.answering import skip as leave_out
    from opsctl.formats.routines import write_slot

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    one = routine_named(desk.workspace, routine)
    why = asked(desk.world, reason, "the reason", "add --reason")
    with acting(desk.workspace, desk.world, dry_run=dry_run) as ledger:
        slot = leave_out(ledger, desk.workspace, one, why, desk.world.now)
    emit(desk.world, write_slot(slot, desk.workspace.timezone, output))


def history(
    routine: Maybe = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="How many; 0 for all.")] = 20,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show what became of past times, the newest first."""
    from opsctl.agenda import routine_named
    from opsctl.formats.routines import write_history
    from opsctl.store.opening import open_store
    from opsctl.store.slots import slots_of

    desk = desk_at(where, output, light=False)
    name = None if routine is None else routine_named(desk.workspace, routine).id
    with open_store(desk.workspace.store, write=False) as store, store.reading() as db:
        found = slots_of(db, name, limit or -1)
    emit(desk.world, write_history(found, desk.workspace.timezone, output, reader_of(desk.world)))


def next_(
    routine: Maybe = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000, help="How many of each.")] = 1,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show the next times, in their order."""
    from opsctl.commands.routine_desk import upcoming
    from opsctl.formats.routines import write_times

    desk = desk_at(where, output, light=False)
    emit(desk.world, write_times(upcoming(desk, routine, limit), desk.workspace.timezone, output))


def lint(output: Format = "text", where: Where = None) -> None:
    """Find tasks that are nobody's, times that pile up, and routines that show nothing."""
    from opsctl.formats.routines import write_findings
    from opsctl.routine_linting import findings

    one_of("--output", output, ("text", "json"))
    desk = desk_at(where, output, light=False)
    found = findings(desk.workspace, desk.world.now)
    emit(desk.world, write_findings(found, output))
    raise typer.Exit(1 if found else 0)
