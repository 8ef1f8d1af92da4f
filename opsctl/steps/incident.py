"""The `incident` step: the incident that the run belongs to hears of it, or moves on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from opsctl.filling import fill
from opsctl.limits import Doc, NotEmpty
from opsctl.step_kinds import Done, Effect

if TYPE_CHECKING:
    from opsctl.step_kinds import Scene


@dataclass(frozen=True, kw_only=True)
class IncidentStep:
    """Say how it stands; without an incident there is nobody to say it to."""

    SHORTHAND: ClassVar[str] = "say"
    EFFECT: ClassVar[Effect] = "change"
    ASKS: ClassVar[bool] = False

    say: Annotated[str, NotEmpty(), Doc("The update; values are filled in.")]
    state: Annotated[
        Literal["acknowledged", "mitigated", "resolved"] | None, Doc("What becomes of it, too.")
    ] = None

    def describe(self, values: Mapping[str, str]) -> str:
        """The update."""
        moved = f" and {self.state}" if self.state else ""
        return f"update the incident{moved}: {fill(self.say, values)}"

    def perform(self, scene: Scene) -> Done:
        """Write it into the incident's timeline."""
        if scene.incident is None:
            return Done("skipped", "the run belongs to no incident")
        if scene.drill:
            return Done("skipped", "a drill says nothing of an incident")
        from opsctl.acting import acting
        from opsctl.caseload import found
        from opsctl.errors import OpsctlError
        from opsctl.incident_updates import Changes, update
        from opsctl.responding import acknowledge, mitigate, resolve

        text = fill(self.say, scene.values)
        try:
            with acting(scene.workspace, scene.world) as ledger:
                one = found(ledger.db, scene.incident)
                if self.state == "acknowledged" and one.state == "open":
                    one = acknowledge(ledger, scene.workspace, one, None, text)
                elif self.state == "mitigated" and one.state in {"open", "acknowledged"}:
                    one = mitigate(ledger, one, None, text)
                elif self.state == "resolved":
                    one = resolve(ledger, scene.workspace, one, None, text, None, None)
                else:
                    one = update(ledger, scene.workspace, one, Changes(text=text), None)
        except OpsctlError as error:
            return Done("failed", str(error))
        return Done("ok", f"{one.subject} is {one.state}")
