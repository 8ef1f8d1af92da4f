"""The `review` step: what there is to look at is gathered, and a person looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import count, shorten
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class ReviewDuty:
    """Look at incidents, alerts, the backlog, waivers, the freshness of runbooks, metrics or documents."""

    SHORTHAND: ClassVar[str] = "of"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = True

    of: Annotated[
        Literal["incidents", "alerts", "backlog", "waivers", "freshness", "metrics", "docs"], Doc("What.")
    ]
    by: Annotated[str, NotEmpty(), Doc("Who may: a role of the workspace, or `anyone`.")] = "anyone"

    @property
    def role(self) -> str:
        """Who may answer."""
        return self.by

    def perform(self, occasion: Occasion) -> Came:
        """Gather it; where there is nothing to look at, it is done."""
        from opsctl.surveying import survey

        found = survey(occasion.workspace, self.of, occasion.since, occasion.world.now)
        if not found:
            return Came("ok", f"{self.of}: nothing to look at")
        shown = shorten("; ".join(found), 600)
        return Came("waiting", f"{self.of}: {count('thing', len(found))} to look at: {shown}")
