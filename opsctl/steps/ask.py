"""The `ask` step: a person says a value, which later steps use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.capturing import Variable
from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import line, shorten
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class AskStep:
    """Ask for a value."""

    SHORTHAND: ClassVar[str] = ""
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = True

    question: Annotated[str, NotEmpty(), Doc("What to say.")]
    name: Annotated[Variable, Doc("What later steps call it.")]
    pattern: Annotated[re.Pattern[str] | None, Doc("What the whole value must match.")] = None

    def describe(self, values: Mapping[str, str]) -> str:
        """The question."""
        return fill(self.question, values)

    def wrong(self, value: str) -> str:
        """Why a text is no answer; empty where it is one."""
        said = value.strip()
        if not said:
            return "the answer is empty; say something"
        if self.pattern and not self.pattern.fullmatch(said):
            return f"`{line(shorten(said, 40))}` does not match {self.pattern.pattern}"
        return ""

    def perform(self, scene: Scene) -> Done:
        """Keep the value, where it is one."""
        if scene.answer is None:
            return Done("waiting", question=self.describe(scene.values))
        value = scene.answer.value.strip()
        if not value or (self.pattern and not self.pattern.fullmatch(value)):
            return Done("failed", f"`{line(value)}` by {line(scene.answer.who)} is not what was asked for")
        return Done(
            "ok", f"{self.name} is {line(value)}, by {line(scene.answer.who)}", captured={self.name: value}
        )
