"""Heartbeats: the latest signals of a job, and all of them."""

from __future__ import annotations

import pytest

from opsctl.checks import Heartbeat
from opsctl.store.beats import beat, heartbeat
from opsctl.store.opening import open_store


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened:
        yield opened


def test_a_job_that_never_gave_a_signal_is_unknown(store):
    beat(store, "backup", "start", 1, "")
    assert heartbeat(store, "other") is None


def test_each_signal_keeps_its_own_latest_time(store):
    beat(store, "backup", "start", 10.0004, "")
    assert heartbeat(store, "backup") == Heartbeat(10.0, None, None, "")
    beat(store, "backup", "fail", 20, "disk full")
    assert heartbeat(store, "backup") == Heartbeat(10, None, 20, "disk full")
    beat(store, "backup", "start", 30, "second try")
    assert heartbeat(store, "backup") == Heartbeat(30, None, 20, "disk full")
    beat(store, "backup", "ok", 40, "3 GB \ud800")
    assert heartbeat(store, "backup") == Heartbeat(30, 40, 20, "3 GB \\ud800")


def test_a_time_from_a_wrong_clock_does_not_outlive_the_next_signal(store):
    beat(store, "backup", "ok", 10**9, "")
    beat(store, "backup", "ok", 100, "")
    assert heartbeat(store, "backup").succeeded == 100


def test_every_signal_is_kept(store):
    beat(store, "backup", "start", 1, "")
    beat(store, "backup", "ok", 2, "fine")
    assert store.db.execute("SELECT name, at, signal, message FROM beats ORDER BY id").fetchall() == [
        ("backup", 1000, "start", ""),
        ("backup", 2000, "ok", "fine"),
    ]


def test_a_store_that_is_not_there_yet_knows_no_job(path):
    with open_store(path, write=False) as empty:
        assert heartbeat(empty, "backup") is None
