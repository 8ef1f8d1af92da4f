"""The `each` step: one step for every value of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.capturing import Variable
from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.prose import count
from opsctl.runbooks import Inner
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class EachStep:
    """Do a step again and again, one value after the other; the first that fails ends it."""

    SHORTHAND: ClassVar[str] = ""
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    of: Annotated[tuple[str, ...], Doc("The values.")] = ()
    lines: Annotated[str | None, NotEmpty(), Doc("Or a value whose lines they are, as `{{ hosts }}`.")] = None
    name: Annotated[Variable, Doc("What the step calls each.")] = "one"
    do: Annotated[Inner, Doc("The step; it may not ask.")]

    def problems(self) -> Iterator[tuple[str, str]]:
        """One of both."""
        if bool(self.of) == (self.lines is not None):
            yield "of", "write either `of` or `lines`"

    def describe(self, values: Mapping[str, str]) -> str:
        """The step for each."""
        found = self._values(values)
        return "; ".join(self.do.kind.describe({**values, self.name: one}) for one in found) or "nothing"

    def perform(self, scene: Scene) -> Done:
        """One after the other; none at all is no success."""
        found = self._values(scene.values)
        if not found:
            return Done("failed", "there is no value to do it for")
        for one in found:
            done = scene.perform(self.do, f"{scene.step}/{one[:40]}", {**scene.values, self.name: one})
            if done.outcome not in {"ok", "skipped"}:
                return done._replace(message=f"{one}: {done.message}")
        return Done("ok", f"done for {count('value', len(found))}")

    def _values(self, values: Mapping[str, str]) -> list[str]:
        if self.lines is None:
            return [fill(one, values) for one in self.of]
        return [one.strip() for one in fill(self.lines, values).splitlines() if one.strip()]
