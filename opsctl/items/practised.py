"""The `practised` item: a runbook was really run or drilled, as it is now, not too long ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, Name, Seconds
from opsctl.outcome import Kind, Value, Verdict
from opsctl.units import brief

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class PractisedItem:
    """Ask for the proof that a procedure works."""

    SHORTHAND: ClassVar[str] = "runbook"
    MANUAL: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"runbook": "runbook"}

    runbook: Annotated[Name, Doc("Which.")]
    within: Annotated[Seconds, Between(60, 10**9), Doc("How old the proof may be.")] = 90 * 86400.0
    environment: Annotated[str | None, Doc("Only runs in this environment.")] = None

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The digest that the runbook has now, and the last run of it that went well."""
        from opsctl.store.ledger import records

        runbook = ask.workspace.runbooks.get(self.runbook)
        if runbook is None:
            return {"unknown": f"there is no runbook `{self.runbook}`"}
        done = [
            one
            for one in records(ask.db, "RUN", ("done",))
            if one.runbook == self.runbook and self.environment in (None, one.environment) and not one.only
        ]
        last = max(done, key=lambda one: one.ended or 0.0, default=None)
        if last is None:
            return {"digest": runbook.digest, "last": None}
        proof: dict[str, Value] = {
            "run": last.subject,
            "by": last.by,
            "digest": last.digest,
            "drill": last.drill,
        }
        return {"digest": runbook.digest, "last": {**proof, "age": ask.now - (last.ended or 0.0)}}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """The proof is of the runbook as it is now, and not too old."""
        drill = f"opsctl runbook drill {self.runbook}"
        last = facts.get("last")
        if not isinstance(last, dict):
            return Finding(Verdict.FAIL, f"{self.runbook} was never run to its end", drill)
        if last.get("digest") != facts.get("digest"):
            return Finding(Verdict.FAIL, f"{self.runbook} was changed since {last.get('run')}", drill)
        age = last.get("age")
        if not isinstance(age, int | float) or age > self.within:
            old = brief(Kind.DURATION, age) if isinstance(age, int | float) else "unknown"
            limit = brief(Kind.DURATION, self.within)
            return Finding(Verdict.FAIL, f"{last.get('run')} is {old} old, more than {limit}", drill)
        kind = "drilled" if last.get("drill") else "run"
        shown = brief(Kind.DURATION, max(0.0, float(age)))
        return Finding(Verdict.PASS, f"{kind} {shown} ago by {last.get('by')} ({last.get('run')})")
