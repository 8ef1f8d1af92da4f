"""Time zones by the names that the IANA gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.prose import line, shorten, suggestion

if TYPE_CHECKING:
    from datetime import tzinfo


def zone_named(name: str) -> tzinfo:
    """The zone of that name; `UTC` needs no database of zones, which a small machine may not have."""
    from datetime import UTC

    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def unknown_zone(name: str) -> str:
    """What to say where this machine knows no zone of that name, with the nearest; nothing where it does."""
    try:
        zone_named(name)
    except (KeyError, ValueError, OSError):
        from zoneinfo import available_timezones

        hint = suggestion(name, available_timezones()) or "; write one such as `Europe/Berlin`"
        return f"`{line(shorten(name, 60))}` is not a time zone{hint}"
    return ""
