"""How a port fails: closed, silent, or somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow, unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHER = "421 too many connections\r\n"
_CURE = "until: /what it says at first/"


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of a port; what is said there matters only to a check that listens."""
    for fault in unanswered():
        if fault.name != "reset":
            yield fault._replace(values={"connected": False})
    # Who waits for a word is never done then; who does not wait has connected, and that in time.
    unsaid = frozenset({"received", "matched", "latency.first_byte", *(("latency",) if kind.until else ())})
    for name, text in (
        ("reset", "the connection is reset in the middle"),
        ("silent", "it accepts and says nothing"),
    ):
        yield Fault(name, text, {"connected": True}, unsaid, cure=_CURE)
    yield _other_service(kind)
    yield slow(timeout, ("latency", "latency.first_byte") if kind.until else ("latency",))


def _other_service(kind: Any) -> Fault:
    said: dict[str, Any] = {"connected": True, "received": _OTHER}
    gone = frozenset({"matched"})
    if kind.until:
        said["matched"] = kind.until.search(_OTHER) is not None
        gone = frozenset() if said["matched"] else frozenset({"latency"})
    return Fault("other-service", "something else answers there", said, gone, cure=_CURE)
