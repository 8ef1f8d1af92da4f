"""The `prune` step: results that are older than the retention says are deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc
from opsctl.prose import line
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class PruneDuty:
    """Delete old results."""

    SHORTHAND: ClassVar[str] = ""
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False

    compact: Annotated[bool, Doc("Whether the file is made smaller too.")] = False

    def perform(self, occasion: Occasion) -> Came:
        """Delete them."""
        from opsctl.storage import prune

        workspace = occasion.workspace
        words = prune(workspace, occasion.world.now, compact=self.compact, dry_run=False)
        return Came("ok", line(words))
