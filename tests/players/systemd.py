"""Units, and a `systemctl` that tells of them, that fail as `opsctl.faults.systemd` says."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    'active == "active"',
    'active in ["active", "activating"]',
    'sub == "running"',
    'result == "success"',
    'enabled == "enabled"',
    'load == "loaded"',
    "restarts < 5",
    "exit_code == 0",
    "memory < 2GB",
    "uptime > 1m",
)
_WELL = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "ExecMainCode": "0",
    "ExecMainStatus": "0",
    "MemoryCurrent": "52428800",
}
_ENDED = {
    "ActiveState": "failed",
    "SubState": "failed",
    "ExecMainCode": "1",
    "ExecMainStatus": "3",
    "MemoryCurrent": "[not set]",
}
# Of what is done and remains active, and how what is stopped has ended: the first by itself, the other by a signal.
_ONCE = {"SubState": "exited", "ExecMainCode": "1", "MemoryCurrent": "[not set]"}
_STOPPED = {True: {"ExecMainStatus": "0"}, False: {"ExecMainCode": "2", "ExecMainStatus": "15"}}
_NONE = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "UnitFileState": ""}
# As `systemctl show` of the units of a real systemd says it.
_TOLD: Mapping[str, Mapping[str, str]] = {
    "healthy": {},
    "failed": {**_ENDED, "Result": "exit-code"},
    "stopped": {**_ENDED, "ActiveState": "inactive", "SubState": "dead"},
    "restarting": {**_ENDED, "ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"},
    "out-of-memory": {**_ENDED, "Result": "oom-kill", "ExecMainCode": "2", "ExecMainStatus": "9"},
    "between-crashes": {"NRestarts": "50"},
    "not-enabled": {"UnitFileState": "disabled"},
    "leaking": {"MemoryCurrent": str(500 * 10**9)},
    "no-unit": _NONE,
}
_SCRIPTS = {
    "no-systemd": "echo 'System has not been booted with systemd as init system (PID 1).' >&2\nexit 1\n",
    "hangs": "sleep 60\n",
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name in _SCRIPTS:
        return _program(stage, _SCRIPTS[fault.name])
    if fault.name not in _TOLD:
        return None
    active = time.monotonic() - (2 if fault.name == "between-crashes" else 3600)
    entered = {"ActiveEnterTimestampMonotonic": str(int(active * 1e6))}
    once = stage.fields["unit"] == "once"
    told = {**_WELL, **entered, **(_ONCE if once else {}), **_TOLD[fault.name]}
    if fault.name == "stopped":
        told |= _STOPPED[once]
    lines = "\n".join(f"{name}={value}" for name, value in told.items())
    return _program(stage, f"cat <<'end'\n{lines}\nend\n")


@contextmanager
def _program(stage: Stage, script: str) -> Iterator[Mapping[str, Any]]:
    path = stage.folder / "systemctl"
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    stage.ask["environ"] = {"PATH": f"{stage.folder}:{os.environ.get('PATH', os.defpath)}"}
    yield {}
