"""The order of the backlog: a sum of terms, each with a name, so that every place can be explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.matrix import quadrant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from opsctl.ledger.item import Item
    from opsctl.policies import Backlog

_DAY = 86400.0
# The weights are those of Taskwarrior's urgency (`doc/man/taskrc.5`), with the quadrant in place of projects.
_PRIORITY = {"critical": 8.0, "high": 6.0, "medium": 3.9, "low": 1.8}
_QUADRANT = {"quick win": 4.0, "major project": 2.0, "filler": 0.0, "defer": -4.0}
_DUE, _REVIEW, _STARTED, _AGE = 12.0, 6.0, 4.0, 2.0


class Term(NamedTuple):
    """One reason for the place of an item, with what it adds."""

    name: str
    value: float


def terms(item: Item, policy: Backlog, now: float, serious: Collection[str] = ()) -> tuple[Term, ...]:
    """Why the item stands where it does; `serious` are the reviews of sev1 and sev2 incidents.

    `now` is UTC epoch seconds.
    """
    return tuple(term for term in _terms(item, policy, now, serious) if term.value)


def urgency(item: Item, policy: Backlog, now: float, serious: Collection[str] = ()) -> float:
    """The sum of all terms."""
    return sum(term.value for term in terms(item, policy, now, serious))


def due_term(due: float, now: float) -> float:
    """From 0.2 (two weeks ahead or more) to 1 (a week overdue or more), in between a straight line."""
    late = (now - due) / _DAY
    if late >= 7:
        return 1.0
    return (late + 14) * 0.8 / 21 + 0.2 if late >= -14 else 0.2


def _terms(item: Item, policy: Backlog, now: float, serious: Collection[str]) -> Iterator[Term]:
    yield Term(f"priority {item.priority}", _PRIORITY[item.priority])
    place = quadrant(item, policy)
    yield Term(place or "effort unknown", _QUADRANT[place] if place else 0.0)
    if item.due is not None:
        yield Term("overdue" if item.due < now else "due", _DUE * due_term(item.due, now))
    if item.source in serious:
        yield Term(f"from {item.source}, sev1 or sev2", _REVIEW)
    if item.state == "started":
        yield Term("started", _STARTED)
    yield Term("age", _AGE * min(1.0, max(0.0, now - item.added) / (365 * _DAY)))
