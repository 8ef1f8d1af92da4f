"""The `checklist` item: another checklist that must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Doc, Name
from opsctl.outcome import Value, Verdict

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class ChecklistItem:
    """Evaluate another checklist for the same subject."""

    SHORTHAND: ClassVar[str] = "name"
    MANUAL: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"checklist": "name"}

    name: Annotated[Name, Doc("Which.")]

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """What each of its items came to."""
        return ask.nested(self.name)

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """It came to a verdict that lets pass."""
        verdict = str(facts.get("verdict"))
        words = f"{self.name}: {facts.get('summary')}"
        action = str(facts.get("action") or f"opsctl checklist show {self.name}")
        if verdict in {"pass", "warn"}:
            return Finding(Verdict(verdict), words)
        if verdict == "pending":
            return Finding(Verdict.PENDING, words, action)
        return Finding(Verdict.UNKNOWN if verdict == "unknown" else Verdict.FAIL, words, action)
