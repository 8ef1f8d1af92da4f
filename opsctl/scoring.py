"""What was shown of all that is claimed: claims with their proofs, and scores that emptiness cannot raise."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

State = Literal["proven", "excused", "stale", "never", "failed"]
# From what is well to what is worst.
STATES: tuple[State, ...] = ("proven", "excused", "stale", "never", "failed")
Kind = Literal["check", "item", "runbook", "routine", "document", "review", "waiver"]


class Proof(NamedTuple):
    """What shows, or does not show, that a claim holds.

    `record` names it, as `RUN-3`. `at` is when it was so, `until` when it counts no more or is due: UTC epoch
    seconds, None where that is not known.
    """

    state: State
    words: str
    record: str | None = None
    at: float | None = None
    until: float | None = None


class Claim(NamedTuple):
    """Something that a workspace says it does, and the proof of it; `tier` is of a service's check."""

    kind: Kind
    name: str
    owner: str | None
    services: tuple[str, ...]
    tags: tuple[str, ...]
    proof: Proof
    tier: str | None = None

    @property
    def state(self) -> State:
        """How it stands."""
        return self.proof.state


class Score(NamedTuple):
    """How many of all claims are proven; `states` counts them all."""

    proven: int
    total: int
    states: Mapping[State, int]

    @property
    def share(self) -> float | None:
        """The share of the proven among all, from 0 to 1; None where nothing is claimed."""
        return self.proven / self.total if self.total else None

    def reaches(self, percent: float) -> bool:
        """Whether at least so much is proven, from 0 to 100; what claims nothing reaches nothing."""
        return self.total > 0 and self.proven * 100 >= percent * self.total


def score(claims: Iterable[Claim]) -> Score:
    """The score of some claims. What is excused is claimed all the same, so that excuses cannot raise it."""
    counts = Counter(one.state for one in claims)
    return Score(
        counts["proven"], counts.total(), {state: counts[state] for state in STATES if counts[state]}
    )


def grouped(claims: Iterable[Claim], by: str) -> dict[str, Score]:
    """The score for each `service`, `owner`, `tag` or `kind`, the best first; "" are those without.

    A claim of several services or tags counts for each of them.
    """
    groups: dict[str, list[Claim]] = {}
    for one in claims:
        for name in _GROUPS[by](one) or ("",):
            groups.setdefault(name, []).append(one)
    found = {name: score(some) for name, some in groups.items()}
    return dict(sorted(found.items(), key=lambda pair: (-(pair[1].share or 0.0), pair[0])))


_GROUPS: Mapping[str, Callable[[Claim], Sequence[str]]] = {
    "service": lambda one: one.services,
    "owner": lambda one: (one.owner,) if one.owner else (),
    "tag": lambda one: one.tags,
    "kind": lambda one: (one.kind,),
}
GROUPS = tuple(_GROUPS)


def select(claims: Sequence[Claim], selectors: Sequence[str]) -> tuple[list[Claim], list[str]]:
    """The claims that any selector means, and the selectors that mean none; all where there is no selector.

    A selector is `kind:K`, `tag:T`, `owner:O`, `tier:T`, `all`, or a glob of a service, of a claim's name, or
    of the checklist that an item is of.
    """
    meant = [[matches(one, selector) for one in claims] for selector in selectors]
    chosen = [one for at, one in enumerate(claims) if not selectors or any(row[at] for row in meant)]
    return chosen, [name for name, row in zip(selectors, meant, strict=True) if not any(row)]


def matches(claim: Claim, selector: str) -> bool:
    """Whether a selector means a claim."""
    field, colon, value = selector.partition(":")
    if selector in {"all", "*"}:
        return True
    if colon and field in _FIELDS:
        return any(fnmatchcase(one, value) for one in _FIELDS[field](claim))
    names = (*claim.services, claim.name, *([claim.name.partition("/")[0]] if claim.kind == "item" else []))
    return any(fnmatchcase(one, selector) for one in names)


_FIELDS: Mapping[str, Callable[[Claim], Sequence[str]]] = {
    "kind": _GROUPS["kind"],
    "tag": _GROUPS["tag"],
    "owner": _GROUPS["owner"],
    "tier": lambda one: (one.tier,) if one.tier else (),
}
