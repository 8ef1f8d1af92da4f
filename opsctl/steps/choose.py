"""The `choose` step: a person picks one of several values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.capturing import Variable
from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import line, shorten, ticked
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class ChooseStep:
    """Ask which."""

    SHORTHAND: ClassVar[str] = ""
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = True

    question: Annotated[str, NotEmpty(), Doc("What to decide.")]
    name: Annotated[Variable, Doc("What later steps call it.")]
    of: Annotated[tuple[str, ...], NotEmpty(), Doc("What there is to choose from.")]

    def describe(self, values: Mapping[str, str]) -> str:
        """The question with what there is."""
        return f"{fill(self.question, values)} [{'/'.join(self.of)}]"

    def wrong(self, value: str) -> str:
        """Why a text is no answer; empty where it is one."""
        if value.strip() in self.of:
            return ""
        return f"`{line(shorten(value, 40))}` is none of {ticked(self.of)}"

    def perform(self, scene: Scene) -> Done:
        """Keep the choice, where it is one."""
        if scene.answer is None:
            return Done("waiting", question=self.describe(scene.values))
        value = scene.answer.value.strip()
        if value not in self.of:
            return Done(
                "failed", f"`{line(value)}` by {line(scene.answer.who)} is none of {', '.join(self.of)}"
            )
        return Done("ok", f"{self.name} is {value}, by {line(scene.answer.who)}", captured={self.name: value})
