"""The `check` step: health checks that are up, or become so in time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.pausing import pause
from opsctl.prose import count, line, listed
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene

_PAUSE = 2.0


@dataclass(frozen=True, kw_only=True)
class CheckStep:
    """Check until all are up; `within` of the step says for how long."""

    SHORTHAND: ClassVar[str] = "select"
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"check": "select"}

    select: Annotated[tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Which, as for `opsctl check`.")]

    def describe(self, values: Mapping[str, str]) -> str:
        """What is checked."""
        return f"check {' '.join(fill(one, values) for one in self.select)}"

    def perform(self, scene: Scene) -> Done:
        """Check, and again until all are up or the time is over."""
        from opsctl.checking import probe
        from opsctl.errors import UsageError
        from opsctl.outcome import State
        from opsctl.selecting import select

        try:
            names = select(scene.workspace.checks(), [fill(one, scene.values) for one in self.select])
        except UsageError as error:
            return Done("failed", str(error))
        until = time.monotonic() + min(scene.within or 0.0, scene.timeout)
        while True:
            results = probe(scene.workspace, names, scene.world, scene.secrets)
            bad = [f"{name} is {results[name].state}" for name in names if not results[name].state.good]
            if not bad:
                return Done("ok", f"{count('check', len(names))} up")
            if time.monotonic() + _PAUSE > until:
                down = any(results[name].state is State.DOWN for name in names)
                return Done("failed", line(listed(bad[:3])), sure=down)
            scene.emit(f"{line(listed(bad[:3]))}; looking again\n".encode())
            pause(_PAUSE)
