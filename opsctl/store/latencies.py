"""Latencies in two bytes each, so that a long history can still be put in order, and percentiles."""

from __future__ import annotations

import struct
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# A code is the rounded logarithm of the microseconds, 128 steps to each factor of e: half a step is
# 0.39 per cent. Any 64-bit number of microseconds has a code that fits; finer steps would make
# long histories slower, not more useful.
_STEPS = 128
EXACT = "exact"
ROUNDED = "within 0.4 %"


class Latencies(NamedTuple):
    """Seconds that answers took; percentiles by nearest rank, so each is a latency that was seen.

    `method` is `exact`, or `within 0.4 %` where least, most and percentiles come from the hourly
    roll-up; `answers` (how many) and `mean` are always exact.
    """

    answers: int
    mean: float
    least: float
    most: float
    p50: float
    p95: float
    p99: float
    method: str


def encode(microseconds: int) -> bytes:
    """The two bytes that stand for a latency, to 0.4 per cent."""
    return round(_STEPS * log(max(microseconds, 1))).to_bytes(2, "little")


def decode(code: int) -> float:
    """The microseconds that a code stands for."""
    return exp(code / _STEPS)


def exact(microseconds: Iterable[int]) -> Latencies | None:
    """What raw latencies come to; None where there are none."""
    values = sorted(microseconds)
    if not values:
        return None
    return _summed(lambda rank: values[rank - 1], len(values), sum(values), EXACT)


def rolled(total: int, packed: Sequence[bytes]) -> Latencies | None:
    """What rolled-up latencies come to, with their sum in microseconds; None where there are none."""
    whole = b"".join(packed)
    size = len(whole) // 2
    if not size:
        return None
    counts = _counts(struct.unpack(f"<{size}H", whole))
    return _summed(_ranked(counts), size, total, ROUNDED)


def _counts(codes: Iterable[int]) -> Mapping[int, int]:
    from collections import Counter

    return Counter(codes)


def _ranked(counts: Mapping[int, int]) -> Callable[[int], float]:
    from bisect import bisect_left
    from itertools import accumulate

    codes = sorted(counts)
    reached = list(accumulate(map(counts.__getitem__, codes)))
    return lambda rank: decode(codes[bisect_left(reached, rank)])


def _summed(ranked: Callable[[int], float], size: int, total: int, method: str) -> Latencies:
    def percentile(percent: int) -> float:
        # Whole numbers: 0.07 * 100 is a little more than 7, and would give the eighth.
        return ranked(-(-percent * size // 100)) / 1e6

    least, most = ranked(1) / 1e6, ranked(size) / 1e6
    return Latencies(
        size, total / size / 1e6, least, most, percentile(50), percentile(95), percentile(99), method
    )
