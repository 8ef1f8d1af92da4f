"""The `runbook` step: all steps of another runbook, as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.filling import fill
from opsctl.limits import Doc, Name
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class RunbookStep:
    """Do what another runbook says; one that asks people has to be run by itself."""

    SHORTHAND: ClassVar[str] = "name"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"runbook": "name"}

    name: Annotated[Name, Doc("Which.")]
    parameters: Annotated[Mapping[str, str], Doc("What it is told; values are filled in.")] = field(
        default_factory=dict
    )

    def describe(self, values: Mapping[str, str]) -> str:
        """Which, with what."""
        told = " ".join(f"{name}={fill(value, values)}" for name, value in self.parameters.items())
        return f"runbook {self.name} {told}".strip()

    def perform(self, scene: Scene) -> Done:
        """Every step in its order; the first that fails ends it."""
        from opsctl.errors import UsageError
        from opsctl.parameters import values_of

        other = scene.workspace.runbooks.get(self.name)
        if other is None:
            return Done("failed", f"there is no runbook `{self.name}`")
        given = {name: fill(value, scene.values) for name, value in self.parameters.items()}
        try:
            values = dict(values_of(other.procedure, given))
        except UsageError as error:
            return Done("failed", str(error))
        passed_over = []
        for step in other.procedure.steps:
            done = scene.perform(step, f"{self.name}/{step.id}", values)
            if done.outcome == "failed" and step.terms.on_failure == "continue":
                passed_over.append(f"{self.name}/{step.id}: {done.message}")
                continue
            if done.outcome not in {"ok", "skipped"}:
                return done._replace(message=f"{self.name}/{step.id}: {done.message}")
            values |= {name: str(value) for name, value in done.captured.items() if name != "stdout"}
        if passed_over:
            return Done("failed", f"passed over: {'; '.join(passed_over)}")
        return Done("ok", f"{self.name}: {len(other.procedure.steps)} steps done")
