"""How a port fails: closed, silent, or somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of a port; what is said there matters only to a check that listens."""
    yield from unanswered()
    cure = "until: /what it says at first/"
    silent = {"connected": True, "received": "", "matched": False}
    yield Fault("silent", "it accepts and says nothing", silent, cure=cure)
    other = {"connected": True, "received": "421 too many connections\r\n", "matched": False}
    yield Fault("other-service", "something else answers there", other, cure=cure)
    yield slow(timeout)
