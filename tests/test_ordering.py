"""The order of the backlog, its matrix and its capacity, by the vectors of their sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.capacity import load_of
from opsctl.errors import UsageError
from opsctl.hours import hours, worded
from opsctl.ledger.item import PRIORITIES, Item
from opsctl.ledger.iteration import Iteration
from opsctl.matrix import placed, quadrant
from opsctl.ordering import due_term, terms, urgency
from opsctl.policies import Backlog

DAY = 86400.0


def item(**more):
    return Item(**{"number": 1, "title": "x", "state": "open", "added": 0.0, **more})


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-10, 10), (-7, 10), (-6, 9.62), (-5, 9.24), (-4, 8.86), (-3, 8.48), (-2, 8.10), (-1, 7.71), (0, 7.33),
     (1, 6.95), (7, 4.67), (14, 2), (30, 2)],
)  # fmt: skip
def test_the_due_term_is_taskwarriors(days, expected):
    # `test/urgency.test.py` of Taskwarrior, with its coefficient of 10; it counts whole seconds, hence 0.03.
    assert 10 * due_term(days * DAY, 0.0) == pytest.approx(expected, abs=0.03)


def test_the_terms_of_an_item_are_named_and_add_up():
    one = item(priority="high", effort=4.0, state="started", source="PIR-7", due=-7 * DAY)
    found = terms(one, Backlog(), 36.5 * DAY, {"PIR-7"})
    assert [(term.name, round(term.value, 3)) for term in found] == [
        ("priority high", 6), ("quick win", 4), ("overdue", 12), ("from PIR-7, sev1 or sev2", 6),
        ("started", 4), ("age", 0.2),
    ]  # fmt: skip
    assert urgency(one, Backlog(), 36.5 * DAY, {"PIR-7"}) == pytest.approx(32.2)


@given(st.permutations(PRIORITIES))
def test_with_all_else_equal_the_priority_decides(order):
    ranked = sorted(order, key=lambda one: -urgency(item(priority=one), Backlog(), 0.0))
    assert tuple(ranked) == PRIORITIES


@given(st.floats(-400, 400), st.floats(0.01, 100))
def test_what_is_due_earlier_is_never_less_urgent(due, later):
    assert due_term(due * DAY, 0.0) >= due_term((due + later) * DAY, 0.0)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"priority": "critical", "effort": 16.0}, "quick win"),
        ({"priority": "high", "effort": 16.1}, "major project"),
        ({"priority": "medium", "effort": 1.0}, "filler"),
        ({"priority": "low", "effort": 40.0}, "defer"),
        ({"priority": "low", "effort": 40.0, "impact": "high"}, "major project"),
        ({"priority": "critical", "effort": 1.0, "impact": "low"}, "filler"),
        ({"priority": "critical"}, None),
    ],
)
def test_impact_and_effort_give_the_quadrant(more, expected):
    one = item(**more)
    assert quadrant(one, Backlog()) == expected
    assert placed([one], Backlog())[expected] == [one]


def test_an_iteration_carries_what_was_planned_and_says_what_nobody_estimated():
    sprint = Iteration(3, "Sprint", 0.0, 14 * DAY, 160.0, 0.2)
    items = [
        item(iteration="ITR-3", effort=30.0),
        item(iteration="ITR-3", effort=4.0, state="done", spent=6.0),
        item(iteration="ITR-3", state="done"),
        item(iteration="ITR-3", effort=99.0, state="rejected"),
        item(iteration="ITR-4", effort=8.0),
    ]
    load = load_of(sprint, items)
    assert (load.allowed, load.planned, load.spent) == (32, 34, 6)
    assert (load.over, load.unestimated, load.unlogged, len(load.items)) == (True, 1, 1, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4h", 4), ("4", 4), ("90m", 1.5), ("2d", 16), ("1w", 40), ("0.5 H", 0.5), ("0", 0)],
)
def test_work_is_said_in_hours(text, expected):
    assert hours(text, "--effort") == expected


@given(st.text(max_size=8))
def test_any_text_is_an_amount_of_work_or_a_usage_error(text):
    try:
        assert 0 <= hours(text, "--effort") <= 100_000
    except UsageError:
        return


@given(st.integers(0, 9999))
def test_hours_are_read_as_they_are_written(amount):
    assert hours(worded(amount), "--effort") == amount
