"""The history of the selected checks: outages, availability and latencies over a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.moments import moment
from opsctl.selecting import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.store.history import Availability, Outage


class History(NamedTuple):
    """What was recorded from `since` to `until` (UTC epoch seconds)."""

    workspace: str
    timezone: str
    since: float
    until: float
    checks: tuple[Availability, ...]
    outages: tuple[Outage, ...]


def history_of(workspace: Workspace, selectors: Sequence[str], since: str, until: str, now: float) -> History:
    """The history of the selected checks; UsageError for bad times, StoreError for a faulty store."""
    from opsctl.store.history import availability, outages
    from opsctl.store.opening import open_store

    start, end = (
        moment(text, now, workspace.timezone, option)
        for text, option in ((since, "--since"), (until, "--until"))
    )
    if start >= end:
        raise UsageError("--since is not before --until; name an earlier time")
    names = select(workspace.checks(), selectors)
    with open_store(workspace.store, write=False) as store:
        return History(
            workspace.name,
            workspace.timezone,
            start,
            end,
            tuple(availability(store, names, start, end)),
            tuple(outages(store, names, start, end)),
        )
