"""A maintenance window as it is written: times, once or recurring, in which checks do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from opsctl.freezes import SPAN, Day, time_problems
from opsctl.limits import Doc, NotEmpty, OneOrMore

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Window:
    """When which checks do not count, and why."""

    reason: Annotated[str, NotEmpty(), Doc("Why.")]
    select: Annotated[tuple[str, ...], OneOrMore(), NotEmpty(), Doc("Which checks, as for `opsctl check`.")]
    starts: Annotated[str | None, NotEmpty(), Doc("As `2026-11-26` or `2026-11-26 18:00`, in its zone.")] = (
        None
    )
    ends: Annotated[str | None, NotEmpty(), Doc("Likewise; a bare day is over when it is.")] = None
    days: Annotated[tuple[Day, ...], OneOrMore(), Doc("The days on which it begins; all by default.")] = ()
    between: Annotated[str | None, SPAN, Doc("The time of day; it may go on past midnight.")] = None
    timezone: Annotated[str | None, NotEmpty(), Doc("An IANA name; the workspace's zone by default.")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        """It says when, in times that there are, and it ends."""
        yield from time_problems(self)
        if self.starts and not self.ends and not self.days and not self.between:
            yield "starts", "it never ends; add `ends`"
        if self.ends and not self.starts and not self.days and not self.between:
            yield "ends", "it never began; add `starts`"
