"""The `checklist` step: a gate that has to be open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, Name, NotEmpty
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class ChecklistStep:
    """Evaluate a checklist for a subject."""

    SHORTHAND: ClassVar[str] = "name"
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"checklist": "name"}

    name: Annotated[Name, Doc("Which.")]
    subject: Annotated[str | None, NotEmpty(), Doc("For what; the run itself by default.")] = None

    def describe(self, values: Mapping[str, str]) -> str:
        """What is evaluated."""
        return f"checklist {self.name}" + (f" for {fill(self.subject, values)}" if self.subject else "")

    def perform(self, scene: Scene) -> Done:
        """Go on where it is open."""
        from opsctl.errors import OpsctlError
        from opsctl.gatekeeping import Asked, decide
        from opsctl.gating import summary
        from opsctl.outcome import Verdict

        subject = fill(self.subject, scene.values) if self.subject else scene.run
        asked = Asked(self.name, subject, scene.environment, record=False)
        try:
            found = decide(scene.workspace, scene.world, asked).evaluation
        except OpsctlError as error:
            return Done("failed", str(error))
        words = f"{self.name} is {found.verdict}: {summary(found)}"
        return Done("failed" if found.verdict.open else "ok", words, sure=found.verdict is Verdict.FAIL)
