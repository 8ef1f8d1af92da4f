"""The `run` step: a program with an argument list, never a shell line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.secrets import Template
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class RunStep:
    """Run a program; each value that is filled in stays inside its argument."""

    SHORTHAND: ClassVar[str] = "argv"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    argv: Annotated[tuple[Template, ...], NotEmpty(), Doc("The program and its arguments.")]
    directory: Annotated[str, NotEmpty(), Doc("Where to run it, from the workspace's folder.")] = "."
    environment: Annotated[Mapping[str, Template], Doc("Variables to add.")] = field(default_factory=dict)
    stdin: Annotated[Template | None, Doc("What the program reads.")] = None
    exit_codes: Annotated[tuple[int, ...], OneOrMore(), Doc("The exit codes that are well.")] = (0,)

    def problems(self) -> Iterator[tuple[str, str]]:
        """A program has a name."""
        if not self.argv[0].text.strip():
            yield "argv", "the program's name is empty; write it first in the list"

    def describe(self, values: Mapping[str, str]) -> str:
        """The command as one would type it."""
        import shlex

        return shlex.join(fill(part.text, values) for part in self.argv)

    def perform(self, scene: Scene) -> Done:
        """Run it and wait for it."""
        from opsctl.commanding import Command
        from opsctl.steps.command import perform

        def resolved(template: Template) -> str:
            return fill(scene.secrets.resolve(template), scene.values)

        def command() -> Command:
            return Command(
                [resolved(part) for part in self.argv],
                scene.root / fill(self.directory, scene.values),
                {name: resolved(value) for name, value in self.environment.items()},
                None if self.stdin is None else resolved(self.stdin),
            )

        return perform(scene, command, self.exit_codes)
