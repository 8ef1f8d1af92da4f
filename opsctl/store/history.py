"""What happened over a window of time: outages, availability with no data apart, latencies."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from opsctl.outcome import Cause, State
from opsctl.store.rows import CODES, STATES, millis, seconds
from opsctl.store.tallies import BUCKETS, Bucket, Tally, tallies

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from opsctl.store.latencies import Latencies
    from opsctl.store.opening import Store

_BAD = CODES[State.UNKNOWN]
_NEVER_SEEN = 0


class Outage(NamedTuple):
    """A time in which a check counted as down or unknown; times are UTC epoch seconds.

    `started` is its first bad result, `ended` the good one that ended it, None where it goes on.
    `state` is the worst it was, `cause` and `message` are those it began with, `results` is how
    many runs saw it.
    """

    check: str
    started: float
    ended: float | None
    state: State
    cause: Cause | None
    message: str
    results: int


class Availability(NamedTuple):
    """What is known of a check over a window: seconds in each state that counted, which add up to it.

    Before the first result, after the last, and between two that are further apart than the
    check's `lapse`, there is no data. `results` counts what the runs saw, by state.
    """

    check: str
    up: float
    degraded: float
    down: float
    unknown: float
    no_data: float
    results: Mapping[State, int]
    latencies: Latencies | None
    buckets: tuple[Bucket, ...]

    @property
    def known(self) -> float:
        """The seconds of which it is known whether the check was up."""
        return self.up + self.degraded + self.down

    @property
    def ratio(self) -> float | None:
        """The share of the known time in which it worked, from 0 to 1; None where nothing is known."""
        return (self.up + self.degraded) / self.known if self.known else None


_SPANS = """
    SELECT s.check_id, s.state, s.started, s.ended
    FROM json_each(?) AS wanted
    CROSS JOIN spans AS s ON s.check_id = wanted.value
    WHERE s.started < ? AND s.ended > ?
    ORDER BY s.check_id, s.started, s.id
"""
# From the last good span before the window on, so that an outage has its true start.
_RUNS_OF_SPANS = """
    SELECT c.name, s.state, s.started, s.ended, s.results, s.cause, s.message
    FROM json_each(?) AS wanted
    CROSS JOIN checks AS c ON c.id = wanted.value
    CROSS JOIN spans AS s ON s.check_id = c.id
    WHERE s.started >= coalesce(
        (
            SELECT max(good.started) FROM spans AS good
            WHERE good.check_id = c.id AND good.state < ? AND good.started < ?
        ),
        0
    )
    ORDER BY c.name, s.id
"""


def outages(store: Store, names: Iterable[str] | None, since: float, until: float) -> list[Outage]:
    """The outages of the checks (None: of all) that touch the window, by check and time.

    An outage goes on over time without data: nothing showed that it had ended.
    """
    with store.reading() as db:
        return outages_in(db, names, since, until)


def outages_in(
    db: sqlite3.Connection, names: Iterable[str] | None, since: float, until: float
) -> list[Outage]:
    """As `outages`, inside a transaction."""
    ids = _ids(db, names)
    rows = db.execute(_RUNS_OF_SPANS, (json.dumps(list(ids.values())), _BAD, millis(since)))
    found = [outage for name, spans in groupby(rows, itemgetter(0)) for outage in _outages(name, list(spans))]
    return [each for each in found if each.started < until and (each.ended is None or each.ended > since)]


def availability(
    store: Store, names: Sequence[str] | None, since: float, until: float, buckets: int = BUCKETS
) -> list[Availability]:
    """What is known of each of the checks (None: of all) over the window, in their order.

    `buckets` parts of equal length show the course over the window, fewer where it is answered from
    the hourly roll-up and has fewer hours. A check that the store has
    never seen has no data at all. Raises ValueError unless `since` is before `until`.
    """
    if since >= until:
        raise ValueError("a window ends after it begins")
    window = (millis(since), millis(until))
    with store.reading() as db:
        ids = _ids(db, names)
        spent = _spent(db, ids.values(), *window)
        seen = tallies(db, [*ids.values(), _NEVER_SEEN], *window, buckets)
    return [
        _availability(name, spent.get(check_id, [0] * len(STATES)), window, seen[check_id])
        for name, check_id in (
            (name, ids.get(name, _NEVER_SEEN)) for name in (ids if names is None else names)
        )
    ]


def _ids(db: sqlite3.Connection, names: Iterable[str] | None) -> dict[str, int]:
    if names is None:
        return dict(db.execute("SELECT name, id FROM checks ORDER BY name").fetchall())
    return dict(
        db.execute(
            "SELECT c.name, c.id FROM json_each(?) AS wanted CROSS JOIN checks AS c ON c.name = wanted.value",
            (json.dumps(list(names)),),
        ).fetchall()
    )


def _outages(name: str, spans: Sequence[tuple[str, int, int, int, int, str | None, str]]) -> Iterator[Outage]:
    first = 0
    for at, (_, state, started, *_) in enumerate(spans):
        if state < _BAD:
            if first < at:
                yield _outage(name, spans[first:at], started)
            first = at + 1
    if first < len(spans):
        yield _outage(name, spans[first:], None)


def _outage(
    name: str, spans: Sequence[tuple[str, int, int, int, int, str | None, str]], ended: int | None
) -> Outage:
    _, _, started, _, _, cause, message = spans[0]
    return Outage(
        name,
        seconds(started),
        # A clock that was put back may have the outage end before it began.
        None if ended is None else seconds(max(started, ended)),
        STATES[max(span[1] for span in spans)],
        Cause(cause) if cause else None,
        message,
        sum(span[4] for span in spans),
    )


def _spent(db: sqlite3.Connection, ids: Iterable[int], since: int, until: int) -> dict[int, list[int]]:
    """Milliseconds in each state, by check; an instant that two spans claim counts once."""
    spent: dict[int, list[int]] = {}
    current, reached, sums = 0, since, [0]
    for check_id, state, started, ended in db.execute(_SPANS, (json.dumps(list(ids)), until, since)):
        if check_id != current:
            current, reached = check_id, since
            sums = spent[check_id] = [0] * len(STATES)
        begin, end = max(started, reached), min(ended, until)
        if end > begin:
            sums[state] += end - begin
            reached = end
    return spent


def _availability(name: str, spent: Sequence[int], window: tuple[int, int], seen: Tally) -> Availability:
    since, until = window
    up, degraded, unknown, down = (seconds(each) for each in spent)
    no_data = seconds(until - since - sum(spent))
    return Availability(
        name, up, degraded, down, unknown, no_data, seen.results, seen.latencies, seen.buckets
    )
