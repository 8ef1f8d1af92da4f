"""Iterations: the stretches that a team plans its work in, with their capacity and what they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from opsctl.acting import text_of
from opsctl.capacity import load_of
from opsctl.errors import UsageError
from opsctl.ledger.names import subject_named
from opsctl.policies import policies
from opsctl.prose import line
from opsctl.store.ledger import records

if TYPE_CHECKING:
    import sqlite3

    from opsctl.capacity import Load
    from opsctl.definitions import Workspace
    from opsctl.ledger.iteration import Iteration
    from opsctl.store.ledger import Ledger


class Planned(NamedTuple):
    """The loads of iterations at one moment (UTC epoch seconds), the latest first."""

    workspace: str
    timezone: str
    at: float
    loads: tuple[Load, ...]


def begin(
    ledger: Ledger,
    workspace: Workspace,
    title: str,
    starts: float,
    ends: float | None,
    capacity: float,
    share: float | None,
) -> Iteration:
    """Keep a new iteration: `capacity` is the hours of everybody, `share` the part for improvements (0 to 1).

    Raises UsageError where it ends before it begins or overlaps another.
    """
    policy = policies(workspace).backlog
    end = starts + policy.iteration if ends is None else ends
    if end <= starts:
        raise UsageError("the iteration ends before it starts; correct `--starts` or `--ends`")
    if capacity <= 0:
        raise UsageError("an iteration without hours holds nothing; say `--capacity 160h`")
    for other in records(ledger.db, "ITR"):
        if starts < other.ends and other.starts < end:
            raise UsageError(f"it overlaps {other.subject} ({line(other.title)}); start after that one")
    subject = ledger.name("ITR")
    body = {
        "title": line(text_of(title, "--new")),
        "starts": starts,
        "ends": end,
        "capacity": capacity,
        "share": policy.share / 100 if share is None else share,
    }
    ledger.append("iteration.added", subject, body)
    return cast("Iteration", ledger.get(subject))


def chosen(db: sqlite3.Connection, name: str, now: float) -> Iteration | None:
    """The iteration that a name, `current` or `next` means; None for `none`.

    Raises UsageError where there is no such iteration.
    """
    if name == "none":
        return None
    known = sorted(records(db, "ITR"), key=lambda one: one.starts)
    way = 'opsctl backlog plan --new "Sprint 12" --starts monday --capacity 160h'
    if name == "current":
        found = [one for one in known if one.starts <= now < one.ends]
    elif name == "next":
        found = [one for one in known if one.starts > now]
    else:
        subject = subject_named(name, "ITR")
        found = [one for one in known if one.subject == subject]
    if not found:
        what = f"no {name} iteration" if name in {"current", "next"} else f"no {subject_named(name, 'ITR')}"
        raise UsageError(f"there is {what}; begin one: {way}")
    return cast("Iteration", found[0])


def planned(workspace: Workspace, now: float) -> Planned:
    """What every iteration carries; StoreError where the store cannot be read."""
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return Planned(workspace.name, workspace.timezone, now, loads(db))


def loads(db: sqlite3.Connection) -> tuple[Load, ...]:
    """What every iteration carries, the latest first."""
    items = [one for one in records(db, "OPS") if one.iteration is not None]
    known = sorted(records(db, "ITR"), key=lambda one: -one.starts)
    return tuple(load_of(one, items) for one in known)
