"""How often changed expectations would have alarmed: what live checks with them would have done."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.checks.file import FileCheck
from opsctl.definitions import CheckDefinition, Retention, Service, Workspace
from opsctl.expectations import parse
from opsctl.outages import Rules, exit_code
from opsctl.outcome import Cause, Failure, Observation
from opsctl.replaying import replay
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify
from opsctl.verdicts import conclude

pytestmark = pytest.mark.usefixtures("no_power_cut")
NOW = 1_800_000_000.0
SHOP = """
    version: 1
    name: Shop
    services:
      web: {checks: {page: {file: page, fail_after: 2, every: 1m, expect: [size > 10B]}}}
"""


def check(text, fail_after=1, ok_after=1):
    expect = (parse(text, FileCheck.SUBJECTS),)
    return CheckDefinition(
        "web/page", "file", FileCheck(path="page"), expect, (), frozenset(), 10.0, 0, 0.0, "transport",
        fail_after, ok_after, 60.0, "", None,
    )  # fmt: skip


def workspace(path, one):
    service = Service("web", "web", None, "normal", (), (), None, (one,))
    return Workspace("Shop", path, path / "opsctl.db", "UTC", {"web": service}, Retention(), ())


def lived(space, one, found):
    """Record what checks see, at their times; how often what stood became bad after each, and the results."""
    rules, stood, raised, states = Rules(one.fail_after, one.ok_after, one.lapse), True, [], []
    with open_store(space.store, write=True) as store:
        for at, size in found:
            failure = Failure(Cause.MISSING, "page does not exist") if size is None else None
            values = {} if size is None else {"size": size, "exists": True}
            result = conclude(one, Observation(values, failure), at=at, attempts=1, mask=None, explain=False)
            standing = record(store, Run(at, at, "host", "all"), [result], {one.name: rules}, exit_code)[
                one.name
            ]
            if stood and not standing.state.good:
                raised.append(at)
            stood = standing.state.good
            states.append(result.state.good)
    return raised, states


gaps = st.sampled_from([30.0, 60.0, 60.0, 90.0, 120.0, 120.001, 500.0, -10.0])
steps = st.lists(st.tuples(gaps, st.none() | st.integers(0, 40)), min_size=1, max_size=14)
limits = st.sampled_from(
    ["size > 10B", "size > 20B", "not size < 15B", "size in [7B, 8B, 9B, 30B]", "size exists"]
)
after = st.integers(1, 3)


def timed(found, begin):
    at, placed = begin, []
    for gap, size in found:
        at += gap
        placed.append((at, size))
    return placed


@settings(max_examples=40)
@given(steps, limits, limits, after, after, after, after)
def test_a_replay_says_what_the_changed_check_would_have_said_live(
    tmp_path_factory, found, then, now, fail_then, ok_then, fail_now, ok_now
):
    found = timed(found, NOW)
    one, other = check(then, fail_then, ok_then), check(now, fail_now, ok_now)
    space = workspace(tmp_path_factory.mktemp("then"), one)
    raised, states = lived(space, one, found)
    live, truth = lived(workspace(tmp_path_factory.mktemp("now"), other), other, found)
    (told,) = replay(workspace(space.root, other), ["web/page"], "30d", NOW + 10_000).checks
    assert (told.alarmed.number, told.good) == (len(raised), states.count(True))
    assert (told.alarms.number, told.up, told.not_up) == (len(live), truth.count(True), truth.count(False))
    assert (told.unclear, told.others, told.untold) == (0, 0, ())
    (same,) = replay(space, ["web/page"], "30d", NOW + 10_000).checks
    assert (same.mended, same.broken, same.unclear, same.others) == (0, 0, 0, 0)
    assert (same.up, same.not_up) == (same.good, same.bad)
    assert same.alarmed == same.alarms
    assert verify(space.store) == []


@settings(max_examples=40)
@given(st.lists(st.none() | st.integers(0, 40), min_size=12, max_size=20), after, st.integers(6, 11))
def test_an_outage_that_was_on_at_the_start_is_no_new_alarm(tmp_path_factory, found, fail_after, start):
    found = timed([(60.0, size) for size in found], NOW)
    one = check("size > 10B", fail_after)
    space = workspace(tmp_path_factory.mktemp("then"), one)
    raised, states = lived(space, one, found)
    since = found[start][0]
    (told,) = replay(space, ["web/page"], f"{NOW + 10_000 - since:.0f}s", NOW + 10_000).checks
    assert told.alarmed.number == told.alarms.number == sum(at >= since for at in raised)
    assert (told.good, told.bad) == (states[start:].count(True), states[start:].count(False))


def minute(at):
    return f"2026-11-20T12:{at:02}:00Z"


@pytest.fixture
def shop(opsctl):
    """A page that was small for one minute, and later for two; each size of it is recorded."""
    opsctl.write("opsctl.yaml", SHOP)
    for at, size in enumerate((30, 5, 30, 5, 5, 30, 15, 15, 15, 30)):
        opsctl.write("page", "x" * size)
        opsctl("check", now=minute(at))
    return opsctl


def alarms(shop, *args, at=20):
    (found,) = json.loads(shop("check", "--replay", "-o", "json", *args, now=minute(at)).out)["checks"]
    return found["alarmed"], found["alarms"]


def test_alarms_follow_fail_after(shop):
    assert alarms(shop) == ({"number": 1, "within": 0}, {"number": 1, "within": 0})
    shop.write("opsctl.yaml", SHOP.replace("fail_after: 2", "fail_after: 1"))
    assert alarms(shop)[1] == {"number": 2, "within": 0}
    shop.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 20B"))
    assert alarms(shop)[1] == {"number": 2, "within": 0}
    shop.write(
        "opsctl.yaml", SHOP.replace("size > 10B", "size > 20B").replace("fail_after: 2", "fail_after: 4")
    )
    assert alarms(shop)[1] == {"number": 0, "within": 0}


def test_an_alarm_lies_in_an_incident_that_it_shares_a_time_with(shop):
    shop.write("opsctl.yaml", SHOP.replace("size > 10B", "size > 20B"))
    assert shop("incident", "open", "Slow", "-s", "web", now=minute(8)).code == 0
    assert shop("incident", "resolve", "1", "--force", "--reason", "x", now=minute(9)).code == 0
    ran = shop("check", "--replay", now=minute(20))
    assert ran.out == (
        "web/page\twould have alarmed 2 times, 1 of them in an incident (it did 1 time); "
        "recorded 7 up, 3 not up; now 4 up, 6 not up; 3 would no longer be up (1 of them in an incident); INC-1\n"
        "3 results would change since 2026-10-21 12:20:00 UTC; 0 cannot be told\n"
        "would have alarmed 2 times, 1 of them in an incident (it did 1 time)\n"
    )
    assert ran.code == 0


def test_what_was_found_in_maintenance_counts_for_no_alarm(shop):
    with closing(sqlite3.connect(shop.path / ".opsctl" / "opsctl.db")) as db, db:
        begin, end = (1_795_176_000_000 + at * 60_000 for at in (3, 5))
        db.execute("INSERT INTO maintained VALUES (1, 'night', ?, ?)", (begin, end))
    assert alarms(shop) == ({"number": 0, "within": 0}, {"number": 0, "within": 0})
    assert "recorded 7 up, 1 not up; now 7 up, 1 not up\n" in shop("check", "--replay", now=minute(20)).out


def test_of_an_older_opsctl_only_what_is_certain_is_told(shop):
    with closing(sqlite3.connect(shop.path / ".opsctl" / "opsctl.db")) as db, db:
        db.execute("UPDATE results SET shape_id = NULL, seen = NULL")
    ran = shop("check", "--replay", now=minute(20))
    assert ran.code == 0
    assert ran.out == (
        "web/page\twould have alarmed 1 time, 0 of them in an incident (it did 1 time); "
        "recorded 2 up, 3 not up; now 2 up, 3 not up; 5 passes without evidence; no record for `size > 10B`\n"
        "0 results would change since 2026-10-21 12:20:00 UTC; 0 cannot be told\n"
        "would have alarmed 1 time, 0 of them in an incident (it did 1 time), "
        "if what cannot be told stays as it was\n"
    )


def test_a_check_without_results_alarmed_never(opsctl):
    opsctl.write("opsctl.yaml", SHOP)
    opsctl("check", "--no-record")
    with open_store(opsctl.path / ".opsctl" / "opsctl.db", write=True):
        pass
    ran = opsctl("check", "--replay")
    assert (ran.code, ran.out.splitlines()[0]) == (3, "web/page\tnothing is recorded")
    assert json.loads(opsctl("check", "--replay", "-o", "json").out)["exit_code"] == 3
