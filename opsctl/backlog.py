"""The backlog as people look at it: which items, in an order that can be explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.ledger.item import PRIORITIES
from opsctl.matrix import quadrant
from opsctl.ordering import terms, urgency
from opsctl.policies import policies
from opsctl.prose import line, shorten, suggestion, ticked
from opsctl.store.ledger import events, get, records

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.events import Event
    from opsctl.ledger.item import Item
    from opsctl.matrix import Quadrant
    from opsctl.ordering import Term
    from opsctl.policies import Backlog

OPEN = ("open", "planned", "started")
STATES = (*OPEN, "done", "rejected")
_SERIOUS = frozenset({"sev1", "sev2"})


class Wanted(NamedTuple):
    """Which items: by default what is to be done or to be verified; what is empty selects nothing out."""

    states: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    iteration: str | None = None
    overdue: bool = False
    unproven: bool = False
    everything: bool = False


class Row(NamedTuple):
    """An item where it stands: its place in the matrix and its urgency.

    `verify_at` is when its measure can be taken again (UTC epoch seconds), None where nothing is to be
    verified.
    """

    item: Item
    place: Quadrant | None
    urgency: float
    verify_at: float | None

    @property
    def standing(self) -> str:
        """The state in words: what is done and not shown to help says so."""
        if self.item.state != "done":
            return self.item.state
        if self.item.verdict is not None:
            return "proven" if self.item.proven else f"done, {self.item.verdict['outcome']}"
        return "done, unproven"


class Stock(NamedTuple):
    """The items that were asked for, the most urgent first, at one moment (UTC epoch seconds).

    `unproven` is how many of all are done and not shown to help.
    """

    workspace: str
    timezone: str
    at: float
    rows: tuple[Row, ...]
    unproven: int


class Dossier(NamedTuple):
    """One item with the reasons for its place and all that was decided on it."""

    timezone: str
    at: float
    row: Row
    terms: tuple[Term, ...]
    events: tuple[Event, ...]


def stock(workspace: Workspace, wanted: Wanted, now: float) -> Stock:
    """The items that are wanted; StoreError where the store cannot be read."""
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return stock_in(db, workspace, wanted, now)


def stock_in(db: sqlite3.Connection, workspace: Workspace, wanted: Wanted, now: float) -> Stock:
    """As `stock`, inside a transaction."""
    everything = records(db, "OPS")
    policy = policies(workspace).backlog
    grave = serious(db, everything)
    rows = [row_of(one, policy, now, grave) for one in everything if _fits(one, wanted, now)]
    unproven = sum(one.state == "done" and not one.proven for one in everything)
    return Stock(workspace.name, workspace.timezone, now, tuple(sorted(rows, key=_rank)), unproven)


def dossier(workspace: Workspace, name: str, now: float) -> Dossier:
    """One item with all there is to say; UsageError where there is none of that name."""
    from opsctl.ledger.names import subject_named
    from opsctl.store.opening import open_store

    subject = subject_named(name, "OPS")
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        item = get(db, subject)
        if item is None:
            raise UsageError(f"there is no {subject}; `opsctl backlog list --all` shows what there is")
        why = terms(item, policies(workspace).backlog, now, serious(db, [item]))
        log = tuple(events(db, [subject]))
        return Dossier(workspace.timezone, now, where(db, workspace, item, now), why, log)


def where(db: sqlite3.Connection, workspace: Workspace, item: Item, now: float) -> Row:
    """An item where it stands, inside a transaction."""
    return row_of(item, policies(workspace).backlog, now, serious(db, [item]))


def row_of(item: Item, policy: Backlog, now: float, grave: Collection[str]) -> Row:
    """An item where it stands, `grave` being the sources that make it more urgent."""
    verify_at = None
    if item.state == "done" and item.verdict is None and item.measure and item.finished is not None:
        verify_at = item.finished + policy.verify_after
    return Row(item, quadrant(item, policy), urgency(item, policy, now, grave), verify_at)


def serious(db: sqlite3.Connection, items: Iterable[Item]) -> frozenset[str]:
    """The incidents and reviews among the sources of the items that were sev1 or sev2."""
    sources = {one.source for one in items if one.source and one.source.startswith(("INC-", "PIR-"))}
    return frozenset(one for one in sources if _peak(db, one) in _SERIOUS)


def states_named(texts: Sequence[str]) -> tuple[str, ...]:
    """The states that the texts name; UsageError for any other word."""
    return _named("--state", "state", texts, STATES)


def priorities_named(texts: Sequence[str]) -> tuple[str, ...]:
    """The priorities that the texts name; UsageError for any other word."""
    return _named("--priority", "priority", texts, PRIORITIES)


def _named(option: str, noun: str, texts: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    for text in texts:
        if text not in known:
            hint = suggestion(text, known) or f"; there are {ticked(known, 'and')}"
            raise UsageError(f"{option} `{line(shorten(text, 40))}` is no {noun}{hint}")
    return tuple(texts)


def _peak(db: sqlite3.Connection, source: str) -> str | None:
    incident = get(db, source.replace("PIR-", "INC-"))
    return None if incident is None else incident.peak


def _fits(item: Item, wanted: Wanted, now: float) -> bool:
    return (
        _of_state(item, wanted)
        and (not wanted.priorities or item.priority in wanted.priorities)
        and (not wanted.owners or item.owner in wanted.owners)
        and (not wanted.tags or not set(wanted.tags).isdisjoint(item.tags))
        and (not wanted.services or not set(wanted.services).isdisjoint(item.services))
        and (not wanted.sources or item.source in wanted.sources)
        and (wanted.iteration is None or item.iteration == wanted.iteration)
        and (not wanted.overdue or overdue(item, now))
    )


def overdue(item: Item, now: float) -> bool:
    """Whether it should be done and is not."""
    return item.state in OPEN and item.due is not None and item.due < now


def _of_state(item: Item, wanted: Wanted) -> bool:
    if wanted.unproven:
        return item.state == "done" and not item.proven
    if wanted.states:
        return item.state in wanted.states
    to_verify = item.state == "done" and item.measure is not None and item.verdict is None
    return wanted.everything or item.state in OPEN or to_verify


def _rank(row: Row) -> tuple[bool, float, int]:
    return row.item.state not in OPEN, -row.urgency, row.item.number
