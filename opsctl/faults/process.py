"""How processes fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a service that should run."""
    gone = frozenset({"youngest_age", "oldest_age", "memory"})
    yield Fault("not-running", "none of them runs", {"count": 0}, gone, cure="count >= 1")
    yield Fault(
        "restarting", "it was started two seconds ago, again", {"youngest_age": 2.0}, cure="youngest_age > 1m"
    )
    yield Fault("piling-up", "a thousand of them run", {"count": 1000}, cure="count < 10")
    yield Fault("leaking", "it takes 500 GB of memory", {"memory": 500 * 10**9}, cure="memory < 2GB")
