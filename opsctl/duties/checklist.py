"""The `checklist` step: a gate is judged and its decision kept; what people sign leaves it waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, Name, NotEmpty
from opsctl.outcome import Verdict
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion
    from opsctl.ledger.slot import Outcome

_OUTCOMES: Mapping[Verdict, Outcome] = {
    Verdict.PASS: "ok",
    Verdict.WARN: "ok",
    Verdict.WAIVED: "ok",
    Verdict.NOT_APPLICABLE: "ok",
    Verdict.PENDING: "waiting",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAIL: "failed",
}


@dataclass(frozen=True, kw_only=True)
class ChecklistDuty:
    """Evaluate a checklist for a subject."""

    SHORTHAND: ClassVar[str] = "name"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"checklist": "name"}

    name: Annotated[Name, Doc("Which.")]
    subject: Annotated[str | None, NotEmpty(), Doc("For what; the routine and the day by default.")] = None
    environment: Annotated[str | None, NotEmpty(), Doc("As prod.")] = None

    def perform(self, occasion: Occasion) -> Came:
        """Judge it; a decision that is the same as before is not kept again."""
        from opsctl.gatekeeping import Asked, decide, keep
        from opsctl.gating import summary

        subject = self.subject or f"{occasion.routine}@{occasion.day}"
        asked = Asked(self.name, subject, self.environment, record=False)
        decision = decide(occasion.workspace, occasion.world, asked)
        found = decision.evaluation
        words = f"{self.name} is {found.verdict}: {summary(found)}"
        outcome = _OUTCOMES[found.verdict]
        if outcome == "waiting":
            words += f"; opsctl checklist run {self.name} --subject {subject}"
        before = occasion.before
        if before is not None and (before.outcome, before.message) == (outcome, words):
            return Came(outcome, words, before.link)
        return Came(outcome, words, keep(occasion.workspace, occasion.world, decision).subject)
