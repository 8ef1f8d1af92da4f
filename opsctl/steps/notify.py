"""The `notify` step: a command is given a message to send; what sends it is the workspace's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.secrets import Template
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class NotifyStep:
    """Tell somebody."""

    SHORTHAND: ClassVar[str] = ""
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    by: Annotated[tuple[Template, ...], NotEmpty(), Doc("The command; it reads the message.")]
    say: Annotated[str, NotEmpty(), Doc("The message; values are filled in.")]
    environment: Annotated[Mapping[str, Template], Doc("Variables to add, as a secret address.")] = field(
        default_factory=dict
    )

    def describe(self, values: Mapping[str, str]) -> str:
        """The message."""
        return f"tell: {fill(self.say, values)}"

    def perform(self, scene: Scene) -> Done:
        """Hand the message to the command."""
        from opsctl.commanding import Command
        from opsctl.steps.command import perform

        argv = [fill(scene.secrets.resolve(part), scene.values) for part in self.by]
        message = fill(self.say, scene.values)
        variables = {
            name: fill(scene.secrets.resolve(value), scene.values) for name, value in self.environment.items()
        }
        return perform(scene, lambda: Command(argv, scene.root, variables, message), (0,))
