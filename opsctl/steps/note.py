"""The `note` step: words for whoever runs the runbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class NoteStep:
    """Say something, and go on."""

    SHORTHAND: ClassVar[str] = "say"
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = False

    say: Annotated[str, NotEmpty(), Doc("The words; values are filled in.")]

    def describe(self, values: Mapping[str, str]) -> str:
        """The words."""
        return fill(self.say, values)

    def perform(self, scene: Scene) -> Done:
        """Show the words."""
        words = fill(self.say, scene.values)
        scene.emit(words.encode() + b"\n")
        return Done("ok", words)
