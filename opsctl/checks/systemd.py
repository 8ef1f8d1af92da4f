"""The `systemd` check: whether a unit runs, since when, and how often it had to be started again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Doc, Matching
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from opsctl.checks import Ask
    from opsctl.processes import Ran

# What systemctl(1) is asked for, which does not change with its version or the language.
_TEXTS = {
    "LoadState": "load",
    "ActiveState": "active",
    "SubState": "sub",
    "Result": "result",
    "UnitFileState": "enabled",
}
_NUMBERS = {"NRestarts": "restarts", "MemoryCurrent": "memory"}
# How the main process ended, by waitid(2): 0 that it has not, 1 by itself, 2 and 3 by a signal.
_ENDED, _STATUS = "ExecMainCode", "ExecMainStatus"
_LEFT, _BY_SIGNAL = 1, (2, 3)
_ENTERED = "ActiveEnterTimestampMonotonic"
_INHERITED = ("PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
# systemd says so where it does not count.
_NOT_COUNTED = 2**64 - 1
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class SystemdCheck:
    """Ask systemd for the state of a unit."""

    unit: Annotated[
        str,
        Matching(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*", "a unit's name, as `nginx.service`"),
        Doc("As `nginx.service`; `.service` may be left out."),
    ]
    user: Annotated[bool, Doc("Whether it is one of the user's own.")] = False

    SHORTHAND: ClassVar[str] = "unit"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "active": Subject(Kind.TEXT, '"active", "inactive", "failed", "activating" and so on.', Cause.STATUS),
        "sub": Subject(Kind.TEXT, 'The same more closely, as "running" or "exited".', Cause.STATUS),
        "result": Subject(Kind.TEXT, 'How it ended last: "success", "exit-code", "oom-kill".', Cause.STATUS),
        "enabled": Subject(Kind.TEXT, 'Whether it starts with the machine, as "enabled".'),
        "load": Subject(Kind.TEXT, 'Whether its file could be read, as "loaded" or "masked".', Cause.STATUS),
        "restarts": Subject(Kind.NUMBER, "How often systemd started it again by itself."),
        "exit_code": Subject(
            Kind.NUMBER, "Of its main process, where that has ended; 128 + n by signal n.", Cause.EXIT_CODE
        ),
        "memory": Subject(Kind.SIZE, "What it holds, where systemd counts it.", Cause.USAGE),
        "uptime": Subject(Kind.DURATION, "Since it became active; only while it is."),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ('active == "active"',)
    TELLING: ClassVar[tuple[str, ...]] = ("sub", "result", "exit_code")

    def target(self) -> str:
        """The unit."""
        return f"{self.unit} of the user" if self.user else self.unit

    def probe(self, ask: Ask) -> Observation:
        """Ask `systemctl show`, which answers without rights."""
        from opsctl.processes import run

        properties = ",".join((*_TEXTS, *_NUMBERS, _ENDED, _STATUS, _ENTERED))
        scope = ["--user"] if self.user else []
        environment = {name: ask.environ[name] for name in _INHERITED if name in ask.environ}
        try:
            ran = run(
                ["systemctl", *scope, "show", f"--property={properties}", "--", self.unit],
                timeout=ask.timeout,
                directory=ask.root,
                environment={**environment, "LC_ALL": "C"},
            )
        except OSError as error:
            words = f"`systemctl` cannot be run: {error.strerror}; is this machine run by systemd?"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        return _observe(ran, ask)


def _observe(ran: Ran, ask: Ask) -> Observation:
    if ran.exit_code is None:
        return Observation(failure=Failure(Cause.TIMEOUT, f"no answer within {ask.timeout:g} s"))
    told = dict(_pairs(ran.stdout.data.decode("utf-8", "replace")))
    if ran.exit_code or not told.get("LoadState") or not told.get("ActiveState"):
        said = (
            shorten(line(ran.stderr.data.decode("utf-8", "replace")), _SHOWN) or "it says nothing of the unit"
        )
        return Observation(failure=Failure(Cause.UNSUPPORTED, f"systemd cannot be asked: {said}"))
    if told["LoadState"] == "not-found":
        return Observation(failure=Failure(Cause.MISSING, "there is no such unit; look at its name"))
    return Observation(dict(_values(told)), evidence={**told})


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for one in text.splitlines():
        name, equals, value = one.partition("=")
        if equals:
            yield name, value.strip()


def _values(told: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    yield from ((name, told[key]) for key, name in _TEXTS.items() if told.get(key))
    for key, name in _NUMBERS.items():
        number = _number(told.get(key, ""))
        if number is not None:
            yield name, number
    ended, status = (_number(told.get(key, "")) for key in (_ENDED, _STATUS))
    if status is not None and (ended == _LEFT or ended in _BY_SIGNAL):
        yield "exit_code", status + (128 if ended in _BY_SIGNAL else 0)
    entered = _number(told.get(_ENTERED, ""))
    if told["ActiveState"] == "active" and entered:
        # Microseconds of the same clock as ours, which no setting of the time moves.
        yield "uptime", max(0.0, time.monotonic() - entered / 1_000_000)


def _number(text: str) -> int | None:
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_NOT_COUNTED)) else None
    return None if found == _NOT_COUNTED else found
