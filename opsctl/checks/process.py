"""The `process` check: which processes run, since when, and how much memory they hold."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value

if TYPE_CHECKING:
    from opsctl.checks import Ask

_PROC = Path("/proc")
_DEAD = frozenset({"Z", "X", "x"})
_MOST_SHOWN = 20
# Calls of opsctl carry the words they look for, be it by `sh -c`, `sudo` or an editor of crontabs.
_OURS = re.compile(r"(^|[\s/])opsctl(\s|$)")


@dataclass(frozen=True, kw_only=True)
class ProcessCheck:
    """Look for processes by name or by command line."""

    name: Annotated[
        str | None,
        NotEmpty(),
        Doc("The program's name, by the kernel or by the first word of its command line."),
    ] = None
    pattern: Annotated[
        re.Pattern[str] | None,
        Doc("A regular expression that the command line holds; calls of opsctl itself never count."),
    ] = None
    user: Annotated[str | None, NotEmpty(), Doc("The user, by name or number, who runs it.")] = None

    SHORTHAND: ClassVar[str] = "name"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "count": Subject(Kind.NUMBER, "How many of them run; zombies do not.", Cause.MISSING),
        "youngest_age": Subject(Kind.DURATION, "Since the last of them was started."),
        "oldest_age": Subject(Kind.DURATION, "Since the first of them was started."),
        "memory": Subject(
            Kind.SIZE, "The memory they hold together; what is shared counts each time.", Cause.USAGE
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("count >= 1",)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        if self.name is None and self.pattern is None:
            yield "name", "nothing says which processes are meant; add `name` or `pattern`"

    def target(self) -> str:
        """The name and the pattern as they are written."""
        words = [self.name or "", f"/{self.pattern.pattern}/" if self.pattern else ""]
        return " ".join(filter(None, [*words, f"of {self.user}" if self.user else ""]))

    def probe(self, ask: Ask) -> Observation:  # noqa: ARG002 - the kernel answers at once
        """Go through all processes once."""
        try:
            user = None if self.user is None else _number(self.user)
            listing = _listing(_PROC)
        except KeyError:
            words = f"there is no user `{self.user}` on this machine; fix `user`"
            return Observation(failure=Failure(Cause.UNSUPPORTED, words))
        except OSError:
            return Observation(
                failure=Failure(Cause.UNSUPPORTED, f"this system lists no processes in {_PROC}")
            )
        found = [one for one in listing.processes if self._means(one) and user in {None, one.user}]
        if found:
            return Observation(_values(found), evidence={"processes": _shown(found)})
        if listing.hidden:
            words = (
                "the processes of other users are hidden here (`hidepid`), so it may run; run opsctl as root"
            )
            return Observation(failure=Failure(Cause.PERMISSION, words))
        return Observation({"count": 0}, Failure(Cause.MISSING, f"no process is {self.target()}"))

    def _means(self, one: _Process) -> bool:
        if self.name is not None and self.name not in {one.name, Path(one.line.partition("\0")[0]).name}:
            return False
        if self.pattern is None:
            return True
        line = one.line.replace("\0", " ").strip()
        return one.pid != os.getpid() and not _OURS.search(line) and bool(self.pattern.search(line))


class _Process(NamedTuple):
    """A process: its arguments are joined by NUL in `line`, its age is in seconds, its memory in bytes."""

    pid: int
    user: int
    name: str
    line: str
    age: float
    memory: int


class _Listing(NamedTuple):
    processes: list[_Process]
    hidden: bool


def _number(user: str) -> int:
    import pwd

    return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid


def _listing(proc: Path) -> _Listing:
    folders = [folder for folder in proc.iterdir() if folder.name.isdecimal()]
    processes, hidden = [], not (proc / "1").exists()
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    for folder in folders:
        try:
            process = _process(folder, uptime)
        except (FileNotFoundError, ProcessLookupError):
            # It ended while we looked.
            continue
        except PermissionError:
            hidden = True
            continue
        if process:
            processes.append(process)
    return _Listing(processes, hidden)


def _process(folder: Path, uptime: float) -> _Process | None:
    """What `/proc/PID` says (see proc(5)); None for what has ended and was not yet collected."""
    before, _, after = (folder / "stat").read_bytes().decode("utf-8", "replace").rpartition(")")
    fields = after.split()
    if fields[0] in _DEAD:
        return None
    return _Process(
        pid=int(folder.name),
        user=folder.stat().st_uid,
        name=before.partition("(")[2],
        line=(folder / "cmdline").read_bytes().decode("utf-8", "replace"),
        age=max(0.0, uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")),
        memory=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def _values(found: list[_Process]) -> Mapping[str, Value]:
    ages = [one.age for one in found]
    return {
        "count": len(found),
        "youngest_age": min(ages),
        "oldest_age": max(ages),
        "memory": sum(one.memory for one in found),
    }


def _shown(found: list[_Process]) -> list[Value]:
    return [f"{one.pid} {one.name}" for one in found[:_MOST_SHOWN]]
