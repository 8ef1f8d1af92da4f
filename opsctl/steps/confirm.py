"""The `confirm` step: a person says yes, after having looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import line, shorten
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class ConfirmStep:
    """Ask a question that has to be answered with yes; without a terminal the run waits for it."""

    SHORTHAND: ClassVar[str] = "question"
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = True

    question: Annotated[str, NotEmpty(), Doc("What to look at and confirm.")]

    def describe(self, values: Mapping[str, str]) -> str:
        """The question."""
        return f"{fill(self.question, values)} [yes/no]"

    def wrong(self, value: str) -> str:
        """Why a text is no answer; empty where it is one."""
        if value.strip().lower() in {"y", "yes", "n", "no"}:
            return ""
        return f"`{line(shorten(value, 40))}` is neither yes nor no; answer yes or no"

    def perform(self, scene: Scene) -> Done:
        """Yes goes on; anything else stops."""
        if scene.answer is None:
            return Done("waiting", question=self.describe(scene.values))
        if scene.answer.value.strip().lower() in {"y", "yes"}:
            return Done("ok", f"yes, by {line(scene.answer.who)}")
        return Done("failed", f"`{line(scene.answer.value)}` by {line(scene.answer.who)} is not yes")
