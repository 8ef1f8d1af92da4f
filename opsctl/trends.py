"""How a service did in each part of a period: its availability, and its latency."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from opsctl import metrics
from opsctl.store.hourly import hourly, seconds_of
from opsctl.store.rows import millis
from opsctl.uptimes import course_of, meant

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from opsctl.definitions import Workspace
    from opsctl.metrics import Figure
    from opsctl.periods import Part


class Trend(NamedTuple):
    """A figure for each part: availability by time, and the 95th percentile in seconds where measured.

    A latency counts to the part in which its hour begins.
    """

    availability: tuple[Figure, ...]
    latency: tuple[float | None, ...]


def trend(db: sqlite3.Connection, workspace: Workspace, service: str, parts: Sequence[Part]) -> Trend:
    """How a service did in each part."""
    course = course_of(db, workspace, service, parts[0].since, parts[-1].until)
    windows = [(millis(one.since), millis(one.until)) for one in parts]
    availability = tuple(
        metrics.availability(metrics.spent(one, course.down, course.up, course.planned), course.n)
        for one in windows
    )
    _, names = meant(workspace, service)
    return Trend(availability, tuple(_latencies(db, names, parts)))


def _latencies(db: sqlite3.Connection, names: Sequence[str], parts: Sequence[Part]) -> Iterator[float | None]:
    counts = [Counter[int]() for _ in parts]
    at = 0
    for hour in hourly(db, names, parts[0].since, parts[-1].until):
        while at + 1 < len(parts) and hour.started >= parts[at].until:
            at += 1
        counts[at].update(hour.codes)
    for one in counts:
        yield metrics.latency(seconds_of(one), 0.95).value if one else None
