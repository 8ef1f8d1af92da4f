"""The kinds of checklist items: one file each, one line here each.

A kind is a frozen dataclass whose fields are its YAML. `look` gathers facts, and `judge` says what they come
to: kept apart, so that a recorded decision can be judged again by another checklist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from opsctl.definitions import Workspace
    from opsctl.outcome import Value, Verdict
    from opsctl.secrets import Secrets
    from opsctl.world import World

ITEMS: Mapping[str, str] = {
    "check": "CheckItem",
    "run": "RunItem",
    "incidents": "IncidentsItem",
    "reviews": "ReviewsItem",
    "backlog": "BacklogItem",
    "practised": "PractisedItem",
    "file": "FileItem",
    "env": "EnvItem",
    "git": "GitItem",
    "freeze": "FreezeItem",
    "metric": "MetricItem",
    "expect": "ExpectItem",
    "checklist": "ChecklistItem",
    "sign": "SignItem",
}


class Target(NamedTuple):
    """What a checklist is evaluated for: `subject` as it was given, and the commit that it means, if any.

    `changed` are the paths that changed since the last subject that passed, None where that cannot be told.
    `services` are those it is about, all where none is named.
    """

    subject: str
    commit: str | None = None
    author: str | None = None
    environment: str | None = None
    changed: tuple[str, ...] | None = None
    services: tuple[str, ...] = ()


class Ask(NamedTuple):
    """What an item is given: all it may know beside its own fields. `now` is the time to evaluate as of.

    `found` are the facts of the items before it, by id. `nested` evaluates another checklist for the same
    target. `digest` is of this item's text and parameters, `valid_for` (seconds) how long a word counts.
    """

    workspace: Workspace
    world: World
    db: sqlite3.Connection
    secrets: Secrets
    target: Target
    now: float
    checklist: str
    item: str
    digest: str
    timeout: float
    valid_for: float | None
    found: Mapping[str, Mapping[str, Value]]
    nested: Callable[[str], Mapping[str, Value]]


class Finding(NamedTuple):
    """What the facts come to, in one line, and the one action that unblocks it: by whom, until when."""

    verdict: Verdict
    message: str
    action: str = ""
    who: str = ""
    until: float | None = None


class Item(Protocol):
    """What every kind is; see CONTRIBUTING.md for adding one."""

    SHORTHAND: ClassVar[str]
    """The field that a plain text in place of the mapping fills; empty where there is none."""
    MANUAL: ClassVar[bool]
    """Whether a person answers it."""
    NAMES: ClassVar[Mapping[str, str]] = {}
    """Which fields name a `check`, `checklist` or `runbook`, which have to be there when it is loaded."""

    def look(self, ask: Ask) -> Mapping[str, Value]:
        """The facts, as JSON; `{"unknown": "why"}` where they cannot be had. Never raises for its target."""
        ...

    def judge(self, facts: Mapping[str, Value]) -> Finding:
        """What the facts come to; asks nothing and nobody."""
        ...


def item_named(name: str) -> Any:
    """The class of the kind called `name`, one of `ITEMS`; KeyError for any other name."""
    return getattr(import_module(f"opsctl.items.{name}"), ITEMS[name])
