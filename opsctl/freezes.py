"""A freeze: a stretch of time, once or recurring, in which changes are refused; or the only one for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from opsctl.limits import Doc, Matching, Name, NotEmpty, OneOrMore

if TYPE_CHECKING:
    from collections.abc import Iterator

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Words = Annotated[tuple[Name, ...], OneOrMore()]
_Span = Matching(
    r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", "two times, as `18:00-08:00`"
)


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
    between: Annotated[str | None, _Span, Doc("The time of day; it may go on past midnight.")] = None
    environments: Annotated[_Words, Doc("Only there; everywhere by default.")] = ()
    services: Annotated[_Words, Doc("Only for these; for all by default.")] = ()
    timezone: Annotated[str | None, NotEmpty(), Doc("An IANA name; the workspace's zone by default.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """It says when, in times that there are."""
        if not any((self.starts, self.ends, self.days, self.between)):
            yield "reason", "it does not say when; add `starts` and `ends`, `days` or `between`"
        for name in ("starts", "ends"):
            text = getattr(self, name)
            if text is not None and moment_of(text) is None:
                yield name, f"`{text}` is no time; write 2026-11-26 or 2026-11-26 18:00"
        first, last = (moment_of(text) if text else None for text in (self.starts, self.ends))
        if first and last and last < first:
            yield "ends", "it ends before it starts"
        if self.between and self.between[:5] == self.between[6:]:
            yield "between", "it begins and ends at the same time; leave it out for whole days"
        if self.timezone is not None and not _is_zone(self.timezone):
            yield "timezone", f"`{self.timezone}` is no time zone; write one as Europe/Berlin"


def moment_of(text: str) -> datetime | None:
    """The wall-clock time that a text says; None where it says none, or one with a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
