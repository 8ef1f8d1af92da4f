"""Take back what a command did, after showing what that means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.acting import acting, actor_of
from opsctl.errors import RefusedError, UsageError
from opsctl.ledger.names import command_named
from opsctl.prose import line

if TYPE_CHECKING:
    import sqlite3

    from opsctl.definitions import Workspace
    from opsctl.store.undoing import Undo
    from opsctl.world import World


class Taking(NamedTuple):
    """What undoing does; `by` is the command that did it, None where it was only planned."""

    workspace: str
    timezone: str
    undo: Undo
    by: int | None


def plan(workspace: Workspace, world: World, text: str) -> Taking:
    """What undoing the command named `text` would do; without a name, the last of who runs this that counts.

    Raises UsageError where there is no such command or it was undone already, RefusedError where what was
    done since relies on it, StoreError for a faulty store.
    """
    from opsctl.store.opening import open_store
    from opsctl.store.undoing import plan as planned

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        command = command_named(text) if text else _last(db, actor_of(world).name)
        return Taking(workspace.name, workspace.timezone, planned(db, command), None)


def take_back(workspace: Workspace, world: World, shown: Taking) -> Taking:
    """Undo what was shown; RefusedError where that is not what it would do any more."""
    from opsctl.store.undoing import undo

    with acting(workspace, world) as ledger:
        event, done = undo(ledger, shown.undo.command)
        if done != shown.undo:
            raise RefusedError(
                f"somebody changed {line(', '.join(change.subject for change in done.changes))} meanwhile, "
                f"so nothing was undone; look again: opsctl undo {shown.undo.command} --dry-run"
            )
        return shown._replace(by=event.command)


def _last(db: sqlite3.Connection, actor: str) -> int:
    from opsctl.store.undoing import last_command

    command = last_command(db, actor)
    if command is None:
        raise UsageError(
            f"nothing that {line(actor)} decided counts, so there is nothing to undo; "
            "name a command by its number, as `opsctl log` shows it"
        )
    return command
