"""How a unit fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of systemd and of a service."""
    for name, cause, text in (
        ("no-unit", Cause.MISSING, "there is no such unit"),
        ("no-systemd", Cause.UNSUPPORTED, "systemd cannot be asked"),
        ("hangs", Cause.TIMEOUT, "systemd does not answer"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    gone = frozenset({"uptime", "memory"})
    for name, state, sub, result, text, ended in (
        ("failed", "failed", "failed", "exit-code", "it has failed", 1),
        ("stopped", "inactive", "dead", "success", "somebody has stopped it", None),
        ("restarting", "activating", "auto-restart", "exit-code", "it waits to be started again", 1),
        ("out-of-memory", "failed", "failed", "oom-kill", "it was killed for want of memory", 137),
    ):
        values: dict[str, Any] = {"active": state, "sub": sub, "result": result}
        if ended is not None:
            values["exit_code"] = ended
        yield Fault(name, text, values, gone, cure='active == "active"')
    again = {"active": "active", "uptime": 2.0, "restarts": 50}
    yield Fault("between-crashes", "it has been started again just now", again, cure="uptime > 1m")
    yield Fault(
        "not-enabled",
        "it will not start with the machine",
        {"enabled": "disabled"},
        cure='enabled == "enabled"',
    )
    yield Fault("leaking", "it takes 500 GB of memory", {"memory": 500 * 10**9}, cure="memory < 2GB")
