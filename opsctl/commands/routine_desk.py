"""What the commands on routines share: what is run, who answers, and when things come next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commands.console import emit
from opsctl.errors import ExitCode, UsageError, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsctl.agenda import Task
    from opsctl.answering import Proof
    from opsctl.commands.deciding import Desk
    from opsctl.duty_kinds import Came
    from opsctl.routine_running import Ran
    from opsctl.routines import Routine


def run(desk: Desk, name: str | None, *, due: bool, quiet: bool) -> ExitCode:
    """Run what is due, or one routine now, and show how it went."""
    from opsctl.agenda import routine_named
    from opsctl.formats.routines import write_ran
    from opsctl.routine_running import run_due, run_now

    if name is None and not due:
        raise UsageError("name a routine, or add `--due` to run what is due")
    routine = None if name is None else routine_named(desk.workspace, name)
    if desk.dry_run:
        return _rehearse(desk, routine, due=due)
    if routine is None or due:
        found = run_due(desk.workspace, desk.world, name, _teller(desk, quiet=quiet))
    else:
        found = run_now(desk.workspace, desk.world, routine, _teller(desk, quiet=quiet))
    emit(desk.world, write_ran(found, desk.workspace.timezone, desk.output, quiet=quiet))
    return _code(found)


def answer(desk: Desk, name: str, steps: Sequence[str], proof: Proof) -> None:
    """Keep what a person says of tasks, and show how the routine stands."""
    from opsctl.acting import acting
    from opsctl.agenda import routine_named
    from opsctl.answering import answer as say
    from opsctl.formats.routines import write_slot

    routine = routine_named(desk.workspace, name)
    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        slot = say(ledger, desk.workspace, routine, steps, proof)
    emit(desk.world, write_slot(slot, desk.workspace.timezone, desk.output))


def go_through(desk: Desk) -> ExitCode:
    """Ask for every task that waits, one after the other; Enter leaves one for later."""
    from opsctl.agenda import agenda

    if not desk.world.interactive:
        raise UsageError("name a routine; without a terminal nobody can be asked")
    left = 0
    for point in agenda(desk.workspace, desk.world.now):
        for task in point.tasks:
            duty = point.routine.duty(task.step)
            if duty is not None and duty.kind.ANSWERED:
                left += not _ask(desk, point.routine, task, duty.kind)
    emit(desk.world, "nothing waits for you\n" if not left else f"{left} left for later\n")
    return ExitCode.WAITING if left else ExitCode.YES


def upcoming(desk: Desk, name: str | None, most: int) -> dict[str, list[float]]:
    """The next times of a routine, or of all."""
    from opsctl.agenda import next_times, routine_named
    from opsctl.store.opening import open_store

    workspace = desk.workspace
    wanted = workspace.routines.values() if name is None else [routine_named(workspace, name)]
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return {one.id: next_times(workspace, db, one, desk.world.now, most) for one in wanted}


def _ask(desk: Desk, routine: Routine, task: Task, kind: object) -> bool:
    """Whether a person has answered."""
    from opsctl.answering import Proof
    from opsctl.errors import OpsctlError
    from opsctl.prose import line

    words = line(task.text or task.message)
    said = _put(desk, f"{routine.id}/{task.step}: {words} [yes/no/Enter for later] ").lower()
    if said not in {"y", "yes", "n", "no"}:
        return False
    note = _put(desk, "  note: ")
    people = _put(desk, "  who was there: ") if getattr(kind, "attendees", False) else ""
    there = tuple(one.strip() for one in people.split(",") if one.strip())
    try:
        answer(desk, routine.id, [task.step], Proof(note, attendees=there, failed=said[0] == "n"))
    except OpsctlError as error:
        desk.world.stderr.write(f"  {error}\n")
        return False
    return True


def _put(desk: Desk, question: str) -> str:
    desk.world.stderr.write(question)
    desk.world.stderr.flush()
    return desk.world.stdin.readline().strip()


def _rehearse(desk: Desk, routine: Routine | None, *, due: bool) -> ExitCode:
    from opsctl.agenda import agenda
    from opsctl.formats.routines import write_agenda

    points = agenda(desk.workspace, desk.world.now)
    points = [
        one
        for one in points
        if routine in (None, one.routine) and (not due or one.state in {"due", "overdue"})
    ]
    zone = desk.workspace.timezone
    emit(desk.world, write_agenda(points, desk.world.now, zone, desk.output, everything=True))
    return ExitCode.YES


def _teller(desk: Desk, *, quiet: bool) -> Callable[[str, str, Came], None]:
    live = desk.world.stderr.isatty() and not quiet

    def show(routine: str, step: str, came: Came) -> None:
        if live:
            from opsctl.prose import line

            desk.world.stderr.write(f"{routine}/{step}: {came.outcome}: {line(came.message)}\n")
            desk.world.stderr.flush()

    return show


def _code(found: Sequence[Ran]) -> ExitCode:
    codes = [ExitCode.YES]
    for ran in found:
        outcomes = {came.outcome for _, came in ran.news}
        missed = ran.slot is not None and (ran.slot.state == "missed" or ran.slot.missed > 0)
        if ran.trouble or missed or "failed" in outcomes:
            codes.append(ExitCode.NO)
        if "unknown" in outcomes:
            codes.append(ExitCode.UNKNOWN)
    return worst(codes)
