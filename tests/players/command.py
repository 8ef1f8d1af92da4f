"""Programs that fail as `opsctl.faults.command` says."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from players.stage import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

_RIGHT = {"text": "all is well\n", "json": '{"status": "ok"}\n', "nagios": "OK - all is well | load=1\n"}
_SIGNALLED = 128
LENSES = (
    "exit_code == 0",
    "exit_code < 2",
    'stdout contains "well"',
    'not stdout contains "OK -"',
    'stderr == ""',
    "latency < 500ms",
    'json.status == "ok"',
)
AS_PLUGIN = (
    *LENSES,
    'plugin_state == "OK"',
    'plugin_state != "UNKNOWN"',
    'message contains "well"',
    "perfdata.load < 4",
)


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    right = _RIGHT[stage.fields.get("format", "text")]
    scripts = {
        "healthy": _printing(right),
        "slow": f"sleep {SLOW}\n{_printing(right)}",
        "timeout": "sleep 60",
    }
    if "exit_code" in fault.values:
        scripts[fault.name] = _ending(fault)
    return _run(stage, fault.name, scripts.get(fault.name))


def _ending(fault: Fault) -> str:
    code = fault.values["exit_code"]
    # A plugin that ends as one that cannot tell still prints that all is well.
    text = fault.values.get("stdout", "OK - all is well\n")
    said = f"{_printing(text)}\n{_printing(fault.values.get('stderr', ''))} >&2\n"
    return said + (f"kill -{code - _SIGNALLED} $$" if code > _SIGNALLED else f"exit {code}")


def _printing(text: str) -> str:
    return f"printf %s {shlex.quote(text)}"


def _run(stage: Stage, name: str, script: str | None) -> Played | None:
    if name == "no-such-program":
        return _written(stage, None)
    return _written(stage, script) if script else None


@contextmanager
def _written(stage: Stage, script: str | None) -> Iterator[Mapping[str, Any]]:
    path = stage.folder / "program"
    path.unlink(missing_ok=True)
    if script is not None:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    yield {"run": [str(path)]}
