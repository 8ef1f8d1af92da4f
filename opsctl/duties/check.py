"""The `check` step: health checks are made and recorded, as `opsctl check` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.duty_kinds import Came
from opsctl.limits import Doc, NotEmpty, OneOrMore
from opsctl.prose import count, line, listed
from opsctl.step_kinds import Effect

if TYPE_CHECKING:
    from opsctl.duty_kinds import Occasion


@dataclass(frozen=True, kw_only=True)
class CheckDuty:
    """Run health checks."""

    SHORTHAND: ClassVar[str] = "select"
    EFFECT: ClassVar[Effect] = "read"
    ANSWERED: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"check": "select"}

    select: Annotated[tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Which, as for `opsctl check`.")]

    def perform(self, occasion: Occasion) -> Came:
        """Check, record, and say what is not up."""
        from opsctl.checking import Options, check, selected
        from opsctl.errors import ExitCode, Terminated
        from opsctl.formats.progress import Progress
        from opsctl.healing import heal
        from opsctl.outages import exit_code

        options = Options(selectors=self.select)
        names = selected(occasion.workspace, options)
        outcome = check(occasion.workspace, names, options, occasion.world, Progress(len(names), None))
        if outcome.signal is not None:
            # Whoever ends the checks ends the whole run: what comes after them may change something.
            raise KeyboardInterrupt if outcome.signal is ExitCode.INTERRUPTED else Terminated
        if outcome.fault is not None:
            return Came("unknown", str(outcome.fault))
        checked = outcome.run.checked
        tried = [
            f"remedy of {one.check}: {one.words}" for one in heal(occasion.workspace, occasion.world, checked)
        ]
        code = exit_code({one.result.check: one.standing for one in checked})
        bad = [
            f"{one.result.check} is {one.standing.state}" for one in checked if not one.standing.state.good
        ]
        if code is ExitCode.YES:
            return Came("ok", f"{count('check', len(checked))} up")
        words = "; ".join([listed(bad[:5]), *tried])
        return Came("failed" if code is ExitCode.NO else "unknown", line(words))
