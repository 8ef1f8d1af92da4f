"""Docker's daemons, and containers, that fail as `opsctl.faults.docker` says."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from checks.dockers import EXITED, RUNNING, health, serving, told
from players.stage import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from players.stage import Played, Stage

    from opsctl.faults import Fault

LENSES = (
    "healthy == true",
    'state == "running"',
    'health == "healthy"',
    "failing == 0",
    "failing < 3",
    "restarts < 5",
    "exit_code == 0",
    "out_of_memory == false",
    "uptime > 1m",
    'image == "nginx:1.27"',
    'image_id == "sha256:0123"',
    "latency < 500ms",
)
_NAME = "web-1"


def _since(seconds: float) -> Mapping[str, Any]:
    return {"StartedAt": datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()}


_WELL = {**RUNNING, **health("healthy")}
# Of what has ended, Docker says that it is not healthy, however its last check went.
_ENDED = {**EXITED, "ExitCode": 1, "OOMKilled": False, **health("unhealthy")}
_OTHER = {"Image": "sha256:0", "Config": {"Image": "other.invalid/image:old"}}
# What the daemon tells of the container, and of its state.
_TOLD: Mapping[str, Mapping[str, Any]] = {
    "healthy": {},
    "slow": {},
    "exited": {"State": _ENDED},
    "out-of-memory": {"State": {**_ENDED, "ExitCode": 137, "OOMKilled": True}},
    "crashes": {"State": {**_ENDED, "Status": "restarting"}, "RestartCount": 100},
    "between-crashes": {"State": _WELL, "RestartCount": 100},
    "unhealthy": {"State": {**_WELL, **health("unhealthy", 3)}},
    "unchecked": {"State": RUNNING},
    "other-image": _OTHER,
}


def play(stage: Stage, fault: Fault) -> Played | None:
    """Play it; None for what is not known here."""
    if fault.name == "no-daemon":
        return nullcontext({"socket": str(stage.folder / "none.sock")})
    known = {*_TOLD, "no-container", "not-allowed", "hangs"}
    return _daemon(stage, fault.name) if fault.name in known else None


@contextmanager
def _daemon(stage: Stage, name: str) -> Iterator[Mapping[str, Any]]:
    path = stage.folder / "docker.sock"
    with serving(path) as daemon:
        if name != "no-container":
            container = {**told(_WELL), "RestartCount": 0, **_TOLD.get(name, {})}
            running = _since(1 if name == "between-crashes" else 3600)
            state = container["State"]
            daemon.containers[_NAME] = {
                **container,
                "State": {**state, **(running if state["Running"] else {})},
            }
        if name == "not-allowed":
            path.chmod(0)
        if name in {"slow", "hangs"}:
            _delay(daemon, SLOW if name == "slow" else 5.0)
        yield {"socket": str(path)}


def _delay(daemon: Any, seconds: float) -> None:
    answer = daemon.answer

    def late(path: str) -> Any:
        # Agreeing on a version is not the whole of it.
        time.sleep(seconds if path != "/_ping" else 0.0)
        return answer(path)

    daemon.answer = late
