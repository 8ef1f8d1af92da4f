"""The `check` item: health checks that are up, made now or recorded within an age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.item_kinds import Finding
from opsctl.limits import Between, Doc, NotEmpty, OneOrMore, Seconds
from opsctl.outcome import Value, Verdict
from opsctl.prose import count, line, listed

if TYPE_CHECKING:
    from opsctl.item_kinds import Ask


@dataclass(frozen=True, kw_only=True)
class CheckItem:
    """Ask health checks of this workspace."""

    SHORTHAND: ClassVar[str] = "select"
    MANUAL: ClassVar[bool] = False
    NAMES: ClassVar[Mapping[str, str]] = {"check": "select"}

    select: Annotated[tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Which, as for `opsctl check`.")]
    within: Annotated[
        Seconds | None,
        Between(1, 10**9),
        Doc("Use results that are recorded and not older; without, check now."),
    ] = None
    degraded: Annotated[bool, Doc("Whether degraded is well enough.")] = True

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The state of every check that is selected."""
        from opsctl.errors import UsageError
        from opsctl.selecting import select

        try:
            names = select(ask.workspace.checks(), self.select)
        except UsageError as error:
            return {"unknown": str(error)}
        return {"checks": self._recorded(ask, names) if self.within else _made(ask, names)}

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """All are up; what is not known is not."""
        found = facts.get("checks")
        if not isinstance(found, dict) or not found:
            return Finding(Verdict.UNKNOWN, "no check was looked at", "name checks that there are")
        good = {"up", "degraded"} if self.degraded else {"up"}
        bad = [f"{name} is {_state(one)}" for name, one in found.items() if _state(one) not in good]
        if not bad:
            return Finding(Verdict.PASS, f"{count('check', len(found))} up")
        states = {_state(one) for one in found.values()} - good
        verdict = Verdict.UNKNOWN if states == {"unknown"} else Verdict.FAIL
        words = listed(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
        return Finding(verdict, words, f"opsctl check {' '.join(self.select)} --explain")

    def _recorded(self, ask: Ask, names: list[str]) -> dict[str, Value]:
        from opsctl.store.latest import standings_in

        known = standings_in(ask.db)
        found: dict[str, Value] = {}
        for name in names:
            standing = known.get(name)
            age = None if standing is None else ask.now - standing.at
            fresh = age is not None and self.within is not None and 0 <= age <= self.within
            state = str(standing.state) if standing and fresh else "unknown"
            found[name] = {"state": state, "age": age}
        return found


def _made(ask: Ask, names: list[str]) -> dict[str, Value]:
    from opsctl.checking import probe

    results = probe(ask.workspace, names, ask.world, ask.secrets)
    return {
        name: {"state": str(results[name].state) if name in results else "unknown", "age": 0.0,
               "message": line(results[name].message) if name in results else ""}
        for name in names
    }  # fmt: skip


def _state(one: Value) -> str:
    return str(one.get("state", "unknown")) if isinstance(one, dict) else "unknown"
