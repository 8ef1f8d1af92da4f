"""The `command` check: run a program and judge its exit code, its output, or what it says as a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from opsctl.limits import Doc, NotEmpty
from opsctl.outcome import Cause, Failure, Kind, Observation, Subject, Value
from opsctl.secrets import SecretMissingError, Template

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.checks import Ask
    from opsctl.processes import Output, Ran

# What programs need to find others, their user's files, their language and the time of day; all else,
# secrets first of all, a command gets only where `environment` says so.
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
# A half of what may be judged: an output that is longer than twice this is never judged in part.
_KEEP = 512 * 1024
_SHOWN = 2048


@dataclass(frozen=True, kw_only=True)
class CommandCheck:
    """Run a program; an argument list, never a shell line."""

    run: Annotated[
        tuple[Template, ...],
        NotEmpty(),
        Doc("The program and its arguments; other users can see them, so pass secrets by `environment`."),
    ]
    directory: Annotated[
        str, NotEmpty(), Doc("Where to run it; the workspace's folder is the base of a relative path.")
    ] = "."
    environment: Annotated[
        Mapping[str, Template],
        Doc(f"Variables to add; of its own, opsctl hands on only {', '.join(_INHERITED)}."),
    ] = field(default_factory=dict)
    stdin: Annotated[Template | None, Doc("What the program reads; nothing where it is left out.")] = None
    format: Annotated[
        Literal["text", "json", "nagios"],
        Doc("What it prints; `nagios` is a monitoring plugin, whose exit code 0, 1, 2 or 3 is the state."),
    ] = "text"

    SHORTHAND: ClassVar[str] = "run"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "exit_code": Subject(Kind.NUMBER, "The exit code; 128 + n where signal n ended it.", Cause.EXIT_CODE),
        "stdout": Subject(Kind.TEXT, "What it printed.", Cause.OUTPUT),
        "stderr": Subject(Kind.TEXT, "What it printed as errors.", Cause.OUTPUT),
        "json": Subject(Kind.JSON, "What it printed, as JSON, or a value in it.", Cause.OUTPUT),
        "latency": Subject(Kind.DURATION, "How long it ran.", Cause.SLOW),
        "plugin_state": Subject(
            Kind.TEXT,
            'A plugin\'s state by its exit code: "OK", "WARNING", "CRITICAL", "UNKNOWN".',
            Cause.EXIT_CODE,
        ),
        "message": Subject(Kind.TEXT, "A plugin's first line, without performance data.", Cause.OUTPUT),
        "perfdata.*": Subject(
            Kind.NUMBER,
            "A plugin's measurement by its label in lower case; times in seconds, sizes in bytes.",
        ),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("exit_code == 0",)

    def expectations(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is expected, and what is wished, of a check that names neither."""
        if self.format == "nagios":
            return ('plugin_state in ["OK", "WARNING"]',), ('plugin_state == "OK"',)
        return self.EXPECT, ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What cannot work, by field."""
        for name in self.environment:
            if not name or "=" in name or "\0" in name:
                yield "environment", f"`{name}` cannot be the name of a variable; use letters, digits and `_`"
        if self.run and not self.run[0].text:
            yield "run", "the program's name is empty; write it first in the list"

    def target(self) -> str:
        """The command as one would type it."""
        import shlex

        return shlex.join(part.text for part in self.run)

    def probe(self, ask: Ask) -> Observation:
        """Run the program and wait for it."""
        from opsctl.processes import run

        try:
            prepared = self._prepare(ask)
        except SecretMissingError as error:
            return Observation(failure=Failure(Cause.SECRET, str(error)), evidence={"command": self.target()})
        try:
            ran = run(
                prepared.argv,
                timeout=ask.timeout,
                directory=prepared.directory,
                environment=prepared.environment,
                stdin=prepared.stdin,
                keep=_KEEP,
            )
        except (OSError, ValueError) as error:
            failure = _not_started(self.run[0].text, prepared.directory, error)
            return Observation(failure=failure, evidence={"command": self.target()})
        return self._observe(ran, ask)

    def _prepare(self, ask: Ask) -> _Prepared:
        inherited = {name: ask.environ[name] for name in _INHERITED if name in ask.environ}
        added = {name: ask.resolve(value) for name, value in self.environment.items()}
        return _Prepared(
            [ask.resolve(part) for part in self.run],
            ask.root / self.directory,
            inherited | added,
            None if self.stdin is None else ask.resolve(self.stdin).encode("utf-8", "surrogateescape"),
        )

    def _observe(self, ran: Ran, ask: Ask) -> Observation:
        evidence = _evidence(self.target(), ran)
        if ran.exit_code is None:
            words = f"it still ran after {ask.timeout:g} s and was ended; raise `timeout` if it needs longer"
            return Observation(failure=Failure(Cause.TIMEOUT, words), evidence=evidence)
        values: dict[str, Value] = {"exit_code": ran.exit_code}
        failure = _as_plugin(ran, ran.exit_code, values) if self.format == "nagios" else None
        if failure:
            return Observation(values, failure, evidence)
        values["latency"] = ran.duration
        for name, output in (("stdout", ran.stdout), ("stderr", ran.stderr)):
            if name in ask.wanted:
                failure = failure or _as_text(name, output, values)
        if self.format == "json" or "json" in ask.wanted:
            failure = failure or _as_json(ran, values, ask.keys)
        return Observation(values, failure, evidence)


class _Prepared(NamedTuple):
    argv: list[str]
    directory: Path
    environment: Mapping[str, str]
    stdin: bytes | None


def _not_started(program: str, directory: Path, error: OSError | ValueError) -> Failure:
    if not isinstance(error, OSError):
        return Failure(Cause.UNSUPPORTED, f"`{program}` cannot be run: {error}")
    if isinstance(error, PermissionError):
        words = (
            f"`{program}` may not be run here: {error.strerror}; look at the mode of the file and its folders"
        )
        return Failure(Cause.PERMISSION, words)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if not directory.is_dir():
            return Failure(Cause.UNSUPPORTED, f"there is no folder {directory} to run `{program}` in")
        words = (
            f"there is no program `{program}`, or not the interpreter that its first line names; install it"
        )
        return Failure(Cause.UNSUPPORTED, words)
    return Failure(Cause.UNSUPPORTED, f"`{program}` cannot be run: {error.strerror or error}")


def _as_plugin(ran: Ran, exit_code: int, values: dict[str, Value]) -> Failure | None:
    from opsctl.plugins import parse, state

    if ran.stdout.left_out:
        return _too_long("stdout", ran.stdout)
    printed = parse(ran.stdout.text)
    values["plugin_state"] = state(exit_code)
    if values["plugin_state"] == "UNKNOWN":
        # A plugin that could not tell has shown nothing either, whatever it prints.
        said = printed.message or ran.signal or "it printed nothing"
        return Failure(Cause.PLUGIN, f"the plugin could not tell (exit code {exit_code}): {said}")
    if printed.message:
        values["message"] = printed.message
    values.update((f"perfdata.{label}", value) for label, value in printed.perfdata.items())
    return None


def _as_text(name: str, output: Output, values: dict[str, Value]) -> Failure | None:
    if output.left_out:
        return _too_long(name, output)
    values[name] = output.text
    return None


def _as_json(ran: Ran, values: dict[str, Value], keys: frozenset[str] | None) -> Failure | None:
    from opsctl.strict_json import RepeatedKeyError, read_json

    if ran.stdout.left_out:
        return _too_long("stdout", ran.stdout)
    try:
        values["json"] = read_json(ran.stdout.data, keys, finite=True)
    except RepeatedKeyError as error:
        return Failure(Cause.OUTPUT, f"stdout is {error} (the exit code is {ran.exit_code})")
    except (ValueError, RecursionError) as error:
        words = f"stdout is not JSON (the exit code is {ran.exit_code}): {error}"
        return Failure(Cause.OUTPUT, words)
    return None


def _too_long(name: str, output: Output) -> Failure:
    size = len(output.head) + output.left_out + len(output.tail)
    return Failure(
        Cause.TOO_LARGE, f"{name} is {size} bytes long; only {2 * _KEEP} can be judged, so print less"
    )


def _evidence(command: str, ran: Ran) -> Mapping[str, Value]:
    evidence: dict[str, Value] = {"command": command}
    if ran.exit_code is not None:
        evidence["exit_code"] = ran.exit_code
    if ran.signal:
        evidence["signal"] = ran.signal
    for name, output in (("stdout", ran.stdout), ("stderr", ran.stderr)):
        if output.head:
            evidence[name] = _excerpt(output)
    return evidence


def _excerpt(output: Output) -> str:
    """The start and the end of an output, cut between words: half a secret would not be masked."""
    text = output.text
    if len(text) <= 2 * _SHOWN:
        return text
    start, end = text[:_SHOWN], text[-_SHOWN:]
    start = start[: 1 + max(start.rfind(" "), start.rfind("\n"))]
    breaks = [at for at in (end.find(" "), end.find("\n")) if at >= 0]
    end = end[min(breaks) :] if breaks else ""
    return f"{start}\n... {len(text) - len(start) - len(end)} characters left out ...\n{end}"
