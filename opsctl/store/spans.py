"""Spans: the state that counts, run-length encoded over time, one result after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.outages import unproven
from opsctl.store.rows import CODES, Span

if TYPE_CHECKING:
    from opsctl.records import Standing


class Step(NamedTuple):
    """What one result does to a check's spans.

    `resolved` says that what was pending is decided: as an outage where `proven`, as none where
    not. `tail` is the open span as it is then, None where there was none; `new` the one that
    begins.
    """

    resolved: bool
    proven: bool
    tail: Span | None
    new: Span | None


def advance(tail: Span | None, previous: Standing | None, standing: Standing, at: int, lapse: float) -> Step:
    """Follow the standing from `previous` to `standing`, found at `at` (milliseconds).

    A span reaches from its first result to the next span's first where that comes within `lapse`
    seconds, otherwise to its own last result: the time between is no data. A clock that was put
    back by less than `lapse` moves no span; one that was put back further begins a new one.
    """
    resolved = previous is not None and unproven(previous) and not unproven(standing)
    proven = resolved and not standing.state.good
    if tail is not None and resolved:
        tail = resolve(tail, proven=proven)
    state = CODES[standing.state]
    pending = CODES[standing.seen] if unproven(standing) else None
    if tail is None or abs(at - tail.ended) > lapse * 1000:
        return Step(resolved, proven, tail, Span(state, pending, at, at, 1))
    reached = max(at, tail.ended)
    if tail.state == state and tail.pending == pending:
        return Step(resolved, proven, Span(state, pending, tail.started, reached, tail.results + 1), None)
    closed = Span(tail.state, tail.pending, tail.started, reached, tail.results)
    return Step(resolved, proven, closed, Span(state, pending, reached, reached, 1))


def resolve(span: Span, *, proven: bool) -> Span:
    """The span with what was pending decided."""
    if span.pending is None:
        return span
    state = span.pending if proven else span.state
    return Span(state, None, span.started, span.ended, span.results)
