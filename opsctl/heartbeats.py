"""Heartbeats by name: only a name that some check listens for may be signalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.prose import suggestion, ticked

if TYPE_CHECKING:
    from opsctl.definitions import Workspace


def require_heartbeat(workspace: Workspace, name: str) -> None:
    """UsageError where no `heartbeat` check has this name: a mistyped signal would be lost unseen."""
    names = [check.kind.name for _, check in workspace.checks().values() if check.type == "heartbeat"]  # type: ignore[attr-defined]  # a heartbeat has a name
    if name not in names:
        known = (
            f"; the heartbeats are {ticked(names)}"
            if names
            else "; add a check with `heartbeat: " + name + "`"
        )
        raise UsageError(f"no check listens for the heartbeat `{name}`{suggestion(name, names) or known}")
