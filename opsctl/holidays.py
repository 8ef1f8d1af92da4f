"""The days that an iCalendar file keeps free: its all-day events, once or every year."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE = timedelta(days=1)
# An event that is longer is a mistake in its year.
_LONGEST = 366
_PROPERTY = re.compile(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:])*)*):(.*)')
_DURATION = re.compile(r"P(?:([0-9]{1,3})W|([0-9]{1,3})D)")


class _Property(NamedTuple):
    line: int
    name: str
    terms: str
    value: str


def read_holidays(text: str, first: int, last: int) -> frozenset[date]:
    """The days of all-day events from year `first` to `last`, both included.

    Events at a time of day and cancelled ones count for nothing. Raises ValueError, which names the line,
    for what is no calendar, and for repetitions other than every year.
    """
    found: set[date] = set()
    for event in _events(text):
        found |= {day for day in _days(event, first, last) if first <= day.year <= last}
    return frozenset(found)


def _events(text: str) -> Iterator[dict[str, _Property]]:
    """The events, each as its own properties: those of alarms in it are left out."""
    inside: list[str] = []
    event: dict[str, _Property] = {}
    number = 1
    for one in _properties(text):
        number, name = one.line, one.value.strip().upper()
        if not inside and (one.name, name) != ("BEGIN", "VCALENDAR"):
            raise _fault(number, "a calendar begins with BEGIN:VCALENDAR; is this an iCalendar file?")
        if one.name == "BEGIN":
            inside.append(name)
            event = {} if name == "VEVENT" else event
        elif one.name == "END":
            if inside.pop() != name:
                raise _fault(number, f"END:{_cut(name)} ends what did not begin")
            if name == "VEVENT":
                yield event
        elif inside[-1] == "VEVENT":
            if one.name in event and one.name in {"DTSTART", "DTEND", "DURATION", "RRULE"}:
                raise _fault(number, f"{one.name} is there twice in one event; keep one")
            event[one.name] = _joined(event.get(one.name), one)
    if inside or number == 1:
        raise _fault(number, "the calendar is cut off; END:VCALENDAR is missing")


def _joined(before: _Property | None, one: _Property) -> _Property:
    """Properties that may come several times, as EXDATE does, are lists."""
    return one if before is None else before._replace(value=f"{before.value},{one.value}")


def _properties(text: str) -> Iterator[_Property]:
    for number, content in _unfolded(text):
        found = _PROPERTY.fullmatch(content)
        if found is None:
            raise _fault(number, f"`{_cut(content)}` is no line of a calendar; write NAME:VALUE")
        yield _Property(number, found[1].upper(), found[2].upper(), found[3])


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Lines with what was folded on to the next, and the number of their first."""
    start, parts = 0, list[str]()
    for number, content in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), 1):
        if content[:1] in {" ", "\t"} and parts:
            parts.append(content[1:])
        elif content.strip():
            if parts:
                yield start, "".join(parts)
            start, parts = number, [content]
    if parts:
        yield start, "".join(parts)


def _days(event: dict[str, _Property], first: int, last: int) -> Iterator[date]:
    begin = event.get("DTSTART")
    if begin is None or not _is_day(begin) or event.get("STATUS", begin).value.strip() == "CANCELLED":
        return
    for name in ("RDATE", "RECURRENCE-ID"):
        if name in event:
            raise _fault(event[name].line, f"{name} is not read; write the day as an event of its own")
    start = _date(begin, begin.value)
    length = _length(event, start)
    left_out = {_date(event["EXDATE"], one) for one in _values(event.get("EXDATE"))}
    for one in _starts(event.get("RRULE"), start, first - 1, last):
        if one.year <= last and one not in left_out:
            yield from (one + number * _ONE for number in range(length))


def _is_day(one: _Property) -> bool:
    return "VALUE=DATE" in one.terms.split(";") or re.fullmatch("[0-9]{8}", one.value.strip()) is not None


def _values(one: _Property | None) -> list[str]:
    return one.value.split(",") if one else []


def _length(event: dict[str, _Property], start: date) -> int:
    """How many days an event has."""
    place = event.get("DTEND", event.get("DURATION", event["DTSTART"]))
    length = 1
    if place.name == "DTEND":
        length = (_date(place, place.value) - start).days
    elif place.name == "DURATION":
        found = _DURATION.fullmatch(place.value.strip())
        if found is None:
            raise _fault(place.line, f"`{_cut(place.value)}` is no number of days; write P1D or P2W")
        length = int(found[2] or 0) + 7 * int(found[1] or 0)
    if not 1 <= length <= _LONGEST:
        raise _fault(place.line, "an event ends after it begins (DTEND is the day after) and within a year")
    return length


def _starts(rule: _Property | None, start: date, first: int, last: int) -> Iterator[date]:
    """The days on which an event begins, from year `first` on."""
    if rule is None:
        yield start
        return
    terms = _terms(rule, start)
    step, number = int(terms.get("INTERVAL", "1")), int(terms.get("COUNT", "100000"))
    until = _date(rule, terms["UNTIL"][:8]) if "UNTIL" in terms else date.max
    for year in range(start.year, last + 1, step):
        # A leap day that comes every year comes in leap years.
        if (day := _on(start, year)) is None:
            continue
        if day > until or number <= 0:
            return
        number -= 1
        if year >= first:
            yield day


def _on(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:
        return None


def _terms(rule: _Property, start: date) -> dict[str, str]:
    """What a repetition says; ValueError unless it is: every so many years on the day of the first."""
    terms = dict[str, str]()
    for one in rule.value.strip().upper().strip(";").split(";"):
        name, _, value = one.partition("=")
        terms[name] = value
    same = {"BYMONTH": str(start.month), "BYMONTHDAY": str(start.day)}
    known = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *same}
    numbers = [terms[name] for name in ("INTERVAL", "COUNT") if name in terms]
    plain = terms.get("FREQ") == "YEARLY" and terms.keys() <= known
    if (
        not plain
        or any(terms.get(name, value) != value for name, value in same.items())
        or not all(re.fullmatch("[1-9][0-9]{0,3}", one) for one in numbers)
    ):
        words = "is no repetition that is read; write FREQ=YEARLY, or an event for each day"
        raise _fault(rule.line, f"`{_cut(rule.value)}` {words}")
    return terms


def _date(place: _Property, said: str) -> date:
    said = said.strip()
    try:
        if not re.fullmatch("[0-9]{8}", said):
            raise ValueError(said)
        return datetime.strptime(said, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise _fault(place.line, f"`{_cut(said)}` in {place.name} is no day; write it as 20261225") from None


def _fault(number: int, words: str) -> ValueError:
    return ValueError(f"line {number}: {words}")


def _cut(text: str) -> str:
    return line(shorten(text, 40))
