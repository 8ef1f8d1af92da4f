"""The `report` step: the report of the last whole period is written to a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import line
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion

_OUT = "reports/{date}-{period}.md"


@dataclass(frozen=True, kw_only=True)
class ReportDuty:
    """Write a report."""

    SHORTHAND: ClassVar[str] = "period"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False

    period: Annotated[Literal["daily", "weekly", "monthly", "quarterly", "yearly"], Doc("Which.")]
    out: Annotated[str, NotEmpty(), Doc("The file; `{date}` is the day, `{period}` the period.")] = _OUT

    def perform(self, occasion: Occasion) -> Came:
        """Write it whole, in the workspace's folder."""
        from opsctl.formats.reports import write
        from opsctl.periods import period
        from opsctl.reporting import gather
        from opsctl.writing import write_whole

        workspace, now = occasion.workspace, occasion.world.now
        zone = workspace.routines[occasion.routine].plan.timezone or workspace.timezone
        # A report that is caught up late is that of its own day, and not once more that of today.
        asked = period(self.period, None, None, occasion.due, zone, last=True)
        text = write(gather(workspace, asked, now, charts=False), self.period, "markdown", workspace.root)
        name = self.out.replace("{date}", occasion.day).replace("{period}", self.period)
        path = workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        return Came("ok", f"wrote {line(name)}", name)
