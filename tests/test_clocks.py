"""What is due on an incident: response targets, business days, and what came in time."""

from __future__ import annotations

from datetime import datetime

import pytest

from opsctl.clocks import due, review_due
from opsctl.durations import durations
from opsctl.ledger.incident import Incident
from opsctl.policies import Incidents, Policies, Reviews, Severities, Targets, targets


def at(text):
    return datetime.fromisoformat(text).timestamp()


def incident(**more):
    base = {
        "number": 7, "title": "down", "state": "open", "severity": "sev1", "peak": "sev1",
        "opened": 1000.0, "updated": 1000.0, "detected": 1000.0, "stays": (("open", 1000.0),),
    }  # fmt: skip
    return Incident(**{**base, **more})


def told(one, **more):
    return [(each.what, each.due, each.done) for each in due(one, Policies(**more), "UTC")]


def test_a_sev1_is_acknowledged_in_15_minutes_updated_every_30_and_recovered_in_an_hour():
    assert told(incident()) == [("acknowledge", 1900, None), ("update", 2800, None), ("recover", 4600, None)]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("sev2", [("acknowledge", 2800, None), ("update", 4600, None), ("recover", 15400, None)]),
        ("sev3", [("acknowledge", 15400, None), ("update", 87400, None), ("recover", 173800, None)]),
        ("sev4", [("acknowledge", 87400, None), ("recover", 605800, None)]),
    ],
)
def test_the_targets_of_the_other_severities(severity, expected):
    assert told(incident(severity=severity, peak=severity)) == expected


def test_a_target_that_the_workspace_names_counts_and_the_rest_is_as_by_default():
    policy = Incidents(severities=Severities(sev1=Targets(acknowledge=300.0)))
    assert targets(policy, "sev1") == Targets(acknowledge=300, recover=3600, update=1800, review=172800)


def test_recovery_is_counted_from_the_beginning_of_the_impact_and_updates_from_the_last():
    one = incident(impact_started=400.0, updated=2000.0)
    assert told(one) == [("acknowledge", 1900, None), ("update", 3800, None), ("recover", 4000, None)]


def test_what_was_done_says_when_and_whether_in_time():
    one = incident(
        state="resolved", acknowledged=2000.0, impact_ended=4600.0, resolved=5000.0,
        stays=(("open", 1000.0), ("acknowledged", 2000.0), ("resolved", 5000.0)),
    )  # fmt: skip
    dues = due(one, Policies(), "UTC")
    assert [(each.what, each.done, each.late) for each in dues] == [
        ("acknowledge", 2000, True), ("recover", 4600, False), ("review", None, False),
    ]  # fmt: skip
    assert [each.overdue(5000.0) for each in dues] == [False, False, False]
    assert dues[-1].overdue(5000.0 + 48 * 3600 + 1)


def test_who_resolves_it_without_a_word_has_taken_it_on():
    one = incident(state="resolved", resolved=1500.0, stays=(("open", 1000.0), ("resolved", 1500.0)))
    assert told(one)[0] == ("acknowledge", 1900, 1500)


def test_an_incident_that_came_back_is_acknowledged_anew():
    one = incident(
        acknowledged=1100.0, reopened=9000.0,
        stays=(("open", 1000.0), ("acknowledged", 1100.0), ("resolved", 2000.0), ("open", 9000.0)),
    )  # fmt: skip
    assert ("acknowledge", 9900, None) in told(one)


@pytest.mark.parametrize("more", [{"state": "merged"}, {"state": "closed", "false_alarm": True}])
def test_nothing_is_due_on_what_was_none(more):
    assert told(incident(resolved=5000.0, **more)) == []


def test_the_worst_severity_that_it_ever_had_decides_on_the_review():
    one = incident(state="resolved", severity="sev4", peak="sev2", resolved=5000.0)
    assert review_due(one, Policies(), "UTC") == 5000 + 48 * 3600
    assert review_due(incident(severity="sev3", peak="sev3", resolved=5000.0), Policies(), "UTC") is None


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        ("2026-11-20T16:00+00:00", "2026-11-24T16:00+00:00"),  # friday afternoon
        ("2026-11-21T10:00+00:00", "2026-11-25T00:00+00:00"),  # saturday
        ("2026-11-18T09:00+00:00", "2026-11-20T09:00+00:00"),  # wednesday
    ],
)
def test_saturdays_and_sundays_do_not_count_as_business_days(resolved, expected):
    one = incident(state="resolved", resolved=at(resolved))
    assert review_due(one, Policies(reviews=Reviews(days="business")), "UTC") == at(expected)


def test_business_days_are_those_of_the_zone():
    one = incident(state="resolved", resolved=at("2026-11-20T23:30+00:00"))
    policy = Policies(reviews=Reviews(days="business"))
    assert review_due(one, policy, "UTC") == at("2026-11-24T23:30+00:00")
    assert review_due(one, policy, "Europe/Berlin") == at("2026-11-25T00:00+01:00")


def test_what_was_detected_before_its_impact_was_detected_in_time():
    assert durations(incident(impact_started=1500.0))["detect"] == 0


def test_a_stretch_without_one_of_its_ends_has_no_length():
    assert {name for name, length in durations(incident()).items() if length is not None} == set()
