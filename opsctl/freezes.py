"""A freeze: a stretch of time, once or recurring, in which changes are refused; or the only one for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from opsctl.limits import Doc, Matching, Name, NotEmpty, OneOrMore
from opsctl.zones import unknown_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Words = Annotated[tuple[Name, ...], OneOrMore()]
SPAN = Matching(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", "two times, as `18:00-08:00`")


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """When changes are refused, and why; with `allow`, they are refused at all other times."""

    reason: Annotated[str, NotEmpty(), Doc("Why.")]
    allow: Annotated[bool, Doc("Whether it is a window for changes, outside of which they are refused.")] = (
        False
    )
    starts: Annotated[str | None, NotEmpty(), Doc("As `2026-11-26` or `2026-11-26 18:00`, in its zone.")] = (
        None
    )
    ends: Annotated[str | None, NotEmpty(), Doc("Likewise; a bare day is over when it is.")] = None
    days: Annotated[tuple[Day, ...], OneOrMore(), Doc("The days on which it begins; all by default.")] = ()
    between: Annotated[str | None, SPAN, Doc("The time of day; it may go on past midnight.")] = None
    environments: Annotated[_Words, Doc("Only there; everywhere by default.")] = ()
    services: Annotated[_Words, Doc("Only for these; for all by default.")] = ()
    timezone: Annotated[str | None, NotEmpty(), Doc("An IANA name; the workspace's zone by default.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """It says when, in times that there are."""
        yield from time_problems(self)


class Recurring(Protocol):
    """When something is on, as freezes and maintenance say it."""

    @property
    def starts(self) -> str | None:
        """The first moment."""

    @property
    def ends(self) -> str | None:
        """The last one."""

    @property
    def days(self) -> tuple[Day, ...]:
        """The days on which it begins."""

    @property
    def between(self) -> str | None:
        """The time of day."""

    @property
    def timezone(self) -> str | None:
        """The zone of them all."""


# What lies outside cannot be turned into every zone.
_FIRST, _LAST = 1970, 9000


def time_problems(one: Recurring) -> Iterator[tuple[str, str]]:
    """The fields of `one` that say no time, and what to write instead."""
    if not any((one.starts, one.ends, one.days, one.between)):
        yield "reason", "it does not say when; add `starts` and `ends`, `days` or `between`"
    for name in ("starts", "ends"):
        text = getattr(one, name)
        if text is None:
            continue
        moment = moment_of(text)
        if moment is None:
            yield name, f"`{text}` is no time; write 2026-11-26 or 2026-11-26 18:00"
        elif not _FIRST <= moment.year <= _LAST:
            yield name, f"`{text}` is not between {_FIRST} and {_LAST}; leave `{name}` out where it has none"
    first, last = (moment_of(text) if text else None for text in (one.starts, one.ends))
    if first and last and last < first:
        yield "ends", "it ends before it starts"
    if one.between and one.between[:5] == one.between[6:]:
        yield "between", "it begins and ends at the same time; leave it out for whole days"
    if one.timezone is not None and (unknown := unknown_zone(one.timezone)):
        yield "timezone", unknown


def moment_of(text: str) -> datetime | None:
    """The wall-clock time that a text says; None where it says none, or one with a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None
