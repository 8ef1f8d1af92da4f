"""Times as people say them: `14:54`, `10 minutes ago`, `yesterday 9:00`, `in 3d`, `2026-11-21T14:54Z`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.units import parse
from opsctl.zones import zone_named

if TYPE_CHECKING:
    from datetime import tzinfo

_WORDS = {
    "second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w",
}  # fmt: skip
_SPOKEN = re.compile(r"(an?|[0-9]+(?:\.[0-9]+)?) ?([a-z]+?)s?")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEAR = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LAST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def moment(text: str, now: float, timezone: str, option: str, *, ahead: bool = False) -> float:
    """The time that `text` says, as UTC epoch seconds; times without a zone are of `timezone` (IANA).

    A bare duration, time of day or weekday is the latest one before `now`, or with `ahead` the next after
    it; `-15m` is always before. Of a time that comes twice when the clocks change, `now` decides likewise
    for a bare time of day, and else the first is meant. Raises UsageError, which names `option`, for any
    other text and for times that a change of the clocks skips.
    """
    said = " ".join(text.lower().split())
    try:
        zone = zone_named(timezone)
        found = _moment(said, text.strip(), now, zone, ahead=ahead)
    except (ValueError, OverflowError) as error:
        example = "in 3d, friday" if ahead else "10m, 14:54"
        raise UsageError(
            f"{option} `{line(shorten(text, 40))}` is not a time; "
            f"write {example}, 2026-11-21, 2026-11-21 14:54 or 2026-11-21T14:54:00Z"
            + (f" ({error})" if isinstance(error, _SkippedError) else "")
        ) from error
    if not 0 <= found <= _LAST:
        raise UsageError(
            f"{option} `{line(shorten(text, 40))}` is too far away; write a time from 1970 to 9000"
        )
    return found


def deadline(text: str, now: float, timezone: str, option: str) -> float:
    """As `moment` ahead, for what is due: a bare day means its last second."""
    at = moment(text, now, timezone, option, ahead=True)
    said = text.strip().lower()
    if not _DAY.fullmatch(said) and said not in _NEAR and said not in _DAYS:
        return at
    zone = zone_named(timezone)
    return _at(datetime.fromtimestamp(at, zone).date() + timedelta(days=1), "", zone) - 1


class _SkippedError(ValueError):
    """The clocks skip that time."""


def _moment(said: str, text: str, now: float, zone: tzinfo, *, ahead: bool) -> float:
    if said == "now":
        return now
    if said.endswith(" ago"):
        return now - _seconds(said.removesuffix(" ago"))
    if said.startswith("in "):
        return now + _seconds(said.removeprefix("in "))
    if said.startswith("-"):
        return now - _seconds(said.removeprefix("-"))
    today = datetime.fromtimestamp(now, zone).date()
    if _CLOCK.fullmatch(said):
        return _nearest(today, 1, said, now, zone, ahead=ahead)
    day, _, clock = said.partition(" ")
    if day in _NEAR:
        return _at(today + timedelta(_NEAR[day]), clock, zone)
    if day in _DAYS:
        away = (_DAYS.index(day) - today.weekday()) % 7
        named = today + timedelta(away if ahead or not away else away - 7)
        return _nearest(named, 7, clock, now, zone, ahead=ahead)
    if said[:1].isdigit() and not said[:5].endswith("-"):
        return now + (1 if ahead else -1) * _seconds(said)
    at = datetime.fromisoformat(text)
    return at.timestamp() if at.tzinfo else _local(at, zone)


def _seconds(said: str) -> float:
    if (found := _SPOKEN.fullmatch(said)) and found[2] in _WORDS:
        number = "1" if found[1] in {"a", "an"} else found[1]
        return parse(Kind.DURATION, f"{number}{_WORDS[found[2]]}")
    if said.startswith("-"):
        raise ValueError(said)
    return parse(Kind.DURATION, said)


def _at(day: date, clock: str, zone: tzinfo, fold: int = 0) -> float:
    """The time of day on that day; midnight where `clock` is empty."""
    if (found := _CLOCK.fullmatch(clock or "0:00")) is None:
        raise ValueError(clock)
    hour, minute, second = (int(part or 0) for part in found.groups())
    at = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001 - the zone is put on there
    return _local(at, zone, fold)


def _nearest(day: date, every: int, clock: str, now: float, zone: tzinfo, *, ahead: bool) -> float:
    """The last such moment up to `now`, or the first after it, on that day or `every` days away from it."""
    other = day + timedelta(every if ahead else -every)
    # Where the clocks are put back, a time of day comes twice.
    both = (0, 1) if ahead else (1, 0)
    found = (_at(one, clock, zone, fold) for one in (day, other) for fold in both)
    return next(at for at in found if (at > now) is ahead)


def _local(at: datetime, zone: tzinfo, fold: int = 0) -> float:
    found = at.replace(tzinfo=zone, fold=fold)
    if datetime.fromtimestamp(found.timestamp(), zone).replace(tzinfo=None) != at:
        raise _SkippedError("the clocks skip it")
    return found.timestamp()
