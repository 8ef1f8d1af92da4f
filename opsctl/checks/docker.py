"""The `docker` check: a container's state and health, as its daemon tells them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.checks.http import ANSWER, HttpCheck, ask_for_json, ask_plainly
from opsctl.connecting import within
from opsctl.limits import Doc, Matching, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask

# The latest version of the API whose answers are known here; a daemon that is older is asked in its own.
_NEWEST = (1, 47)
_LAST_LINES = 2000
# As Docker shows ids. It takes fewer letters for one too: `db` for what begins with them.
_SHORTEST_ID = 12
# Of these a daemon tells the exit code 0 as well.
_NOT_ENDED = frozenset({"created", "paused"})


@dataclass(frozen=True, kw_only=True)
class DockerCheck:
    """Look at a container of Docker, or of Podman's service, on this machine; nothing is changed."""

    container: Annotated[
        str,
        Matching(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", "a container's name or id"),
        Doc("The name, or at least the first 12 letters of the id."),
    ]
    socket: Annotated[str, NotEmpty(), Doc("The daemon's socket.")] = "/var/run/docker.sock"

    SHORTHAND: ClassVar[str] = "container"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "healthy": Subject(
            Kind.BOOLEAN, "Whether it runs and its health check, where it has one, says so.", Cause.STATUS
        ),
        "state": Subject(
            Kind.TEXT,
            '"created", "running", "paused", "restarting", "removing", "exited" or "dead".',
            Cause.STATUS,
        ),
        "health": Subject(
            Kind.TEXT, 'What its health check says: "starting", "healthy" or "unhealthy".', Cause.STATUS
        ),
        "failing": Subject(Kind.NUMBER, "How often in a row the health check has failed.", Cause.STATUS),
        "restarts": Subject(Kind.NUMBER, "How often it was restarted by itself."),
        "exit_code": Subject(Kind.NUMBER, "How it ended, where it has.", Cause.EXIT_CODE),
        "out_of_memory": Subject(Kind.BOOLEAN, "Whether it was killed for want of memory.", Cause.USAGE),
        "uptime": Subject(Kind.DURATION, "Since it was started, where it runs."),
        "image": Subject(Kind.TEXT, "The image's name, as it was given."),
        "image_id": Subject(Kind.TEXT, 'The image\'s digest, as "sha256:...".'),
        "api": Subject(Kind.TEXT, 'The version of the API that was spoken, as "1.47".'),
        "latency": Subject(Kind.DURATION, "From the start to the last answer.", Cause.SLOW),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("healthy == true",)
    TELLING: ClassVar[tuple[str, ...]] = ("state", "health", "exit_code")

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if "\0" in self.socket:
            yield "socket", "a path cannot hold a NUL character"

    def target(self) -> str:
        """The container."""
        return self.container

    def probe(self, ask: Ask) -> Observation:
        """Agree on a version and look, within `ask.timeout` seconds in all."""
        unfit = _unfit(ask.root / self.socket)
        if unfit:
            return Observation(failure=unfit)
        deadline = within(ask.timeout)
        greeted = ask_plainly(self._request("/_ping"), ask._replace(wanted=frozenset({"header"})))
        if greeted.failure:
            return greeted._replace(values={})
        version = _agreed(greeted.values.get("header.api-version"))
        if version is None:
            return Observation(failure=Failure(Cause.PROTOCOL, f"{self.socket} is not Docker's"))
        late = Failure(Cause.TIMEOUT, f"no whole answer within {ask.timeout:g} s")
        try:
            left = ask._replace(timeout=deadline.left())
        except TimeoutError:
            return Observation(failure=late)
        request = self._request(f"/v{version}/containers/{self.container}/json")
        seen = ask_for_json(request, left, missing=f"there is no container `{self.container}`")
        if seen.failure:
            return seen._replace(failure=late) if seen.failure.cause is Cause.TIMEOUT else seen
        told = seen.values["json"]
        state = told.get("State") if isinstance(told, dict) else None
        if (
            not isinstance(told, dict)
            or not isinstance(state, dict)
            or not isinstance(state.get("Status"), str)
        ):
            return Observation(failure=Failure(Cause.BODY, "the answer is not Docker's"))
        other = self._other(told)
        if other:
            return Observation(failure=other)
        took = (_number(greeted.values.get("latency")) or 0) + (_number(seen.values["latency"]) or 0)
        values = {**_state(state, ask.now), **_container(told), "api": version, "latency": took}
        return Observation(values, None, _evidence(state))

    def _other(self, told: Mapping[str, Any]) -> Failure | None:
        """That the answer is about another container, whose id happens to begin with what is a name here."""
        name, whole = (str(told.get(key, "")) for key in ("Name", "Id"))
        name = name.removeprefix("/")
        if name == self.container or (
            len(self.container) >= _SHORTEST_ID and whole.startswith(self.container)
        ):
            return None
        found = shorten(line(name), 100)
        words = f"there is no container `{self.container}`; the daemon took it for the id of `{found}`"
        return Failure(Cause.MISSING, words)

    def _request(self, path: str) -> HttpCheck:
        return HttpCheck(url=Template(f"http://localhost{path}"), unix_socket=self.socket, max_body=ANSWER)


def _unfit(path: Path) -> Failure | None:
    """Why the socket cannot be asked, if so; libcurl would only say that it did not work."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Failure(Cause.MISSING, f"{path} is not there; is Docker running?")
    except OSError as error:
        return Failure(Cause.PERMISSION, f"{path} cannot be reached: {(error.strerror or '').lower()}")
    if not stat.S_ISSOCK(mode):
        return Failure(Cause.UNSUPPORTED, f"{path} is not a socket")
    if not os.access(path, os.R_OK | os.W_OK):
        return Failure(
            Cause.PERMISSION, f"{path} may not be used; the group `docker` may, and it is like root"
        )
    return None


def _agreed(offered: Value) -> str | None:
    """The older of the newest versions that the daemon and we know; None where it names none."""
    found = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", str(offered))
    return "{}.{}".format(*min((int(found[1]), int(found[2])), _NEWEST)) if found else None


def _state(state: Mapping[str, Any], now: float) -> dict[str, Value]:
    health = state.get("Health")
    said = health.get("Status") if isinstance(health, dict) else None
    # Podman tells an empty one, and Docker "none", of a container without a health check.
    checked = isinstance(said, str) and said not in {"", "none"}
    running = state["Status"] == "running"
    values: dict[str, Value] = {
        "state": state["Status"],
        "healthy": running and (said == "healthy" or not checked),
    }
    if checked:
        values["health"] = said
        values |= _known("failing", health.get("FailingStreak") if isinstance(health, dict) else None)
    if running:
        values |= _known("uptime", _since(state.get("StartedAt"), now))
    elif state["Status"] not in _NOT_ENDED:
        values |= _known("exit_code", state.get("ExitCode"))
    if isinstance(state.get("OOMKilled"), bool):
        values["out_of_memory"] = state["OOMKilled"]
    return values


def _container(told: Mapping[str, Any]) -> dict[str, Value]:
    values = _known("restarts", told.get("RestartCount"))
    config = told.get("Config")
    for name, found in (
        ("image", config.get("Image") if isinstance(config, dict) else None),
        ("image_id", told.get("Image")),
    ):
        if isinstance(found, str):
            values[name] = found
    return values


def _known(name: str, found: object) -> dict[str, Value]:
    number = _number(found)
    return {} if number is None else {name: number}


def _number(found: object) -> int | float | None:
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _since(text: object, now: float) -> float | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return now - (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _evidence(state: Mapping[str, Any]) -> dict[str, Value]:
    """What the health check said last, and what the daemon could not do."""
    health = state.get("Health")
    log = health.get("Log") if isinstance(health, dict) else None
    last = log[-1] if isinstance(log, list) and log and isinstance(log[-1], dict) else {}
    found = {"output": last.get("Output"), "error": state.get("Error")}
    return {name: text[-_LAST_LINES:] for name, text in found.items() if isinstance(text, str) and text}
