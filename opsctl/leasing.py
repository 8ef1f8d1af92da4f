"""Who works on a routine: one process at a time, and whoever is dead is taken over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.acting import actor_of
from opsctl.store.slots import Lease

if TYPE_CHECKING:
    from opsctl.world import World

# What a step may take beyond its timeout, before another machine takes the lease over.
_MARGIN = 60.0


def lease_for(
    world: World, now: float, routine: str, due: float, step: str | None = None, timeout: float = 0.0
) -> Lease:
    """This process's lease on a slot from `now` on, for a step that takes `timeout` seconds at most."""
    expires = now + timeout + _MARGIN
    return Lease(routine, due, step, actor_of(world).host, _process(os.getpid()), expires)


def held(lease: Lease | None, world: World, now: float) -> bool:
    """Whether somebody else works on it: a process that lives, or elsewhere one whose time is not over."""
    if lease is None:
        return False
    if lease.host == actor_of(world).host:
        number = int(lease.process.partition("/")[0])
        return lease.process != _process(os.getpid()) and lease.process == _process(number)
    return now < lease.expires


def _process(number: int) -> str:
    """A process by its number and when it was started, as numbers are used again."""
    try:
        started = Path(f"/proc/{number}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    except OSError:
        started = "gone"
    return f"{number}/{started}"
