"""Every figure against values from the literature and by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from opsctl import metrics, ranks
from opsctl.errors import UsageError
from opsctl.formats.metrics import percent, working
from opsctl.formulas import ALIASES, DEFINITIONS, definition_of, percentile_name, quantile
from opsctl.intervals import length, union
from opsctl.metrics import Figure, Spent, compare, spent

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR, QUARTER, MONTH, WEEK = 365 * DAY, 90 * DAY, 30 * DAY, 7 * DAY
SHAKESPEARE = Spent(MONTH, down=66 * MINUTE)


def minutes(*intervals):
    return [(start * MINUTE, end * MINUTE) for start, end in intervals]


def ratio(down, whole, unknown=0, maintenance=0):
    return metrics.availability(Spent(whole, maintenance, unknown, down), 1).value


# F1: availability by time.


def test_the_shakespeare_example_to_the_digit():
    figure = metrics.availability(SHAKESPEARE, 3)
    assert (percent(figure.value), percent(figure.low), percent(figure.high)) == ("99.8472%",) * 3
    assert (figure.definition, figure.unit, figure.n, figure.coverage) == ("availability/1", "ratio", 3, 1.0)
    assert working(figure) == "(30d - 0s - 0s - 1h6m) / (30d - 0s - 0s)"
    assert percent(metrics.budget(SHAKESPEARE, 99.9, 3).value) == "152.8%"
    assert percent(metrics.budget(SHAKESPEARE, 99.99, 3).value) == "1527.8%"
    assert working(metrics.budget(SHAKESPEARE, 99.9, 3)) == "1h6m / ((1 - 99.9%) * (30d - 0s - 0s))"


def test_overlapping_and_touching_downtime_counts_once():
    down = minutes((0, 30), (20, 45), (60, 70), (70, 80))
    assert length(down) == 65 * MINUTE
    assert spent((0, 90 * MINUTE), down, [(0, 90 * MINUTE)]).down == 65 * MINUTE
    assert union(down) == minutes((0, 45), (60, 80))


def test_ninety_minutes_down_in_ninety_days():
    assert percent(ratio(90 * MINUTE, QUARTER)) == "99.9306%"
    assert f"{100 * ratio(90 * MINUTE, QUARTER):.6f}" == "99.930556"


def test_degraded_time_is_up():
    hour = (0, HOUR)
    known_up = minutes((0, 10), (10, 40))
    figure = metrics.availability(spent(hour, minutes((40, 60)), known_up), 3)
    assert figure.value == 40 / 60
    assert f"{100 * figure.value:.3f}" == "66.667"


def test_maintenance_is_outside_of_what_is_promised():
    time = spent((0, MONTH), [], [(0, MONTH)], [(0, 120 * MINUTE)])
    assert metrics.allowed(99.9, time.promised) == Fraction("43.08") * MINUTE


def test_maintenance_counts_only_inside_its_own_time_and_overruns_are_downtime():
    down = minutes((50, 100))
    time = spent((0, 200 * MINUTE), down, [(0, 200 * MINUTE)], minutes((60, 90)))
    assert time == Spent(200 * MINUTE, 30 * MINUTE, 0, 20 * MINUTE)
    assert metrics.availability(time, 1).value == 150 / 170


def test_maintenance_outside_of_the_window_takes_nothing_from_it():
    assert spent((0, HOUR), [], [(0, HOUR)], [(-HOUR, 0), (HOUR, 2 * HOUR)]).maintenance == 0


def test_unknown_is_neither_up_nor_down():
    # UP, ?, DOWN, UP: three policies give 50, 66.67 or 75 %.
    quarter = 15
    up = minutes((0, quarter), (3 * quarter, 4 * quarter))
    figure = metrics.availability(spent((0, HOUR), minutes((2 * quarter, 3 * quarter)), up), 4)
    assert (figure.low, figure.value, figure.high, figure.coverage) == (0.5, 2 / 3, 0.75, 0.75)


def test_days_are_put_together_and_their_percentages_never_averaged():
    first, second = Spent(1000), Spent(10, down=5)
    together = Spent(*(a + b for a, b in zip(first, second, strict=True)))
    assert percent(metrics.availability(together, 2).value) == "99.505%"


def test_no_data_is_no_figure():
    figure = metrics.availability(spent((0, HOUR), [], []), 0)
    assert figure[1:4] == (None, None, None)
    assert (figure.coverage, figure.reason) == (0.0, "no data in the period")


def test_a_period_that_is_all_maintenance_is_no_figure():
    figure = metrics.availability(spent((0, HOUR), [], [(0, HOUR)], [(0, HOUR)]), 1)
    assert (figure.value, figure.coverage, figure.reason) == (None, None, "the whole period is maintenance")


def test_a_period_that_was_all_down_is_zero():
    assert metrics.availability(Spent(HOUR, down=HOUR), 1)[1:4] == (0.0, 0.0, 0.0)


# F3: the nines.


@pytest.mark.parametrize(
    ("objective", "year", "quarter", "month", "week", "day", "hour"),
    [
        (90, 36.5 * DAY, 9 * DAY, 3 * DAY, 16.8 * HOUR, 2.4 * HOUR, 6 * MINUTE),
        (95, 18.25 * DAY, 4.5 * DAY, 1.5 * DAY, 8.4 * HOUR, 1.2 * HOUR, 3 * MINUTE),
        (99, 3.65 * DAY, 21.6 * HOUR, 7.2 * HOUR, 1.68 * HOUR, 14.4 * MINUTE, 36 * SECOND),
        (99.5, 1.825 * DAY, 10.8 * HOUR, 3.6 * HOUR, 50.4 * MINUTE, 7.2 * MINUTE, 18 * SECOND),
        (99.9, 8.76 * HOUR, 2.16 * HOUR, 43.2 * MINUTE, 10.08 * MINUTE, 1.44 * MINUTE, 3.6 * SECOND),
        (99.95, 4.38 * HOUR, 1.08 * HOUR, 21.6 * MINUTE, 5.04 * MINUTE, 43.2 * SECOND, 1.8 * SECOND),
        (99.99, 52.56 * MINUTE, 12.96 * MINUTE, 4.32 * MINUTE, 60.48 * SECOND, 8.64 * SECOND, 360),
        (99.999, 5.256 * MINUTE, 1.296 * MINUTE, 25.92 * SECOND, 6.048 * SECOND, 864, 36),
    ],
)
def test_the_nines_allow_so_much(objective, year, quarter, month, week, day, hour):
    windows = (YEAR, QUARTER, MONTH, WEEK, DAY, HOUR)
    expected = [Fraction(round(each)) for each in (year, quarter, month, week, day, hour)]
    assert [metrics.allowed(objective, window) for window in windows] == expected


@pytest.mark.parametrize(("days", "allowed"), [(28, "40.32"), (30, "43.2"), (31, "44.64")])
def test_three_nines_of_months_that_differ(days, allowed):
    assert metrics.allowed(99.9, days * DAY) == Fraction(allowed) * MINUTE


def test_four_weeks_at_99_95():
    assert metrics.allowed(99.95, 28 * DAY) == Fraction("20.16") * MINUTE


# F5: the error budget.


@pytest.mark.parametrize(
    ("objective", "events", "allowed"),
    [
        (99.9, 1_000_000, "1000"),
        (99, 1_000_000, "10000"),
        (99.5, 1_000_000, "5000"),
        (99.95, 1_000_000, "500"),
        (99.99, 1_000_000, "100"),
        (99.9, 3_000_000, "3000"),
        (97, 3_663_253, "109897.59"),
        (99.9, 7_200, "7.2"),
    ],
)
def test_an_objective_allows_so_many_errors(objective, events, allowed):
    assert metrics.allowed(objective, events) == Fraction(allowed)


def test_one_failure_of_7200_requests_is_13_9_percent_of_the_budget():
    assert f"{100 * metrics.budget(Spent(7200, down=1), 99.9, 1).value:.1f}" == "13.9"


def test_the_budget_is_of_the_known_time_and_its_bounds_of_the_whole():
    figure = metrics.budget(Spent(1000, 100, 100, 8), 99, 1)
    assert figure[1:4] == (1.0, float(Fraction(8, 9)), 12.0)
    assert figure.coverage == 8 / 9


def test_an_objective_of_100_percent_has_no_budget():
    figure = metrics.budget(SHAKESPEARE, 100, 1)
    assert (figure.value, figure.reason) == (None, "an objective of 100% leaves no budget")


def test_no_data_is_no_budget():
    assert metrics.budget(Spent(HOUR, unknown=HOUR), 99.9, 0)[1:4] == (None, None, None)


# F8, F9: times and what stands in the middle of them.


def test_the_times_of_the_shakespeare_incident():
    from opsctl.durations import durations
    from opsctl.ledger.incident import Incident

    at = {name: 60.0 * (hour * 60 + minute) for name, hour, minute in SHAKESPEARE_TIMES}
    incident = Incident(1, "Shakespeare", "closed", "sev1", "sev1", updated=at["closed"], **at)
    taken = durations(incident)
    assert {name: taken[name] for name in MINUTES} == {name: 60.0 * took for name, took in MINUTES.items()}


SHAKESPEARE_TIMES = (
    ("impact_started", 14, 54),
    ("detected", 14, 55),
    ("acknowledged", 14, 58),
    ("opened", 15, 1),
    ("mitigated", 15, 36),
    ("impact_ended", 16, 0),
    ("resolved", 16, 30),
    ("closed", 16, 30),
)
MINUTES = {"detect": 1, "acknowledge": 3, "mitigate": 42, "recover": 66, "resolve": 89}


def mean(*times):
    return dict(metrics.typical("time-to-recover", times).more)["mean"]


def test_the_means_of_the_literature():
    assert mean(10, 20) == 15  # recovery: 30 min down in 2 incidents
    assert mean(*[24] * 10) == 24  # repair: 4 h in 10
    assert mean(20, 10, 25, 5) == 15  # respond: 60 min in 4
    assert mean(4) == 4  # resolve: 4 h in 1
    assert mean(1, 2, 3, 4, 5, 3, 7, 5, 5, 5) == 4  # acknowledge: 40 min in 10
    assert mean(20, 18, 21, 21) == 20  # bulbs
    assert mean(12, 45, 18, 15) == 22.5


def test_mean_and_median_of_skewed_times_differ():
    figure = metrics.typical("time-to-recover", [5, 8, 9, 12, 15, 18, 22, 30, 66, 240])
    assert (figure.value, dict(figure.more), figure.n) == (16.5, {"mean": 42.5, "p90": 66}, 10)
    assert (figure.low, figure.high) == (8, 66)


def test_few_times_have_no_interval():
    assert metrics.typical("time-to-recover", [1, 2, 3, 4, 5])[1:4] == (3, None, None)
    assert metrics.typical("time-to-recover", [1, 2, 3, 4, 5, 6])[1:4] == (3.5, 1, 6)


def test_no_times_are_no_figure():
    figure = metrics.typical("time-to-detect", [])
    assert figure[1:4] == (None, None, None)
    assert (figure.n, figure.reason) == (0, "no incident of the period counts")


def test_mean_time_between_failures():
    figure = metrics.between_failures(Spent(DAY, down=2 * HOUR), 2)
    assert (figure.value, figure.n, figure.unit) == (11 * 3600.0, 2, "seconds")
    assert working(figure) == "(1d - 0s - 0s - 2h) / 2"


def test_availability_is_the_uptime_between_failures_over_the_whole():
    time = Spent(DAY, down=2 * HOUR)
    between, recovery = metrics.between_failures(time, 2).value, 3600.0
    availability = metrics.availability(time, 5).value
    assert availability == between / (between + recovery)
    assert f"{100 * availability:.2f}" == "91.67"


def test_without_a_failure_there_is_only_a_lower_bound():
    figure = metrics.between_failures(Spent(MONTH), 0)
    assert figure[1:4] == (None, 10 * 86400.0, None)
    assert figure.reason == "no failure began in the period"


def test_one_failure_says_little():
    figure = metrics.between_failures(Spent(MONTH), 1)
    assert (figure.value, figure.n) == (30 * 86400.0, 1)
    assert figure.low < figure.value / 5 < 30 * figure.value < figure.high


def test_what_was_never_up_has_no_time_between_failures():
    assert metrics.between_failures(Spent(HOUR, down=HOUR), 1).reason == "it was never known to be up"
    assert metrics.between_failures(Spent(HOUR, unknown=HOUR), 0).reason == "no data in the period"


# F12: percentiles.


@pytest.mark.parametrize(
    ("data", "q", "expected"),
    [
        *(((15, 20, 35, 40, 50), q, x) for q, x in ((0.05, 15), (0.3, 20), (0.4, 20), (0.5, 35), (0.95, 50))),
        *(
            ((3, 6, 7, 8, 8, 10, 13, 15, 16, 20), q, x)
            for q, x in ((0, 3), (0.25, 7), (0.5, 8), (0.75, 15), (1, 20))
        ),
        ((*[10] * 98, 1000, 2000), 0.95, 10),
        ((*[10] * 98, 1000, 2000), 0.99, 1000),
        (tuple(range(1, 101)), 0.07, 7),
        (tuple(range(1, 101)), 0.29, 29),
    ],
)
def test_percentiles_by_nearest_rank(data, q, expected):
    assert sorted(data)[ranks.rank(len(data), q) - 1] == expected


def counts(*values):
    return {value: values.count(value) for value in values}


def test_percentiles_are_of_all_answers_together():
    pooled = {0.01: 100, 1.0: 10}
    assert [metrics.latency(pooled, q).value for q in (0.5, 0.99)] == [0.01, 1.0]
    assert metrics.latency({0.01: 100}, 0.99).value == 0.01


def test_a_percentile_of_few_answers_has_no_upper_bound():
    figure = metrics.latency(counts(1, 2, 3), 0.99)
    assert (figure.value, figure.high, figure.n, figure.definition) == (3, None, 3, "latency-p99/1")


def test_no_answers_are_no_percentile():
    assert metrics.latency({}, 0.5).reason == "no answer of the period has a latency"


# F13: alerts.


def test_actionability_of_47_alerts():
    figure = metrics.actionability(2, 0, 47)
    assert percent(figure.value) == "4.2553%"
    assert f"{100 * figure.value:.2f}" == "4.26"
    assert (figure.low, figure.high, figure.n) == (2 / 47, 2 / 47, 47)


def test_unreviewed_alerts_are_neither():
    figure = metrics.actionability(2, 7, 47)
    assert (figure.low, figure.value, figure.high, figure.n) == (2 / 47, 2 / 40, 9 / 47, 40)


def test_alerts_without_a_review_are_no_figure():
    assert metrics.actionability(0, 3, 3).reason == "no incident that checks opened was reviewed yet"
    assert metrics.actionability(0, 0, 0).reason == "checks opened no incident"


# What changed.


def figure(value, low, high, n=20, definition="availability/1"):
    return Figure(definition, value, low, high, "ratio", n, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (figure(0.9, 0.9, 0.9), figure(0.99, 0.98, 1.0), ("↑", True, "↑ better")),
        (figure(0.99, 0.98, 1.0), figure(0.9, 0.9, 0.9), ("↓", False, "↓ worse")),
        (figure(1.0, 1.0, 1.0), figure(1.0, 1.0, 1.0), ("=", None, "= the same")),
        (figure(0.9, 0.8, 0.95), figure(0.99, 0.95, 1.0), ("", None, "not enough data: the bounds overlap")),
        (figure(0.9, 0.8, 0.95), figure(0.9, 0.8, 0.95), ("", None, "not enough data: the bounds overlap")),
        (figure(0.9, 0.8, 0.9), figure(0.99, None, None), ("", None, "not enough data: the bounds overlap")),
        (
            figure(9, 8, 10, 8, "time-to-recover/1"),
            figure(5, 4, 6, 8, "time-to-recover/1"),
            ("↓", True, "↓ better"),
        ),
        (
            figure(9, 8, 10, 8, "time-to-recover/1"),
            figure(5, 4, 6, 7, "time-to-recover/1"),
            ("", None, "not enough data: n is 8 and 7, at least 8 each"),
        ),
        (
            figure(9, 8, 10),
            figure(9, 8, 10, 8, "error-budget/1"),
            ("", None, "not enough data: availability/1 is not error-budget/1"),
        ),
    ],
)
def test_a_change_is_claimed_only_where_the_numbers_allow_it(before, after, expected):
    assert compare(before, after) == expected


def test_no_change_is_claimed_without_data():
    nothing = metrics.availability(spent((0, HOUR), [], []), 0)
    assert compare(nothing, figure(1, 1, 1)).words == "not enough data: no data in the period"
    assert compare(figure(1, 1, 1), nothing).words == "not enough data: no data in the period"


def test_a_few_incidents_more_are_no_trend():
    assert compare(metrics.frequency(3), metrics.frequency(7)).arrow == ""
    assert compare(metrics.frequency(3), metrics.frequency(20)).words == "↑ worse"


def test_zero_incidents_are_counted_and_have_an_upper_bound():
    assert metrics.frequency(0)[1:4] == (0.0, 0.0, pytest.approx(3.688879454))


# Names.


def test_names_ids_and_what_people_call_them():
    assert definition_of("availability").id == "availability/1"
    assert definition_of("availability/1").id == "availability/1"
    assert definition_of("MTTR").id == "time-to-recover/1"
    assert definition_of("latency-p99.9").id == percentile_name(0.999) + "/1"
    assert quantile(definition_of("latency-p95")) == 0.95
    assert quantile(definition_of("availability")) is None


def test_a_name_that_is_none_gets_a_way_out():
    with pytest.raises(UsageError, match="no metric is called `availabilty`; did you mean `availability`"):
        definition_of("availabilty")
    with pytest.raises(UsageError, match="this opsctl computes `availability/1`, not `availability/2`"):
        definition_of("availability/2")
    with pytest.raises(UsageError, match="they are `availability`, "):
        definition_of("zzz")


def test_every_letter_of_a_formula_is_explained_and_used():
    import re

    for one in DEFINITIONS.values():
        assert set(re.findall(r"\b[A-Za-z]\b", one.formula)) - {"x"} == set(one.letters), one.id
    assert set(ALIASES.values()) <= set(DEFINITIONS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, "100%"), (0.9999999, "99.9999%"), (0, "0%"), (1e-9, "0.0001%"), (0.5, "50%"), (2.5, "250.0%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, expected):
    assert percent(value) == expected
