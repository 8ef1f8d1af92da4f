"""The `run` step: a program with an argument list, never a shell line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.prose import line, shorten
from opsctl.secrets import Template
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class RunDuty:
    """Run a program."""

    SHORTHAND: ClassVar[str] = "argv"
    EFFECT: ClassVar[Effect] = "change"
    ANSWERED: ClassVar[bool] = False

    argv: Annotated[tuple[Template, ...], NotEmpty(), Doc("The program and its arguments.")]
    directory: Annotated[str, NotEmpty(), Doc("Where to run it, from the workspace's folder.")] = "."
    environment: Annotated[Mapping[str, Template], Doc("Variables to add.")] = field(default_factory=dict)
    exit_codes: Annotated[tuple[int, ...], OneOrMore(), Doc("The exit codes that are well.")] = (0,)

    def problems(self) -> Iterator[tuple[str, str]]:
        """A program has a name."""
        if not self.argv[0].text.strip():
            yield "argv", "the program's name is empty; write it first in the list"

    def perform(self, occasion: Occasion) -> Came:
        """Run it and wait for it."""
        from opsctl.commanding import Command, carry_out
        from opsctl.secrets import SecretMissingError, Secrets

        workspace, environ = occasion.workspace, occasion.world.environ
        secrets = Secrets(environ, workspace.root)
        try:
            argv = [secrets.resolve(part) for part in self.argv]
            variables = {name: secrets.resolve(value) for name, value in self.environment.items()}
            command = Command(argv, workspace.root / self.directory, variables)
            ran = carry_out(command, environ=environ, timeout=occasion.timeout)
        except (OSError, ValueError, SecretMissingError) as error:
            return Came("unknown", f"it cannot be run: {line(secrets.mask(str(error)))}")
        if ran.timed_out:
            return Came("failed", f"it still ran after {occasion.timeout:g} s and was ended")
        said = (ran.stderr.text or ran.stdout.text).strip().splitlines()
        last = f": {line(shorten(secrets.mask(said[-1]), 200))}" if said else ""
        return Came(
            "ok" if ran.exit_code in self.exit_codes else "failed", f"exit code {ran.exit_code}{last}"
        )
