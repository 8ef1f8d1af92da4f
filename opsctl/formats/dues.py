"""What is due and what is overdue, in words and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.summary import moment
from opsctl.outcome import Kind
from opsctl.units import brief
from opsctl.watching import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsctl.clocks import Due


def due_words(one: Due, now: float, timezone: str, *, said: bool = True) -> str:
    """`acknowledge by 15:10 UTC (in 12m)`, `update OVERDUE since 14:50 UTC (8m)`, `acknowledged in time`.

    Without `said`, without the name of what is due.
    """
    at = clock(one.due, now, timezone)
    if one.done is not None:
        late = f"{brief(Kind.DURATION, one.done - one.due)} late" if one.late else "in time"
        words = f"done {late}, was due {at}"
    elif now > one.due:
        words = f"OVERDUE since {at} ({brief(Kind.DURATION, now - one.due)})"
    else:
        words = f"by {at} (in {brief(Kind.DURATION, one.due - now)})"
    return f"{one.what} {words}" if said else words


def dues_words(dues: Iterable[Due], now: float, timezone: str) -> str:
    """Several in one line, what is overdue first."""
    ordered = sorted(dues, key=lambda one: one.due)
    return "; ".join(due_words(one, now, timezone) for one in ordered)


def due_data(one: Due, now: float) -> dict[str, Any]:
    """Something due, ready for JSON."""
    return {
        "what": one.what,
        "due": moment(one.due),
        "done": None if one.done is None else moment(one.done),
        "overdue": one.overdue(now),
        "late": one.late,
    }
