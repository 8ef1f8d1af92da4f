"""Maintenance as text or JSON: what is on, and what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.prose import count, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.ledger.maintenance import Maintenance
    from opsctl.maintaining import Planned


def write(found: Sequence[Planned], now: float, timezone: str, output: str) -> str:
    """The windows, what is first in time first; `output` is text or json."""
    if output == "json":
        return json_text({"at": moment(now), "maintenance": [_data(one, now) for one in found]})
    return "".join(f"{_row(one, now, timezone)}\n" for one in found) or "no maintenance is on or planned\n"


def write_decided(found: Sequence[Maintenance], timezone: str, output: str) -> str:
    """What somebody began or ended; `output` is text or json."""
    if output == "json":
        rows = [
            {"maintenance": one.subject, "select": list(one.select), "reason": clean(one.reason),
             "since": moment(one.since), "until": moment(one.until)}
            for one in found
        ]  # fmt: skip
        return json_text({"maintenance": rows})
    return "".join(f"{_said(one, timezone)}\n" for one in found)


def _said(one: Maintenance, timezone: str) -> str:
    what = f"{one.subject} of {' '.join(map(line, one.select))}"
    if one.ended_by is not None:
        return f"{what} was ended by {line(one.ended_by)} at {zoned(one.until, timezone)}"
    return f"{what} is on until {zoned(one.until, timezone)}: {line(one.reason)}"


def _row(one: Planned, now: float, timezone: str) -> str:
    state = "on" if one.since <= now else "to come"
    span = f"{zoned(one.since, timezone)} to {zoned(one.until, timezone)}"
    return f"{state}\t{one.window}\t{span}\t{count('check', len(one.checks))}\t{line(one.reason)}"


def _data(one: Planned, now: float) -> dict[str, object]:
    return {
        "window": one.window,
        "on": one.since <= now,
        "since": moment(one.since),
        "until": moment(one.until),
        "checks": list(one.checks),
        "reason": clean(one.reason),
        "by": None if one.by is None else clean(one.by),
    }
