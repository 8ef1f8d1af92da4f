"""The period of a report, and the parts that its charts show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from opsctl.errors import UsageError
from opsctl.moments import moment
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.units import parse
from opsctl.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_HOUR = 3600.0
_DAY = 24 * _HOUR
LENGTHS = {
    "daily": _DAY,
    "weekly": 7 * _DAY,
    "monthly": 30 * _DAY,
    "quarterly": 91 * _DAY,
    "yearly": 365 * _DAY,
    "handover": 12 * _HOUR,
    "standup": _DAY,
}
# Which length of a part gives a chart that can be read.
_PARTS = ((2 * _DAY, _HOUR), (35 * _DAY, _DAY), (float("inf"), 7 * _DAY))


class Period(NamedTuple):
    """From `since` up to `until`, UTC epoch seconds."""

    since: float
    until: float


class Part(NamedTuple):
    """A part of a period, with the label of its beginning."""

    since: float
    until: float
    label: str


def period(
    kind: str, length: str | None, until: str | None, now: float, timezone: str, *, last: bool
) -> Period:
    """The period of a report: so long until now, or the `last` whole one by the calendar.

    Raises UsageError for texts that say none, and for periods before 1970.
    """
    if last:
        if length is not None or until is not None:
            raise UsageError("`--last` says the period; leave `--period` and `--until` out")
        return _whole(kind, now, timezone)
    end = now if until is None else moment(until, now, timezone, "--until")
    lasts = LENGTHS[kind] if length is None else _length(length)
    if lasts > end:
        raise UsageError("the period begins before 1970; name a shorter one")
    return Period(end - lasts, end)


def parts(whole: Period, timezone: str) -> tuple[Part, ...]:
    """The period in hours, days or weeks of the zone, by its length; the first and last may be shorter."""
    lasts = whole.until - whole.since
    size = next(part for most, part in _PARTS if lasts <= most)
    return tuple(_parts(whole, size, zone_named(timezone)))


def _parts(whole: Period, size: float, zone: tzinfo) -> Iterator[Part]:
    at = whole.since
    while at < whole.until:
        end = min(_next(at, size, zone), whole.until)
        form = "%H:%M" if size < _DAY else "%Y-%m-%d"
        yield Part(at, end, datetime.fromtimestamp(at, zone).strftime(form))
        at = end


def _next(at: float, size: float, zone: tzinfo) -> float:
    """The next beginning of an hour, a day or a week."""
    if size < _DAY:
        return (at // _HOUR + 1) * _HOUR
    day = datetime.fromtimestamp(at, zone).date()
    days = 1 if size < 7 * _DAY else 7 - day.weekday()
    after = day + timedelta(days=days)
    return datetime(after.year, after.month, after.day, tzinfo=zone).timestamp()


def _whole(kind: str, now: float, timezone: str) -> Period:
    zone = zone_named(timezone)
    day = datetime.fromtimestamp(now, zone).date()
    if kind == "weekly":
        end = day - timedelta(days=day.weekday())
        begin = end - timedelta(days=7)
    elif kind == "monthly":
        end = day.replace(day=1)
        begin = (end - timedelta(days=1)).replace(day=1)
    elif kind == "quarterly":
        end = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        begin = (end - timedelta(days=80)).replace(day=1)
        begin = begin.replace(month=(begin.month - 1) // 3 * 3 + 1)
    elif kind == "yearly":
        end = day.replace(month=1, day=1)
        begin = end.replace(year=end.year - 1)
    else:
        end, begin = day, day - timedelta(days=1)
    first, last = (datetime(one.year, one.month, one.day, tzinfo=zone).timestamp() for one in (begin, end))
    return Period(first, last)


def _length(text: str) -> float:
    try:
        lasts = parse(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"--period `{line(shorten(text, 40))}`: {error}") from error
    if lasts < _HOUR:
        raise UsageError(f"--period `{line(shorten(text, 40))}` is too short; name an hour or more")
    return lasts
