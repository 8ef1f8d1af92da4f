"""What the commands on runbooks share: who is there to ask, what is shown, and how a run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commands.console import emit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsctl.commands.deciding import Desk
    from opsctl.errors import ExitCode
    from opsctl.execution import People
    from opsctl.ledger.run import Run
    from opsctl.store.ledger import Ledger


def begin(
    desk: Desk, name: str, texts: Sequence[str], environment: str | None, incident: str | None, *, drill: bool
) -> ExitCode:
    """Begin a run and show how it went; the exit code says whether it is done."""
    from opsctl.ledger.names import subject_named
    from opsctl.parameters import given
    from opsctl.procedures import runbook_named
    from opsctl.running import Start
    from opsctl.running import begin as go

    runbook = runbook_named(desk.workspace, name)
    about = None if incident is None else subject_named(incident, "INC")
    start = Start(given(texts), environment, about, drill)
    return _shown(desk, go(desk.workspace, desk.world, runbook, start, people(desk)))


def resume(desk: Desk, name: str, texts: Sequence[str], *, changed: bool) -> ExitCode:
    """Go on with a run and show how it went."""
    from opsctl.parameters import given
    from opsctl.procedures import run_named, runbook_named
    from opsctl.running import resume as go
    from opsctl.store.opening import open_store

    with open_store(desk.workspace.store, write=False) as store, store.reading() as db:
        run = run_named(db, name)
    runbook = runbook_named(desk.workspace, run.runbook)
    values = given(texts)
    return _shown(desk, go(desk.workspace, desk.world, runbook, run, values, people(desk), changed=changed))


def rehearse(
    desk: Desk, name: str, texts: Sequence[str], environment: str | None, incident: str | None
) -> None:
    """Show what a run would do."""
    from opsctl.formats.runbooks import write_rehearsal
    from opsctl.parameters import given
    from opsctl.procedures import incident_named, runbook_named
    from opsctl.rehearsing import rehearse as show

    runbook = runbook_named(desk.workspace, name)
    if incident is not None:
        incident_named(desk.workspace, incident)
    values, world = given(texts), desk.world
    shown = list(show(desk.workspace, world, runbook, values, lambda _data: None, environment))
    emit(desk.world, write_rehearsal(shown, desk.output))


def tell(desk: Desk, name: str) -> None:
    """Show a run with all that is kept of it."""
    from opsctl.formats.run_story import write_story
    from opsctl.procedures import story

    run, said = story(desk.workspace, name)
    emit(desk.world, write_story(run, said, desk.workspace.timezone, desk.output))


def told(desk: Desk, decision: Callable[[Ledger], Run]) -> None:
    """Keep what somebody says to a run, and show how it stands."""
    from opsctl.acting import acting
    from opsctl.formats.runbooks import write_run

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        run = decision(ledger)
    emit(desk.world, write_run(run, desk.output))


def people(desk: Desk) -> People:
    """Who is at the terminal, if anybody is; what goes on is told on standard error."""
    from opsctl.execution import People
    from opsctl.prose import line, safe

    world = desk.world
    signs = {
        "begin": ">",
        "ok": "+",
        "skipped": "-",
        "failed": "x",
        "unknown": "?",
        "undo": "<",
        "waiting": ".",
    }

    def ask(question: str) -> str | None:
        if not world.interactive:
            return None
        world.stderr.write(f"{line(question)} ")
        world.stderr.flush()
        return world.stdin.readline().strip()

    def show(what: str, words: str) -> None:
        world.stderr.write(f"{signs.get(what, ' ')} {line(words)}\n")
        world.stderr.flush()

    def say(data: bytes) -> None:
        text = safe(data.decode("utf-8", "replace"))
        world.stderr.write("".join(f"  | {one}\n" for one in text.splitlines()))
        world.stderr.flush()

    return People(ask, show, say)


def _shown(desk: Desk, run: Run) -> ExitCode:
    from opsctl.formats.runbooks import write_run
    from opsctl.running import CODES

    emit(desk.world, write_run(run, desk.output))
    return CODES[run.state]
