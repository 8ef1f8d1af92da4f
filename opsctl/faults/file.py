"""How a file fails: gone, old, empty, or not what it was."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from opsctl.faults import DAY, Fault
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


_GARBAGE = "\x00garbage"


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a file that something writes."""
    gone = frozenset({"age", "size", "total_size", "mode", "owner", "group", "type", "sha256", "content"})
    yield Fault("missing", "it is not there", {"exists": False, "count": 0}, gone, cure="exists == true")
    denied = Failure(Cause.PERMISSION, "it cannot be read")
    yield Fault("unreadable", "it cannot be looked at", failure=denied)
    yield Fault(
        "stale", "nobody has written it for a month", {"exists": True, "age": 30 * DAY}, cure="age < 26h"
    )
    empty = {"exists": True, "size": 0, "total_size": 0, "content": "", "sha256": _digest("")}
    yield Fault("empty", "there is nothing in it", empty, cure="size > 0B")
    wrong = {"exists": True, "content": _GARBAGE, "sha256": _digest(_GARBAGE)}
    yield Fault(
        "garbage", "there is something else in it", wrong, cure="content contains ..., or sha256 == ..."
    )
    yield Fault(
        "open-to-all", "anybody may write it", {"exists": True, "mode": "0777"}, cure='mode == "0640"'
    )


def _digest(content: str) -> str:
    return sha256(content.encode()).hexdigest()
