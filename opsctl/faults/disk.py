"""How a disk fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(_kind: Any, _timeout: float) -> Iterator[Fault]:
    """Those of a file system."""
    full = {"used_percent": 100.0, "free": 0, "used": 10**12}
    yield Fault("full", "no space is left", full, cure="used_percent < 90%")
    yield Fault(
        "no-inodes", "no file can be made", {"inodes_used_percent": 100.0}, cure="inodes_used_percent < 90%"
    )
    yield Fault("read-only", "nothing can be written", {"read_only": True}, cure="read_only == false")
    yield Fault("not-mounted", "it is not mounted", {"mounted": False}, cure="mounted == true")
