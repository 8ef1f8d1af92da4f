"""The lock of a run: one process at a time, free at once when that is gone."""

from __future__ import annotations

import os
import signal
import stat

import pytest

from opsctl.errors import StoreError
from opsctl.store.locks import holder, run_lock

HOLD = """
import sys
from pathlib import Path
from opsctl.store.locks import run_lock
with run_lock(Path(sys.argv[1]), "check") as got:
    print(got, flush=True)
    sys.stdin.read(1)
"""
HOLD_WITH_A_CHILD = """
import subprocess, sys
from pathlib import Path
from opsctl.store.locks import run_lock
with run_lock(Path(sys.argv[1]), "check") as got:
    child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
    print(child.pid, got, flush=True)
    sys.stdin.read(1)
"""


def taken(path, name="check"):
    with run_lock(path, name) as got:
        return got


def test_one_process_has_the_lock_and_the_others_are_told_at_once(path, start):
    first = start(HOLD, path)
    assert first.stdout.readline() == "True\n"
    assert not taken(path)
    assert holder(path, "check") == first.pid
    assert start(HOLD, path).communicate("x")[0] == "False\n"
    assert holder(path, "check") == first.pid
    first.communicate("x")
    assert taken(path)


def test_locks_of_different_names_and_stores_are_apart(path):
    with run_lock(path, "check") as one, run_lock(path, "prune") as two:
        assert (one, two) == (True, True)
        assert taken(path.with_name("other.db"))
        assert not taken(path)


def test_a_lock_is_free_when_its_process_was_killed(path, start):
    first = start(HOLD, path)
    first.stdout.readline()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert taken(path)


def test_a_child_that_outlives_its_parent_does_not_keep_the_lock(path, start):
    first = start(HOLD_WITH_A_CHILD, path)
    child, got = first.stdout.readline().split()
    try:
        assert got == "True"
        first.send_signal(signal.SIGKILL)
        first.wait()
        os.kill(int(child), 0)
        assert taken(path)
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_a_lock_is_a_private_file_beside_the_store(path):
    assert taken(path)
    lock = path.with_name("opsctl.db.check.lock")
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [lock.name]


def test_a_store_and_a_link_to_it_share_their_locks(path):
    path.parent.mkdir()
    link = path.with_name("link.db")
    link.symlink_to(path)
    with run_lock(path, "check"):
        assert not taken(link)


def test_the_holder_is_the_latest_even_where_its_number_is_shorter(path):
    path.parent.mkdir()
    path.with_name("opsctl.db.check.lock").write_text("99999999999999")
    with run_lock(path, "check"):
        assert holder(path, "check") == os.getpid()


def test_nobody_holds_a_lock_that_was_never_taken(path):
    assert holder(path, "check") is None


def test_a_lock_in_a_folder_that_cannot_be_made_is_a_store_error(path):
    with pytest.raises(StoreError, match="no such file or directory; name a file in a folder"):
        taken(path / "deeper" / "opsctl.db")
