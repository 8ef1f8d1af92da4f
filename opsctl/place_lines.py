"""The lines of JSON in which results travel between places: written, and read with suspicion."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from opsctl.outcome import Cause, State
from opsctl.prose import count, line, safe, shorten, ticked
from opsctl.strict_json import RepeatedKeyError, read_json

FORMAT = "1.0"
# Clocks differ a little; what is further ahead would count for ever.
AHEAD = 300.0
_KEYS = ("format_version", "place", "check", "time", "state", "cause", "latency", "message")
_LONGEST_LINE = 20_000
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 2000
_LONGEST_LATENCY = 86_400.0


class PlaceResult(NamedTuple):
    """What a check found when it was made at a place: `at` in UTC epoch seconds, `latency` in seconds."""

    place: str
    check: str
    at: float
    state: State
    cause: Cause | None
    latency: float | None
    message: str


class Read(NamedTuple):
    """What a line came to: a result or None, and a note where it was refused or changed."""

    result: PlaceResult | None
    note: str


class _RefusedError(ValueError):
    """The line is no result; its words say why."""


def write_line(one: PlaceResult) -> str:
    """The result as a line, which `read_line` reads again to the millisecond."""
    time = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = (FORMAT, one.place, one.check, time, one.state, one.cause, one.latency, one.message)
    return json.dumps(dict(zip(_KEYS, values, strict=True)), allow_nan=False) + "\n"


def read_line(text: str, now: float) -> Read:
    """The result in a line of a place that is not trusted.

    Names are taken as they are or not at all, as they say whose result it is; a message is made harmless.
    """
    try:
        data = _data(text)
        message = _text(data, "message", _LONGEST_MESSAGE * 2)
        found = PlaceResult(
            place_name(_text(data, "place", _LONGEST_NAME)),
            place_name(_text(data, "check", _LONGEST_NAME), "check"),
            _time(data, now),
            State(_one_of(data, "state", [str(one) for one in State])),
            None if data["cause"] is None else Cause(_one_of(data, "cause", [str(one) for one in Cause])),
            _latency(data),
            shorten(line(message), _LONGEST_MESSAGE),
        )
    except ValueError as error:
        return Read(None, f"refused: {error}")
    return Read(found, "" if found.message == message else "its message was made harmless")


def place_name(text: str, what: str = "place") -> str:
    """The name of a place; ValueError where it is empty, too long or has characters that hide or control."""
    if not text.strip() or text != line(text) or len(text) > _LONGEST_NAME:
        raise _RefusedError(f"`{shorten(line(text), 40)}` is no name of a {what}")
    return text


def _data(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_LINE:
        raise _RefusedError(f"it is longer than {_LONGEST_LINE:,} characters")
    try:
        data = read_json(text, None)
    except RepeatedKeyError as error:
        raise _RefusedError(f"it is {error}") from None
    except (ValueError, RecursionError):
        raise _RefusedError("it is no JSON") from None
    if not isinstance(data, dict) or "format_version" not in data:
        raise _RefusedError("it is no result; write such files with `opsctl results export`")
    if data["format_version"] != FORMAT:
        found = shorten(line(str(data["format_version"])), 20)
        raise _RefusedError(f"it is of another opsctl (format {found}, this one reads {FORMAT})")
    if set(data) != set(_KEYS):
        other = sorted(set(data) ^ set(_KEYS))
        shown = [shorten(safe(one), 40) for one in other[:3]]
        raise _RefusedError(f"{count('key', len(other))} too many or missing: {ticked(shown, 'and')}")
    return data


def _text(data: dict[str, Any], key: str, longest: int) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise _RefusedError(f"`{key}` is no text")
    return value[: longest + 1]


def _one_of(data: dict[str, Any], key: str, allowed: list[str]) -> str:
    if not isinstance(data[key], str) or data[key] not in allowed:
        raise _RefusedError(f"`{key}` is `{shorten(line(str(data[key])), 40)}`, which is none")
    return str(data[key])


def _time(data: dict[str, Any], now: float) -> float:
    said = _text(data, "time", 40)
    try:
        at = datetime.fromisoformat(said)
        seconds = round(at.timestamp(), 3) if at.tzinfo else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if seconds < 0:
        raise _RefusedError("`time` is no time with a zone since 1970")
    if seconds > now + AHEAD:
        raise _RefusedError("it lies in the future; one of the two clocks is wrong")
    return seconds


def _latency(data: dict[str, Any]) -> float | None:
    value = data["latency"]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_LATENCY:
        raise _RefusedError("`latency` is no number of seconds up to a day")
    return float(value)
