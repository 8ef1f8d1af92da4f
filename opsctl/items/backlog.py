"""The `backlog` item: nothing is open that matters too much to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, Name, OneOrMore
from opsctl.outcome import Value, Verdict
from opsctl.prose import listed

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask

_ORDER = ("critical", "high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class BacklogItem:
    """Ask what is open in the backlog."""

    SHORTHAND: ClassVar[str] = "priority"
    MANUAL: ClassVar[bool] = False

    priority: Annotated[
        Literal["critical", "high", "medium", "low"], Doc("What matters this much or more counts.")
    ] = "critical"
    tags: Annotated[tuple[Name, ...], OneOrMore(), Doc("Only items with one of these tags.")] = ()
    overdue: Annotated[bool, Doc("Whether only those count that are overdue.")] = False
    most: Annotated[int, Between(0, 10_000), Doc("How many may be open.")] = 0

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """Every item that is open."""
        from opsctl.backlog import OPEN, overdue
        from opsctl.store.ledger import records

        found: list[Value] = [
            {
                "item": one.subject,
                "priority": one.priority,
                "tags": list(one.tags),
                "overdue": overdue(one, ask.now),
            }
            for one in records(ask.db, "OPS", OPEN)
        ]
        return {"open": found}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """Not more are open than allowed."""
        found = facts.get("open")
        if not isinstance(found, list):
            return Finding(Verdict.UNKNOWN, "the backlog is not known", "opsctl backlog list")
        counted = [str(one["item"]) for one in found if isinstance(one, dict) and self._counts(one)]
        if len(counted) <= self.most:
            return Finding(Verdict.PASS, f"{len(counted) or 'none'} open of {self.priority} or more")
        return Finding(Verdict.FAIL, f"{listed(counted[:3])} open", f"opsctl backlog show {counted[0]}")

    def _counts(self, one: Mapping[str, Value]) -> bool:
        tags = one.get("tags")
        about = not self.tags or (isinstance(tags, list) and not set(self.tags).isdisjoint(map(str, tags)))
        serious = _ORDER.index(str(one.get("priority"))) <= _ORDER.index(self.priority)
        return about and serious and (not self.overdue or one.get("overdue") is True)
