"""The `freeze` item: changes are not refused at this time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, Name, OneOrMore
from opsctl.outcome import Value, Verdict
from opsctl.prose import line

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class FreezeItem:
    """Ask whether a freeze is on, or a release window closed."""

    SHORTHAND: ClassVar[str] = ""
    MANUAL: ClassVar[bool] = False

    ignore: Annotated[tuple[Name, ...], OneOrMore(), Doc("Freezes that do not matter here.")] = ()

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """What refuses changes at the time that is asked about."""
        from opsctl.calendars import refusals

        found: list[Value] = [
            {"freeze": one.id, "reason": one.reason, "until": one.until}
            for one in refusals(ask.workspace, ask.target.environment, ask.target.services, ask.now)
        ]
        return {"on": found, "timezone": ask.workspace.timezone}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """None is on."""
        found = facts.get("on")
        if not isinstance(found, list):
            return Finding(Verdict.UNKNOWN, "the freezes are not known", "opsctl freeze list")
        on = [one for one in found if isinstance(one, dict) and one.get("freeze") not in self.ignore]
        if not on:
            return Finding(Verdict.PASS, "no freeze is on")
        first = on[0]
        until = first.get("until")
        words = f"{first.get('freeze')} is on: {line(str(first.get('reason')))}"
        when = float(until) if isinstance(until, int | float) else None
        return Finding(Verdict.FAIL, words, "wait until it ends, or override with a reason", until=when)
