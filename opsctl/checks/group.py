"""The `group` check: whether enough of several other checks are well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from opsctl.limits import Between, Doc, NotEmpty, OneOrMore
from opsctl.outcome import Cause, Failure, Kind, Observation, State, Subject, Value
from opsctl.prose import ticked

if TYPE_CHECKING:
    from opsctl.checks import Ask


@dataclass(frozen=True, kw_only=True)
class GroupCheck:
    """Judge other checks together: n of m of them must be up or degraded."""

    members: Annotated[
        tuple[str, ...],
        OneOrMore(),
        NotEmpty(),
        Doc("The checks, as selectors such as `api/health` or `web/*`."),
    ]
    at_least: Annotated[
        int | None, Between(1, 1_000_000), Doc("How many of them must be well; all if left out.")
    ] = None

    SHORTHAND: ClassVar[str] = "members"
    SUBJECTS: ClassVar[Mapping[str, Subject]] = {
        "enough": Subject(
            Kind.BOOLEAN, "Whether enough are well; not known while unknown ones decide it.", Cause.MEMBERS
        ),
        "up": Subject(Kind.NUMBER, "How many are up or degraded for certain.", Cause.MEMBERS),
        "up_percent": Subject(Kind.PERCENT, "The same as a share of all.", Cause.MEMBERS),
        "down": Subject(Kind.NUMBER, "How many are down; not known while any is unknown.", Cause.MEMBERS),
        "unknown": Subject(Kind.NUMBER, "How many are unknown.", Cause.MEMBERS),
        "total": Subject(Kind.NUMBER, "How many there are.", Cause.MEMBERS),
    }
    EXPECT: ClassVar[tuple[str, ...]] = ("enough == true",)
    TELLING: ClassVar[tuple[str, ...]] = ("up", "total")

    def target(self) -> str:
        """The members as they are selected, and how many of them must be well."""
        return f"{self.at_least or 'all'} of {', '.join(self.members)}"

    def probe(self, ask: Ask) -> Observation:
        """Count the results of the members."""
        results = ask.results(self.members)
        if not results:
            words = f"no check was run that {ticked(self.members)} selects, so there is nothing to count"
            return Observation(failure=Failure(Cause.MISSING, words))
        states = Counter(result.state for result in results)
        up, unknown, total = states[State.UP] + states[State.DEGRADED], states[State.UNKNOWN], len(results)
        needed = total if self.at_least is None else self.at_least
        values: dict[str, Value] = {
            "up": up,
            "up_percent": 100 * up / total,
            "unknown": unknown,
            "total": total,
        }
        if not unknown:
            values["down"] = states[State.DOWN]
        if up >= needed or up + unknown < needed:
            values["enough"] = up >= needed
        return Observation(values, evidence={"members": {one.check: one.state.value for one in results}})
