"""Percentiles by nearest rank, and how far counts and ranks of a few observations can be trusted."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from itertools import accumulate
from math import ceil, exp, lgamma, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Two-sided 95 %: so much may lie beyond either end.
_BEYOND = 0.025
# What is smaller than this part of a sum changes none of the digits that are kept.
_NEGLIGIBLE = 1e-17


def exact(number: float) -> Fraction:
    """A number as it is written: 0.07 is seven hundredths, and not the float next to it."""
    return Fraction(repr(number))


def rank(n: int, q: float) -> int:
    """The place, from 1 to n, of the q-th quantile (q from 0 to 1) by nearest rank: ceil(q n), at least 1."""
    return max(1, ceil(exact(q) * n))


def nearest_rank(values: Sequence[float], q: float) -> float | None:
    """The q-th quantile by nearest rank, always one of the values; None where there are none."""
    return sorted(values)[rank(len(values), q) - 1] if values else None


def at_ranks(counts: Mapping[float, int], places: Sequence[int | None]) -> list[float | None]:
    """The values at places, from 1, of values in order that are given with how often each occurs."""
    values = sorted(counts)
    reached = list(accumulate(map(counts.__getitem__, values)))
    return [None if place is None else values[bisect_left(reached, place)] for place in places]


def rank_interval(n: int, q: float) -> tuple[int | None, int | None]:
    """The places between which the true quantile lies, with 95 % confidence; None where n is too small.

    By the binomial distribution of how many of n independent observations are below it, so it holds
    whatever their distribution is. A median has both ends from n = 6 on, a 99th percentile from n = 368.
    """
    if not 0 < q < 1:
        return None, None
    low = _last(0, n, lambda k: _binomial(n, q, k - 1, -1) <= _BEYOND)
    high = n + 1 - _last(0, n, lambda k: _binomial(n, q, n + 1 - k, 1) <= _BEYOND)
    return low or None, None if high > n else high


def count_interval(n: int) -> tuple[float, float]:
    """The counts that could be expected, with 95 % confidence, where n events were seen (Poisson, exact)."""
    low = _root(lambda rate: _poisson(n, rate, 1) < _BEYOND, 0.0, float(n)) if n else 0.0
    high = _root(lambda rate: _poisson(n, rate, -1) > _BEYOND, float(n), 2.0 * n + 10)
    return low, high


def _last(first: int, last: int, holds: Callable[[int], bool]) -> int:
    """The last number for which it holds, where it holds for `first` and, once it does not, never again."""
    while first < last:
        middle = (first + last + 1) // 2
        first, last = (middle, last) if holds(middle) else (first, middle - 1)
    return first


def _root(before: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if before(middle) else (low, middle)
    return low


def _binomial(n: int, q: float, k: int, step: int) -> float:
    """The probability of k or fewer (`step` -1), or of k or more (`step` 1), of n with probability q each."""
    mode, odds = int((n + 1) * q), q / (1 - q)
    if not 0 <= k <= n:
        return 0.0 if (k < 0) is (step < 0) else 1.0
    # A sum that leads through the middle is about a half at least, which is all that is asked of it.
    if (mode - k) * step > 0:
        return 1.0
    term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(q) + (n - k) * log(1 - q))
    total = 0.0
    while 0 <= k <= n and term > total * _NEGLIGIBLE:
        total += term
        term *= (n - k) / (k + 1) * odds if step > 0 else k / (n - k + 1) / odds
        k += step
    return total


def _poisson(n: int, rate: float, step: int) -> float:
    """The probability of n or fewer (`step` -1), or of n or more (`step` 1), where `rate` are expected."""
    if rate <= 0:
        return 1.0 if n == 0 or step < 0 else 0.0
    term, total, k = exp(n * log(rate) - rate - lgamma(n + 1)), 0.0, n
    while k >= 0 and term > total * _NEGLIGIBLE:
        total += term
        term *= rate / (k + 1) if step > 0 else k / rate
        k += step
    return total
