"""The `wait` step: some time passes, or a command comes to say yes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Between, Doc, Seconds
from opsctl.outcome import Kind
from opsctl.pausing import pause
from opsctl.secrets import Template
from opsctl.step_kinds import Done, Effect
from opsctl.units import brief

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class WaitStep:
    """Wait a while, or until a command exits 0; `within` of the step says for how long."""

    SHORTHAND: ClassVar[str] = "lasts"
    EFFECT: ClassVar[Effect] = "read"
    ASKS: ClassVar[bool] = False

    lasts: Annotated[Seconds | None, Between(0, 86_400), Doc("How long.")] = None
    until: Annotated[tuple[Template, ...], Doc("A command that exits 0 when it is time to go on.")] = ()
    every: Annotated[Seconds, Between(0.1, 3600), Doc("How often to ask.")] = 5.0

    def problems(self) -> Iterator[tuple[str, str]]:
        """One of both."""
        if (self.lasts is None) == (not self.until):
            yield "lasts", "write either `lasts` or `until`"

    def describe(self, values: Mapping[str, str]) -> str:
        """What is waited for."""
        if self.lasts is not None:
            return f"wait {brief(Kind.DURATION, self.lasts)}"
        return f"wait until {' '.join(fill(part.text, values) for part in self.until)}"

    def perform(self, scene: Scene) -> Done:
        """Wait."""
        if self.lasts is not None:
            pause(self.lasts)
            return Done("ok", f"waited {brief(Kind.DURATION, self.lasts)}")
        from opsctl.commanding import Command
        from opsctl.steps.command import perform

        argv = [fill(scene.secrets.resolve(part), scene.values) for part in self.until]
        until = time.monotonic() + min(scene.within or scene.timeout, scene.timeout)
        while True:
            done = perform(scene, lambda: Command(argv, scene.root), (0,))
            if done.outcome == "ok" or time.monotonic() + self.every > until:
                return done
            pause(self.every)
