"""Routines over years: whatever the machine's clock does, every time is run or counted as missed, and once."""

from __future__ import annotations

import io
import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from opsctl.due import owed, times
from opsctl.routine_running import run_due
from opsctl.store.opening import open_store
from opsctl.store.slots import slots_of
from opsctl.store.verifying import verify
from opsctl.workspace import load_workspace
from opsctl.world import World

pytestmark = pytest.mark.usefixtures("no_power_cut")

EXAMPLES = 1_000 if os.environ.get("OPSCTL_LONG") else 30
DAY = 86_400
SCHEDULES = (
    "daily at 02:30",
    "every monday at 10:00",
    "weekdays at 09:00 and 14:00",
    "every 6h",
    "monthly on day 31",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


def workspace_in(folder: Path, schedule: str, zone: str, catch_up: str):
    (folder / "opsctl.yaml").write_text(
        f"version: 1\nname: Shop\ntimezone: {zone}\nservices: {{a: {{checks: {{c: {{file: /}}}}}}}}\n"
        f"routines: {{it: {{title: It, schedule: {schedule!r}, catch_up: {catch_up}, grace: 2h,"
        " steps: [{sign: anyone, text: Done}]}}\n"
    )
    return load_workspace(folder, {})


def world_at(now: float) -> World:
    return World(
        {"OPSCTL_ACTOR": "cron"}, now, io.StringIO(), io.StringIO(), io.StringIO(), ("routine", "run")
    )


@settings(max_examples=EXAMPLES)
@given(
    schedule=st.sampled_from(SCHEDULES),
    zone=st.sampled_from(ZONES),
    catch_up=st.sampled_from(["once", "each", "none"]),
    begin=st.integers(1_546_300_800, 1_893_456_000),
    moves=st.lists(
        st.one_of(st.integers(60, 7200), st.integers(3600, 40 * DAY), st.integers(-3 * DAY, 0)), max_size=12
    ),
)
def test_every_time_is_run_or_missed_and_once(schedule, zone, catch_up, begin, moves):
    with TemporaryDirectory() as name:
        workspace = workspace_in(Path(name), schedule, zone, catch_up)
        start = now = latest = float(begin)
        run_due(workspace, world_at(start), None, lambda *_: None)
        for move in moves:
            # What is further ahead of the clock than this was never: test_a_time_that_a_wrong_clock_ran_far_ahead.
            now = max(now + move, latest - 3 * DAY)
            latest = max(latest, now)
            ran = run_due(workspace, world_at(now), None, lambda *_: None)
            assert not any(one.trouble for one in ran), ran
        with open_store(workspace.store, write=False) as store, store.reading() as db:
            due = times(workspace, db, workspace.routines["it"], start, latest)
            slots = slots_of(db, None)
        assert len({slot.due for slot in slots}) == len(slots)
        assert {slot.due for slot in slots} <= set(due)
        assert sum(1 + slot.missed for slot in slots) == len(due)
        for slot in slots:
            before = [at for at in due if at < slot.due][-slot.missed :] if slot.missed else []
            assert slot.missed_since == (before[0] if before else None)
        # All but the newest are closed: the next came.
        assert [slot.state for slot in slots[1:]].count("open") == 0
        event(
            f"{catch_up}: {'nothing' if not slots else 'missed' if any(one.missed for one in slots) else 'all run'}"
        )
        assert not slots or list(verify(workspace.store)) == []


@pytest.mark.parametrize(
    ("catch_up", "found", "expected"),
    [
        ("once", [10, 20, 30], [(30, True, 2, 10)]),
        ("once", [30], [(30, True, 0, None)]),
        ("each", [10, 20, 30], [(10, True, 0, None), (20, True, 0, None), (30, True, 0, None)]),
        ("none", [10, 20, 30], [(30, True, 2, 10)]),
        ("none", [10, 20, -9000], [(-9000, False, 2, 10)]),
        ("once", [], []),
    ],
)
def test_what_is_owed_is_as_the_policy_says(catch_up, found, expected):
    with TemporaryDirectory() as name:
        routine = workspace_in(Path(name), "daily", "UTC", catch_up).routines["it"]
    assert [tuple(one) for one in owed(routine, found, 40)] == expected


def test_of_very_many_the_last_hundred_are_caught_up():
    with TemporaryDirectory() as name:
        routine = workspace_in(Path(name), "daily", "UTC", "each").routines["it"]
    found = owed(routine, range(250), 300)
    assert tuple(found[0]) == (149, False, 149, 0)
    assert [one.due for one in found[1:]] == list(range(150, 250))
    assert tuple(owed(routine, range(101), 300)[0]) == (0, False, 0, None)


@pytest.mark.parametrize(
    ("zone", "day", "gap", "hour"),
    [
        ("Europe/Berlin", "2026-03-29", "after", "03:00"),
        ("Europe/Berlin", "2026-03-29", "skip", None),
        ("Europe/Berlin", "2026-10-25", "after", "02:30"),
        ("America/New_York", "2026-03-08", "after", "03:00"),
    ],
)
def test_where_the_clocks_change_a_night_has_one_run_at_most(zone, day, gap, hour):
    with TemporaryDirectory() as name:
        workspace = workspace_in(Path(name), "daily at 02:30", zone, "once")
        text = (Path(name) / "opsctl.yaml").read_text().replace("grace: 2h", f"grace: 2h, gap: {gap}")
        (Path(name) / "opsctl.yaml").write_text(text)
        workspace = load_workspace(Path(name), {})
        begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()
        for minute in range(0, 6 * 60, 5):
            run_due(workspace, world_at(begin + 60 * minute), None, lambda *_: None)
        with open_store(workspace.store, write=False) as store, store.reading() as db:
            found = [
                datetime.fromtimestamp(one.due, ZoneInfo(zone)).strftime("%H:%M")
                for one in slots_of(db, None)
            ]
    assert found == ([hour] if hour else [])
