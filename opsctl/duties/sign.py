"""The `sign` step: a person's task, done when somebody who may says so, with what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, NotEmpty
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class SignDuty:
    """Ask a person."""

    SHORTHAND: ClassVar[str] = "role"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = True

    role: Annotated[str, NotEmpty(), Doc("Who may: a role of the workspace, or `anyone`.")]
    evidence: Annotated[bool, Doc("Whether it needs a note, an address or a file.")] = False
    attendees: Annotated[bool, Doc("Whether it says who was there.")] = False
    minutes: Annotated[bool, Doc("Whether a file with the minutes is needed.")] = False

    def perform(self, occasion: Occasion) -> Came:
        """Wait for a person."""
        return Came("waiting", f"{self.role}: opsctl routine done {occasion.routine} {occasion.step}")
