"""Time zones by the names that the IANA gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo


def zone_named(name: str) -> tzinfo:
    """The zone of that name; `UTC` needs no database of zones, which a small machine may not have."""
    from datetime import UTC

    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether this machine knows a zone of that name."""
    try:
        zone_named(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
