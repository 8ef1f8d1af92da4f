"""How a container fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the daemon and of the container."""
    for name, cause, text in (
        ("no-daemon", Cause.MISSING, "the daemon's socket is not there"),
        ("not-allowed", Cause.PERMISSION, "the socket may not be used"),
        ("hangs", Cause.TIMEOUT, "the daemon does not answer"),
        ("no-container", Cause.MISSING, "there is no such container"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    # Of what has ended, Docker says that it is unhealthy, and how often its check had failed before.
    ended = {"healthy": False, "state": "exited", "health": "unhealthy", "exit_code": 1}
    gone = frozenset({"uptime"})
    yield Fault("exited", "it has ended", ended, gone, cure="healthy == true")
    killed = {**ended, "exit_code": 137, "out_of_memory": True}
    yield Fault("out-of-memory", "it was killed for want of memory", killed, gone, cure="healthy == true")
    again = {**ended, "state": "restarting", "restarts": 100}
    yield Fault("crashes", "it is started again and again", again, gone, cure="healthy == true")
    young = {"healthy": True, "state": "running", "restarts": 100, "uptime": 1.0}
    yield Fault("between-crashes", "it has been started again just now", young, cure="uptime > 1m")
    sick = {"healthy": False, "state": "running", "health": "unhealthy", "failing": 3}
    yield Fault("unhealthy", "its health check fails", sick, cure="healthy == true")
    unchecked = frozenset({"health", "failing"})
    yield Fault(
        "unchecked",
        "it has no health check any more",
        {"healthy": True},
        unchecked,
        cure='health == "healthy"',
    )
    other = {"image": "other.invalid/image:old", "image_id": "sha256:0"}
    yield Fault("other-image", "it runs another image", other, cure='image == "the image it should be"')
    yield slow(timeout)
