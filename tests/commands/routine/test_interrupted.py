"""Routines that die, are ended or run at once: no step is done twice, and no lease is broken."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from commands.notes import note, noted
from commands.routine.steps import ALICE, CHECK, EIGHT, HEAD, NINE, at

KILL = (
    "{id: two, run: [sh, -c, 'test -e killed || { touch killed; kill -9 $PPID; sleep 5; }; echo two >>log']}"
)


def test_a_dead_run_is_taken_over_and_nothing_is_done_twice(shop, opsctl):
    run = shop(note("one"), KILL, note("three"))
    killed = opsctl.process("routine", "run", "--due", OPSCTL_NOW=NINE, **ALICE)
    assert killed.code == -9
    ran = run("run", "--due", "--quiet", now=at("9:05"))
    assert ran.code == 3
    assert "two: unknown: it was interrupted halfway, and nobody knows whether it was done" in ran.out
    assert noted(opsctl) == ["one", "three"]
    assert run("run", "--due", "--quiet", now=at("9:10")) == (0, "", "")


def test_runs_at_the_same_time_do_every_step_once(shop, opsctl):
    run = shop(*(note(f"s{number}") for number in range(5)), CHECK)
    children = [
        subprocess.Popen(opsctl.argv("routine", "run", "--due", "--quiet"), cwd=opsctl.path,
                         env={**os.environ, "OPSCTL_NOW": NINE, **ALICE}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]  # fmt: skip
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out, err) == (0, b"", b"")
    assert sorted(noted(opsctl)) == [f"s{number}" for number in range(5)]
    assert len(json.loads(run("history", "-o", "json").out)["slots"]) == 1


def test_another_machines_lease_counts_until_its_time_is_over(shop, opsctl):
    run = shop(note("one"))
    with closing(sqlite3.connect(opsctl.path / ".opsctl" / "opsctl.db", isolation_level=None)) as db:
        expires = 1_795_161_600_000 + 5 * 60_000
        db.execute("INSERT INTO leases VALUES ('morning', 0, NULL, 'elsewhere', '1/1', ?)", (expires,))
    assert run("run", "--due", "--quiet", now=at("9:01")) == (0, "", "")
    assert run("run", "morning", now=at("9:01")).err == "opsctl: another process is on morning; wait for it\n"
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:06")) == (0, "", "")
    assert noted(opsctl) == ["one"]


def ended_by(opsctl, number, mark):
    """What `routine run --due` said that was sent a signal once a step had made the file `mark`."""
    child = subprocess.Popen(
        opsctl.argv("routine", "run", "--due"), cwd=opsctl.path, env=opsctl.environment(OPSCTL_NOW=NINE, **ALICE),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while child.poll() is None and not (opsctl.path / mark).exists():
        time.sleep(0.02)
    child.send_signal(number)
    child.communicate(timeout=60)
    return child.returncode


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_checks_run_ends_the_routine_and_nothing_after_them_is_done(
    shop, opsctl, number, code
):
    run = shop(CHECK, note("paid"))
    slow = "ready: {command: [sh, -c, 'touch begun; test -e quick || sleep 30']}"
    opsctl.write("opsctl.yaml", HEAD.replace("ready: {file: opsctl.yaml}", slow))
    assert ended_by(opsctl, number, "begun") == code
    assert noted(opsctl) == []
    opsctl.write("quick", "")
    assert run("run", "--due", now=at("9:05")).code == 0
    assert noted(opsctl) == ["paid"]


def lease_seen(number):
    """A step that notes until when the lease counts, and takes a while."""
    look = (
        "import sqlite3, time; db = sqlite3.connect('.opsctl/opsctl.db'); "
        f"open('lease{number}', 'w').write(str(db.execute('SELECT expires FROM leases').fetchone()[0])); "
        "time.sleep(0.3)"
    )
    return f'{{id: s{number}, run: [python3, -c, "{look}"]}}'


def test_every_step_of_a_long_routine_has_its_whole_time_under_the_lease(shop, opsctl):
    run = shop(lease_seen(1), lease_seen(2))
    assert run("run", "--due").code == 0
    first, second = (int((opsctl.path / f"lease{number}").read_text()) for number in (1, 2))
    assert second - first >= 300


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_step_that_a_signal_ended_is_unknown_and_is_not_begun_again(shop, opsctl, number, code):
    run = shop(
        note("one"), "{id: two, run: [sh, -c, 'echo two >>log; touch begun; sleep 30']}", note("three")
    )
    assert ended_by(opsctl, number, "begun") == code
    ran = run("run", "--due", "--quiet", now=at("9:05"))
    assert ran.code == 3
    assert "two: unknown: it was interrupted halfway, and nobody knows whether it was done" in ran.out
    assert noted(opsctl) == ["one", "two", "three"]
    assert run("run", "--due", "--quiet", now=at("9:10")) == (0, "", "")


def test_a_fault_of_opsctl_in_a_step_is_kept_and_keeps_no_other_from_its_time(shop, opsctl, monkeypatch):
    def broken(*_):
        raise KeyError("lost")

    run = shop(CHECK, note("one"))
    other = "routines:\n  other: {title: Other, schedule: daily at 09:00, priority: low, steps: [%s]}\n"
    opsctl.write("routines/other.yaml", other % note("two"))
    run("run", "--due", now=EIGHT)
    monkeypatch.setattr("opsctl.duties.check.CheckDuty.perform", broken)
    ran = run("run", "--due")
    assert ran.code == 1
    assert "  check: failed: the step itself failed: KeyError: 'lost'; please report this\n" in ran.out
    assert noted(opsctl) == ["one", "two"]
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")


def test_a_fault_of_opsctl_beside_the_steps_is_said_and_keeps_no_other_from_its_time(
    shop, opsctl, monkeypatch
):
    from opsctl import routine_running

    def broken(workspace, db, routine, *rest, unmet=routine_running.unmet):
        if routine.id == "morning":
            raise KeyError("lost")
        return unmet(workspace, db, routine, *rest)

    run = shop(note("one"))
    other = "routines:\n  other: {title: Other, schedule: daily at 09:00, priority: low, steps: [%s]}\n"
    opsctl.write("routines/other.yaml", other % note("two"))
    run("run", "--due", now=EIGHT)
    monkeypatch.setattr(routine_running, "unmet", broken)
    ran = run("run", "--due", "--quiet")
    assert ran.code == 1
    assert "the routine itself failed: KeyError: 'lost'; please report this" in ran.out
    assert noted(opsctl) == ["two"]


def test_what_is_skipped_while_a_process_is_on_it_stays_skipped_and_goes_no_further(shop, opsctl):
    skip = f"{sys.executable}, -m, opsctl, routine, skip, morning, --reason, holiday"
    run = shop(f"{{id: one, run: [{skip}]}}", note("two"))
    ran = run("run", "--due")
    assert "morning of 2026-11-20 09:00 CET is skipped (RTN-1): holiday\n  one: ok" in ran.out
    assert noted(opsctl) == []
    assert run("run", "--due", "--quiet", now=at("9:05")) == (0, "", "")
    assert noted(opsctl) == []
    assert opsctl("db", "verify").code == 0
