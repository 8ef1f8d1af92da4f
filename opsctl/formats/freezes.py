"""Freezes as text, JSON or an iCalendar (RFC 5545)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.table import table
from opsctl.outcome import Kind
from opsctl.prose import line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.calendars import Occurrence
    from opsctl.formats import Output
    from opsctl.freezing import Overview, Shown, Turning

_FOREVER = 253402300799.0
# A line of a calendar has at most 75 bytes.
_WIDTH = 75


def write(overview: Overview, output: str, out: Output) -> str:
    """The freezes; `output` is text, json or ics."""
    if output == "json":
        document = {
            "at": moment(overview.at),
            "freezes": [_data(one) for one in overview.shown],
        }
        return json_text(document)
    if output == "ics":
        return _calendar(overview)
    return table([_row(one, overview) for one in overview.shown], out)


def write_next(found: Turning, output: str) -> str:
    """Whether changes are refused; `output` is text or json."""
    if output == "json":
        rows = [
            {"freeze": one.id, "reason": clean(one.reason), "until": _moment(one.until)}
            for one in found.refusals
        ]
        document = {
            "at": moment(found.at),
            "refused": rows,
            "next": _moment(found.next),
        }
        return json_text(document)
    lines = [f"refused by {one.id}: {line(one.reason)}" for one in found.refusals] or ["changes are allowed"]
    word = "allowed" if found.refusals else "refused"
    if found.next is None:
        lines.append(f"no time is in sight at which they are {word}")
    else:
        ahead = brief(Kind.DURATION, found.next - found.at)
        lines.append(f"{word} from {zoned(found.next, found.timezone)} (in {ahead})")
    return "".join(f"{text}\n" for text in lines)


def _row(one: Shown, overview: Overview) -> tuple[str, ...]:
    kind = "window" if one.freeze.allow else "freeze"
    if one.until is not None:
        state = "on" if one.until == float("inf") else f"on until {zoned(one.until, overview.timezone)}"
    elif one.occurrences:
        state = f"next {zoned(one.occurrences[0].since, overview.timezone)}"
    else:
        state = "over"
    where = f" in {', '.join(one.freeze.environments)}" if one.freeze.environments else ""
    return one.id, f"{kind}{where}", state, line(one.freeze.reason)


def _data(one: Shown) -> dict[str, Any]:
    return {
        "freeze": one.id,
        "reason": clean(one.freeze.reason),
        "allow": one.freeze.allow,
        "environments": list(one.freeze.environments),
        "services": list(one.freeze.services),
        "on": one.until is not None,
        "until": _moment(one.until),
        "occurrences": [
            {"since": _moment(each.since), "until": _moment(each.until)} for each in one.occurrences[:20]
        ],
    }


def _moment(at: float | None) -> str | None:
    return None if at is None or abs(at) > _FOREVER else moment(at)


def _calendar(overview: Overview) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//opsctl//freezes//EN", "CALSCALE:GREGORIAN"]
    for one in overview.shown:
        for each in one.occurrences:
            if abs(each.since) <= _FOREVER and each.until <= _FOREVER:
                lines += _event(one, each, overview)
    return "".join(f"{text}\r\n" for each in [*lines, "END:VCALENDAR"] for text in _folded(each))


def _event(one: Shown, each: Occurrence, overview: Overview) -> list[str]:
    kind = "Window for changes" if one.freeze.allow else "No changes"
    return [
        "BEGIN:VEVENT",
        f"UID:{one.id}-{int(each.since)}@opsctl",
        f"DTSTAMP:{_utc(overview.at)}",
        f"DTSTART:{_utc(each.since)}",
        f"DTEND:{_utc(each.until)}",
        f"SUMMARY:{_text(f'{kind}: {one.freeze.reason}')}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _utc(at: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def _text(text: str) -> str:
    escaped = line(text).replace("\\", "\\\\").replace(";", "\\;")
    return escaped.replace(",", "\\,")


def _folded(text: str) -> Iterator[str]:
    """The line in pieces of at most 75 bytes; each but the first begins with a space."""
    piece = ""
    for char in text:
        if len((piece + char).encode()) > _WIDTH:
            yield piece
            piece = " "
        piece += char
    yield piece
