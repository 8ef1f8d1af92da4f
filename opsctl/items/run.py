"""The `run` item: a command that must end well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.outcome import Value, Verdict
from opsctl.prose import line, shorten
from opsctl.secrets import Template

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class RunItem:
    """Run a program; an argument list, never a shell line."""

    SHORTHAND: ClassVar[str] = "argv"
    MANUAL: ClassVar[bool] = False

    argv: Annotated[tuple[Template, ...], NotEmpty(), Doc("The program and its arguments.")]
    directory: Annotated[str, NotEmpty(), Doc("Where to run it, from the workspace's folder.")] = "."
    environment: Annotated[Mapping[str, Template], Doc("Variables to add.")] = field(default_factory=dict)
    exit_codes: Annotated[tuple[int, ...], OneOrMore(), Doc("The exit codes that are well.")] = (0,)

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """How it ended, and the start and the end of what it said."""
        from opsctl.commanding import Command, carry_out
        from opsctl.secrets import SecretMissingError

        try:
            ran = carry_out(
                Command(
                    [ask.secrets.resolve(part) for part in self.argv],
                    ask.workspace.root / self.directory,
                    {name: ask.secrets.resolve(value) for name, value in self.environment.items()},
                ),
                environ=ask.world.environ,
                timeout=ask.timeout,
            )
        except (OSError, ValueError, SecretMissingError) as error:
            return {"unknown": f"{line(self.argv[0].text)} cannot be run: {line(str(error))}"}
        return {
            "exit_code": ran.exit_code,
            "timed_out": ran.timed_out,
            "duration": ran.duration,
            "stdout": ask.secrets.mask(shorten(ran.stdout.text, 20_000)),
            "stderr": ask.secrets.mask(shorten(ran.stderr.text, 20_000)),
        }

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """It ended with one of the exit codes that are well."""
        shown = line(shorten(" ".join(part.text for part in self.argv), 60))
        if facts.get("timed_out"):
            return Finding(Verdict.FAIL, f"{shown} took too long and was ended", f"run it: {shown}")
        code = facts.get("exit_code")
        if code in self.exit_codes:
            return Finding(Verdict.PASS, f"{shown} exited {code}")
        said = str(facts.get("stderr") or facts.get("stdout") or "").strip().splitlines()
        last = f": {line(shorten(said[-1], 120))}" if said else ""
        return Finding(Verdict.FAIL, f"{shown} exited {code}{last}", f"run it: {shown}")
