"""A workspace with one routine, and steps that note in a file that they were done."""

from __future__ import annotations

HEAD = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    roles: {lead: [bob]}
    services:
      api:
        checks:
          ready: {file: opsctl.yaml}
"""
ALICE, BOB = {"OPSCTL_ACTOR": "alice"}, {"OPSCTL_ACTOR": "bob"}
# Friday, 20 November 2026; it is 8 o'clock in Berlin.
EIGHT = "2026-11-20T07:00:00Z"
NINE = "2026-11-20T08:00:00Z"


def at(clock, day=20, month=11):
    """A time of the day in Berlin's winter, as UTC."""
    hour, _, minute = clock.partition(":")
    return f"2026-{month:02d}-{day:02d}T{int(hour) - 1:02d}:{minute or '00'}:00Z"


CHECK = "{check: all}"
STANDUP = "{id: standup, sign: anyone, text: The stand-up was held}"
