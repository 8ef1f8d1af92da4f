"""The `shell` step: a shell script, which sees values as variables only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class ShellStep:
    """Run a script; no value ever becomes part of its text."""

    SHORTHAND: ClassVar[str] = "script"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    script: Annotated[str, NotEmpty(), Doc("The script; values are in its environment by their names.")]
    shell: Annotated[tuple[str, ...], NotEmpty(), Doc("What reads it.")] = ("/bin/sh", "-eu", "-c")
    directory: Annotated[str, NotEmpty(), Doc("Where to run it, from the workspace's folder.")] = "."
    exit_codes: Annotated[tuple[int, ...], OneOrMore(), Doc("The exit codes that are well.")] = (0,)

    def problems(self) -> Iterator[tuple[str, str]]:
        """A blank would splice a value into the script."""
        if "{{" in self.script:
            yield "script", 'a value is never spliced into a script; use its variable, as "$host"'

    def describe(self, values: Mapping[str, str]) -> str:
        """The script, and what it sees."""
        seen = ", ".join(f"{name}={value}" for name, value in values.items())
        return self.script.strip() + (f"  [{seen}]" if seen else "")

    def perform(self, scene: Scene) -> Done:
        """Run it and wait for it."""
        from opsctl.commanding import Command
        from opsctl.steps.command import perform

        command = Command([*self.shell, self.script], scene.root / self.directory, scene.values)
        return perform(scene, lambda: command, self.exit_codes)
