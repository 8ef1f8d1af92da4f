"""Sets of times, as half-open intervals [start, end) of whole milliseconds: union, difference, length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same times as intervals in order that neither overlap nor touch; empty ones are dropped."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def clip(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """The times that are within the window."""
    since, until = window
    return union((max(start, since), min(end, until)) for start, end in intervals)


def without(intervals: Iterable[Interval], gone: Iterable[Interval]) -> list[Interval]:
    """The times of `intervals` that are in none of `gone`."""
    left: list[Interval] = []
    holes, at = union(gone), 0
    for begin, end in union(intervals):
        start = begin
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        for hole in range(at, len(holes)):
            if holes[hole][0] >= end:
                break
            left.append((start, holes[hole][0]))
            start = holes[hole][1]
        left.append((start, end))
    return union(left)


def common(sets: Sequence[Sequence[Interval]]) -> list[Interval]:
    """The times that are in every one of the sets; none where there are no sets."""
    if not sets:
        return []
    found = union(sets[0])
    for other in sets[1:]:
        found = without(found, without(found, other))
    return found


def length(intervals: Iterable[Interval]) -> int:
    """How long the times are together; a time in several intervals counts once."""
    return sum(end - start for start, end in union(intervals))
