"""What reports and the backlog say of work that nobody owns, and of checks that are no more."""

import pytest

WORKSPACE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        checks:
          ready: {file: run/api.ready, every: 1h}
"""
GONE = """
    version: 1
    name: Shop
    timezone: Europe/Berlin
    services:
      api:
        checks:
          alive: {file: run/api.alive, every: 1h}
"""


@pytest.fixture
def shop(opsctl):
    opsctl.write("opsctl.yaml", WORKSPACE)
    return lambda *arguments, now="2026-11-20T12:00:00Z": opsctl(
        *arguments, now=now, env={"OPSCTL_ACTOR": "al"}
    )


def rows(report, name):
    return [
        one for one in report.partition(f"## {name}\n")[2].partition("##")[0].splitlines() if one[:2] == "| "
    ]


def test_a_standup_has_the_work_that_nobody_owns(shop):
    shop("backlog", "add", "Alert on lag", "--owner", "bob")
    shop("backlog", "add", "Test the restore")
    for number in ("1", "2"):
        shop("backlog", "start", number)
    assert rows(shop("report", "standup").out, "By person")[2:] == [
        "| bob | – | OPS-1 Alert on lag | – |",
        "| nobody | – | OPS-2 Test the restore | – |",
    ]


def test_an_outage_of_a_check_that_was_taken_out_does_not_go_on_for_ever(shop, opsctl):
    shop("check")
    opsctl.write("opsctl.yaml", GONE)
    day = rows(shop("report", "daily", now="2026-11-20T13:00:00Z").out, "Outages")[2:]
    assert [one.split(" | ")[3] for one in day] == ["not known, it is checked no more"]
    assert rows(shop("report", "daily", now="2026-11-25T13:00:00Z").out, "Outages") == []


def test_the_start_of_an_improvement_shows_what_it_is_measured_against(shop):
    shop("backlog", "add", "Alert on lag", "--measure", "incidents tag:lag 28d")
    started = shop("backlog", "start", "1")
    assert started.out.splitlines()[1] == "before: 0 (n=0, 0 to 3.69) by incidents tag:lag 28d"


def test_lengths_in_sentences_are_as_people_say_them(shop):
    shop("backlog", "add", "Alert on lag", "--measure", "incidents tag:lag 28d")
    shop("backlog", "start", "1")
    shop("backlog", "done", "1", now="2026-11-20T12:00:01Z")
    early = shop("backlog", "verify", "1", now="2026-11-20T12:00:03Z")
    assert "the window still holds 27d 23h from before it was done" in early.out


def test_counted_times_are_to_the_millisecond(shop):
    shop("incident", "open", "slow", now="2026-11-20T12:00:00.1Z")
    shop("incident", "ack", "1", now="2026-11-20T12:00:05.826071Z")
    shop("incident", "resolve", "1", now="2026-11-20T12:00:09Z")
    told = shop("metrics", "explain", "mtta", now="2026-11-20T12:01:00Z").out
    assert "counted\tINC-1 5s726ms\n" in told
