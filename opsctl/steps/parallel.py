"""The `parallel` step: several steps at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from opsctl.limits import Doc, NotEmpty
from opsctl.prose import count, listed
from opsctl.runbooks import Inner
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene

_MOST = 16


@dataclass(frozen=True, kw_only=True)
class ParallelStep:
    """Do several steps at once; it is done when all are."""

    SHORTHAND: ClassVar[str] = "steps"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    steps: Annotated[tuple[Inner, ...], NotEmpty(), Doc("The steps; none of them may ask.")]

    def describe(self, values: Mapping[str, str]) -> str:
        """All of them."""
        return f"at once: {'; '.join(one.kind.describe(values) for one in self.steps)}"

    def perform(self, scene: Scene) -> Done:
        """Each on a thread of its own."""
        from concurrent.futures import ThreadPoolExecutor

        names = [one.id or f"{number}" for number, one in enumerate(self.steps, 1)]

        def perform(step: Any, name: str) -> Done:
            return scene.perform(step, f"{scene.step}/{name}", scene.values)

        with ThreadPoolExecutor(min(_MOST, len(self.steps))) as pool:
            found = list(pool.map(perform, self.steps, names))
        pairs = zip(names, found, strict=True)
        bad = [f"{name}: {one.message}" for name, one in pairs if one.outcome not in {"ok", "skipped"}]
        if bad:
            return Done("failed", listed(bad), sure=any(one.sure for one in found))
        return Done("ok", f"{count('step', len(found))} done")
