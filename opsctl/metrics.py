"""The figures themselves, exact: what is not known widens a figure, and never counts as good."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple

from opsctl.formulas import DEFINITIONS, Unit, definition_of, percentile_name
from opsctl.intervals import Interval, clip, length, union, without
from opsctl.ranks import at_ranks, count_interval, exact, rank, rank_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MILLI = 1000


class Number(NamedTuple):
    """A number that was put into a formula, by its letter."""

    letter: str
    value: float
    unit: Unit


class Figure(NamedTuple):
    """A figure with all that it stands on.

    `definition` is the id of what it means (`availability/1`, see `formulas`). `value` is None where there is
    none, and `reason` then says why; it is never 0 or 1 for want of data. `low` and `high` are its bounds as
    the definition says, None where there is none. `n` is how many observations it is made of, `coverage` the
    share of the time that is known, None where that does not apply. `counted` and `left_out` are lines for
    people, what was left out with its reason. `numbers` is what the formula was given, `more` are further
    statistics of the same observations, in the same unit.
    """

    definition: str
    value: float | None
    low: float | None
    high: float | None
    unit: Unit
    n: int
    coverage: float | None
    reason: str = ""
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    more: tuple[tuple[str, float], ...] = ()


class Spent(NamedTuple):
    """How a period was spent, in milliseconds: the whole of it, and what of it was not up."""

    whole: int
    maintenance: int = 0
    unknown: int = 0
    down: int = 0

    @property
    def promised(self) -> int:
        """The time for which something is promised."""
        return self.whole - self.maintenance

    @property
    def known(self) -> int:
        """The part of it of which it is known whether it was up."""
        return self.promised - self.unknown

    @property
    def up(self) -> int:
        """The part of it in which it was up."""
        return self.known - self.down


def spent(
    window: Interval,
    down: Iterable[Interval],
    known: Iterable[Interval],
    maintenance: Iterable[Interval] = (),
) -> Spent:
    """How the window was spent; what is down is known, and in maintenance nothing else counts."""
    planned = clip(maintenance, window)
    failed = without(clip(down, window), planned)
    seen = without(clip(union([*known, *failed]), window), planned)
    whole = max(0, window[1] - window[0])
    return Spent(whole, length(planned), whole - length(planned) - length(seen), length(failed))


def availability(time: Spent, n: int) -> Figure:
    """`availability/1` of a period, with `n` stretches of one state in it."""
    if not time.known:
        return nothing("availability", "", n, time)
    bounds = (Fraction(time.up, time.promised), Fraction(time.promised - time.down, time.promised))
    return _figure("availability", Fraction(time.up, time.known), bounds, n, time)


def budget(time: Spent, objective: float, n: int) -> Figure:
    """`error-budget/1`: the used share of what an objective (percent, below 100) allows; may be above 1."""
    spare = allowed(objective, 1)
    numbers = (Number("O", float(1 - spare), "ratio"),)
    if spare <= 0:
        return nothing("error-budget", "an objective of 100% leaves no budget", n, time)._replace(
            numbers=numbers
        )
    if not time.known:
        return nothing("error-budget", "", n, time)
    bounds = (Fraction(time.down, time.promised), Fraction(time.down + time.unknown, time.promised))
    value = Fraction(time.down, time.known) / spare
    figure = _figure("error-budget", value, [bound / spare for bound in bounds], n, time)
    return figure._replace(numbers=(*numbers, *figure.numbers))


def allowed(objective: float, whole: float) -> Fraction:
    """What an objective in percent allows to be bad, of so much time or so many events."""
    return (1 - exact(objective) / 100) * Fraction(whole)


def between_failures(time: Spent, failures: int) -> Figure:
    """`time-between-failures/1`, where so many failures began in the period."""
    if not time.known or not time.up:
        why = "it was never known to be up" if time.known else ""
        return nothing("time-between-failures", why, failures, time)
    up = Fraction(time.up, MILLI)
    numbers = (*_numbers(time), Number("F", failures, "count"))
    if not failures:
        figure = nothing("time-between-failures", "no failure began in the period", 0, time)
        return figure._replace(low=float(up / 3), numbers=numbers)
    fewest, most = count_interval(failures)
    figure = _figure(
        "time-between-failures", up / failures, (float(up) / most, float(up) / fewest), failures, time
    )
    return figure._replace(numbers=numbers)


def latency(counts: Mapping[float, int], q: float) -> Figure:
    """`latency-p95/1` and the like, q from 0 to 1, of latencies in seconds with how often each was seen."""
    n = sum(counts.values())
    name = percentile_name(q)
    if not n:
        return nothing(name, "no answer of the period has a latency", 0)
    value, low, high = at_ranks(counts, (rank(n, q), *rank_interval(n, q)))
    numbers = (Number("q", q, "ratio"), Number("n", n, "count"))
    return Figure(percentile_name(q) + "/1", value, low, high, "seconds", n, None, numbers=numbers)


def typical(name: str, times: Sequence[float]) -> Figure:
    """`time-to-...`: the median of times in seconds, with the mean and the 90th percentile beside it."""
    ordered, n = sorted(times), len(times)
    numbers = (Number("n", n, "count"),)
    if not ordered:
        return nothing(name, "no incident of the period counts", 0)._replace(numbers=numbers)
    places = rank_interval(n, 0.5)
    low, high = (None if place is None else ordered[place - 1] for place in places)
    middle = (Fraction(ordered[(n - 1) // 2]) + Fraction(ordered[n // 2])) / 2
    mean = sum(map(Fraction, ordered)) / n
    more = (("mean", float(mean)), ("p90", ordered[rank(n, 0.9) - 1]))
    definition = DEFINITIONS[name]
    return Figure(definition.id, float(middle), low, high, "seconds", n, None, numbers=numbers, more=more)


def frequency(n: int) -> Figure:
    """`incident-frequency/1`, where so many incidents began in the period."""
    low, high = count_interval(n)
    numbers = (Number("n", n, "count"),)
    return Figure("incident-frequency/1", float(n), low, high, "count", n, None, numbers=numbers)


def actionability(actionable: int, unreviewed: int, fired: int) -> Figure:
    """`alert-actionability/1`: of all that fired, so many asked for action, and so many nobody judged yet."""
    reviewed = fired - unreviewed
    numbers = tuple(
        Number(letter, value, "count")
        for letter, value in (("A", actionable), ("N", fired), ("U", unreviewed))
    )
    if not reviewed:
        why = "no incident that checks opened was reviewed yet" if fired else "checks opened no incident"
        return nothing("alert-actionability", why, 0)._replace(numbers=numbers)
    bounds = (Fraction(actionable, fired), Fraction(actionable + unreviewed, fired))
    figure = _figure("alert-actionability", Fraction(actionable, reviewed), bounds, reviewed)
    return figure._replace(numbers=numbers)


class Change(NamedTuple):
    """How a figure changed: an arrow only where both figures allow one, and the same in words.

    `better` is None where nothing can be claimed, or nothing changed.
    """

    arrow: Literal["↑", "↓", "=", ""]
    better: bool | None
    words: str


def compare(before: Figure, after: Figure) -> Change:
    """The change between two periods; none is claimed for few observations, nor where the bounds overlap."""
    if before.definition != after.definition:
        return Change("", None, f"not enough data: {before.definition} is not {after.definition}")
    definition = definition_of(before.definition)
    if before.value is None or after.value is None:
        return Change("", None, f"not enough data: {before.reason or after.reason}")
    if min(before.n, after.n) < definition.least:
        few = f"n is {before.n} and {after.n}, at least {definition.least} each"
        return Change("", None, f"not enough data: {few}")
    arrow = _arrow(before, after)
    if not arrow:
        return Change("", None, "not enough data: the bounds overlap")
    if arrow == "=":
        return Change(arrow, None, "= the same")
    better = (arrow == "↑") is (definition.better == "higher")
    return Change(arrow, better, f"{arrow} {'better' if better else 'worse'}")


def _arrow(before: Figure, after: Figure) -> Literal["↑", "↓", "=", ""]:
    if before[1:4] == after[1:4] and before.low == before.high:
        return "="
    if _or(after.low, -inf) > _or(before.high, inf):
        return "↑"
    return "↓" if _or(after.high, inf) < _or(before.low, -inf) else ""


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def _figure(
    name: str, value: Fraction, bounds: Sequence[Fraction | float], n: int, time: Spent | None = None
) -> Figure:
    low, high = map(float, bounds)
    definition = DEFINITIONS[name]
    numbers = _numbers(time) if time else ()
    coverage = _coverage(time) if time else None
    return Figure(definition.id, float(value), low, high, definition.unit, n, coverage, numbers=numbers)


def nothing(name: str, reason: str, n: int, time: Spent | None = None) -> Figure:
    """A figure without a value, and why; where `reason` is empty, nothing is known of the period."""
    definition = definition_of(name)
    coverage, numbers = (_coverage(time), _numbers(time)) if time else (None, ())
    if not reason and time:
        reason = "no data in the period" if time.promised else "the whole period is maintenance"
    return Figure(definition.id, None, None, None, definition.unit, n, coverage, reason, numbers=numbers)


def _coverage(time: Spent) -> float | None:
    return float(Fraction(time.known, time.promised)) if time.promised else None


def _numbers(time: Spent) -> tuple[Number, ...]:
    parts = (("T", time.whole), ("M", time.maintenance), ("U", time.unknown), ("D", time.down))
    return tuple(Number(letter, value / MILLI, "seconds") for letter, value in parts)
