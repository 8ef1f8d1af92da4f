"""The `reviews` item: no post-incident review is overdue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc
from opsctl.outcome import Value, Verdict
from opsctl.prose import listed

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class ReviewsItem:
    """Ask which reviews are overdue."""

    SHORTHAND: ClassVar[str] = ""
    MANUAL: ClassVar[bool] = False

    overdue: Annotated[int, Between(0, 1000), Doc("How many may be.")] = 0

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The reviews that are overdue as of the time that is asked about."""
        from opsctl.reviewing import owed

        late: list[Value] = [
            {"review": f"PIR-{one.incident.number}", "due": one.due}
            for one in owed(ask.db, ask.workspace)
            if one.overdue(ask.now)
        ]
        return {"overdue": late}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """Not more are overdue than allowed."""
        late = facts.get("overdue")
        if not isinstance(late, list):
            return Finding(Verdict.UNKNOWN, "the reviews are not known", "opsctl review list")
        if len(late) <= self.overdue:
            return Finding(
                Verdict.PASS, "none is overdue" if not late else f"{len(late)} overdue, as allowed"
            )
        names = [str(one["review"]) for one in late if isinstance(one, dict)]
        return Finding(
            Verdict.FAIL, f"{listed(names[:3])} overdue", f"opsctl review start {names[0].partition('-')[2]}"
        )
