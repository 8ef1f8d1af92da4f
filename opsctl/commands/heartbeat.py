"""`opsctl heartbeat`: a job says that it started, succeeded or failed, for its `heartbeat` check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import open_workspace
from opsctl.commands.groups import add_group
from opsctl.commands.options import Where

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.store.beats import Signal

Name = Annotated[str, typer.Argument(help="The job's name, as the check has it.")]
Message = Annotated[str, typer.Option("-m", "--message", metavar="TEXT", help="What to remember of it.")]

EPILOG = """Examples:

\b
  opsctl heartbeat start backup
  opsctl heartbeat ok backup
  opsctl heartbeat fail backup -m "disk full"

In a crontab:

\b
  0 3 * * * backup.sh && opsctl heartbeat ok backup || opsctl heartbeat fail backup
"""


def register(app: typer.Typer) -> None:
    """Add the group `heartbeat` to the application."""
    group = add_group(app, "heartbeat", "Say that a job started, succeeded or failed.", EPILOG)
    group.command()(start)
    group.command()(ok)
    group.command()(fail)


def start(name: Name, message: Message = "", where: Where = None) -> None:
    """The job has started."""
    _signal(name, "start", message, where)


def ok(name: Name, message: Message = "", where: Where = None) -> None:
    """The job has succeeded."""
    _signal(name, "ok", message, where)


def fail(name: Name, message: Message = "", where: Where = None) -> None:
    """The job has failed."""
    _signal(name, "fail", message, where)


def _signal(name: str, signal: Signal, message: str, where: Path | None) -> None:
    from opsctl.heartbeats import require_heartbeat
    from opsctl.store.beats import beat
    from opsctl.store.opening import open_store
    from opsctl.world import this_world

    world = this_world()
    workspace = open_workspace(where, world.environ, light=True)
    require_heartbeat(workspace, name)
    with open_store(workspace.store, write=True) as store:
        beat(store, name, signal, world.now, message)
