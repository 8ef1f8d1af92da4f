"""Backups: whole or not at all, and what a restore replaces is never lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from contextlib import closing

import pytest

from opsctl.errors import StoreError
from opsctl.store import migrations
from opsctl.store.backups import backup, restore
from opsctl.store.latest import standings
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify

NOW = 1_767_323_045.9  # 2026-01-02T03:04:05Z
KEPT = "opsctl.db.replaced-20260102T030405Z"


@pytest.fixture
def store(path, keep):
    """A store with one check, `old`."""
    with open_store(path, write=True) as opened:
        keep(opened, "old", (0, "u"), (10, "d"))
    return path


@pytest.fixture
def copy(store, tmp_path):
    """A backup of that store."""
    backup(store, tmp_path / "copy.db")
    return tmp_path / "copy.db"


def add(path, keep, name):
    with open_store(path, write=True) as opened:
        keep(opened, name, (20, "u"))


def checks(path):
    with open_store(path, write=False) as opened:
        return list(standings(opened))


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_a_backup_is_a_private_store_of_its_own(store, copy, keep):
    add(store, keep, "later")
    assert checks(copy) == ["old"]
    assert verify(copy) == []
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert names(copy.parent) == ["copy.db", "ops"]


def test_a_backup_is_complete_while_others_write(store, tmp_path):
    with open_store(store, write=True) as writer, writer.writing() as db:
        db.execute("DELETE FROM standings")
        backup(store, tmp_path / "copy.db")
    assert checks(tmp_path / "copy.db") == ["old"]


def test_a_backup_overwrites_only_where_it_is_told_to(store, copy, keep):
    add(store, keep, "later")
    with pytest.raises(StoreError, match="exists; name another file, or overwrite it with `--overwrite`"):
        backup(store, copy)
    assert checks(copy) == ["old"]
    backup(store, copy, overwrite=True)
    assert checks(copy) == ["later", "old"]


def test_the_store_itself_is_no_target(store):
    with pytest.raises(StoreError, match="is the store itself"):
        backup(store, store, overwrite=True)
    with pytest.raises(StoreError, match="is the store itself"):
        restore(store, store, NOW)


def test_a_missing_store_has_no_backup(path, tmp_path):
    with pytest.raises(StoreError, match=r"there is no store at .*; `opsctl check` makes one"):
        backup(path, tmp_path / "copy.db")
    assert names(tmp_path) == []


def test_a_damaged_store_is_named_when_it_cannot_be_copied(store, tmp_path):
    sound = store.read_bytes()
    store.write_bytes(sound[:4096] + b"\xa5" * (len(sound) - 4096))
    with pytest.raises(StoreError, match=f"the store {store} is damaged"):
        backup(store, tmp_path / "copy.db")
    assert names(tmp_path) == ["ops"]


def test_what_a_process_with_the_same_number_left_is_no_obstacle(store, tmp_path):
    (tmp_path / f".copy.db.{os.getpid()}.tmp").write_text("half a copy")
    backup(store, tmp_path / "copy.db")
    assert checks(tmp_path / "copy.db") == ["old"]


def test_a_folder_that_is_not_there_gets_no_backup(store, tmp_path):
    with pytest.raises(
        StoreError, match="cannot be used: no such file or directory; name a file in a folder"
    ):
        backup(store, tmp_path / "missing" / "copy.db")


def test_a_restore_brings_the_backup_back_and_keeps_what_it_replaced(store, copy, keep):
    add(store, keep, "later")
    assert restore(store, copy, NOW) == store.with_name(KEPT)
    assert checks(store) == ["old"]
    assert checks(store.with_name(KEPT)) == ["later", "old"]
    assert names(store.parent) == ["opsctl.db", KEPT]
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert verify(store) == []


def test_two_restores_in_one_second_keep_both(store, copy, keep):
    restore(store, copy, NOW)
    add(store, keep, "between")
    assert restore(store, copy, NOW) == store.with_name(f"{KEPT}-2")
    assert checks(store.with_name(f"{KEPT}-2")) == ["between", "old"]


def test_a_restore_where_nothing_was_keeps_nothing(copy, tmp_path):
    fresh = tmp_path / "new" / "opsctl.db"
    assert restore(fresh, copy, NOW) is None
    assert checks(fresh) == ["old"]
    assert names(fresh.parent) == ["opsctl.db"]


def garbage(path):
    path.write_bytes(b"not a database" * 1000)


def torn(path):
    path.write_bytes(path.read_bytes()[:-4096])


def crooked(path):
    """Have an index say something else than its table."""
    with closing(sqlite3.connect(path)) as db, db:
        (page,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_checks_1'"
        ).fetchone()
    db.close()
    whole, end = path.read_bytes(), page * 4096
    path.write_bytes(whole[: end - 4096] + whole[end - 4096 : end].replace(b"old", b"odd") + whole[end:])


def foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE bookmarks (url)")
    db.close()


def empty(path):
    path.write_bytes(b"")


def newer(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def absent(path):
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (garbage, "cannot be restored, so the store was left as it is (file is not a database)"),
        (torn, "cannot be restored, so the store was left as it is ("),
        (crooked, "cannot be restored, so the store was left as it is (row 1 missing from index"),
        (foreign, "is a SQLite database of another program"),
        (empty, "cannot be restored, so the store was left as it is (nothing is in it)"),
        (newer, "was written by a newer opsctl (schema 99"),
        (absent, "there is no backup at"),
    ],
)
def test_what_is_no_sound_backup_is_refused_and_the_store_stays(store, copy, spoil, reason):
    spoil(copy)
    before = store.read_bytes()
    with pytest.raises(StoreError) as caught:
        restore(store, copy, NOW)
    assert reason in str(caught.value)
    assert store.read_bytes() == before
    assert names(store.parent) == ["opsctl.db"]


def test_a_damaged_store_is_replaced_and_kept(store, copy):
    garbage(store)
    damaged = store.read_bytes()
    kept = restore(store, copy, NOW)
    assert checks(store) == ["old"]
    assert kept.read_bytes() == damaged


def test_a_database_of_another_program_is_never_replaced(store, copy):
    foreign(store)
    with pytest.raises(StoreError, match="of another program"):
        restore(store, copy, NOW)
    assert names(store.parent) == ["opsctl.db"]


DIE_IN_MID_WRITE = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("UPDATE checks SET name = name || '-torn'")
db.executemany(
    "INSERT INTO runs (started, finished, host, selector, exit_code) VALUES (0, 0, ?, '', 0)",
    [("x" * 1000,)] * 2000,
)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_dead_writer_left_is_not_applied_to_the_restored_store(store, copy, keep, start):
    add(store, keep, "later")
    child = start(DIE_IN_MID_WRITE, store)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    kept = restore(store, copy, NOW)
    assert checks(store) == ["old"]
    assert checks(kept) == ["later", "old"]
    assert verify(store) == verify(kept) == []


@pytest.mark.parametrize("sound", [True, False])
def test_the_log_that_a_dead_writer_left_is_not_applied_to_the_restored_store(store, copy, sound):
    with closing(sqlite3.connect(store, isolation_level=None)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE checks SET name = 'in the log'")
        log, main = store.with_name("opsctl.db-wal").read_bytes(), store.read_bytes()
    db.close()
    store.with_name("opsctl.db-wal").write_bytes(log)
    store.write_bytes(main if sound else b"not a database" * 1000)
    kept = restore(store, copy, NOW)
    assert checks(store) == ["old"]
    assert verify(store) == []
    if sound:
        assert names(store.parent) == ["opsctl.db", KEPT]
        assert checks(kept) == ["in the log"]
    else:
        assert kept.with_name(f"{KEPT}-wal").read_bytes() == log


def test_a_store_that_is_being_written_is_not_replaced(store, copy):
    with (
        open_store(store, write=True) as writer,
        writer.writing(),
        pytest.raises(StoreError, match="is locked by another process"),
    ):
        restore(store, copy, NOW, timeout=0.05)
    assert names(store.parent) == ["opsctl.db"]


def test_a_command_that_has_the_old_store_open_is_told_when_it_writes(store, copy, keep):
    with pytest.raises(StoreError, match="was replaced or removed"), open_store(store, write=True) as old:
        restore(store, copy, NOW)
        assert list(standings(old)) == ["old"]
        keep(old, "lost", (0, "u"))
    assert checks(store) == ["old"]


def test_a_backup_from_an_older_opsctl_is_brought_up_to_date(store, copy, monkeypatch):
    def rename(db):
        db.execute("ALTER TABLE runs RENAME COLUMN host TO machine")

    known = len(migrations.MIGRATIONS)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, rename))
    restore(store, copy, NOW)
    with closing(sqlite3.connect(store)) as db, db:
        assert db.execute("PRAGMA user_version").fetchone() == (known + 1,)
        assert db.execute("SELECT DISTINCT machine FROM runs").fetchall() == [("host",)]
    assert names(store.parent) == ["opsctl.db", KEPT]


def test_a_full_disk_leaves_no_half_backup(store, tmp_path, start):
    script = """
import resource, sys
from pathlib import Path
from opsctl.errors import StoreError
from opsctl.store.backups import backup
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    backup(Path(sys.argv[1]), Path(sys.argv[2]))
except StoreError as error:
    print(error)
"""
    out, err = start(script, store, tmp_path / "copy.db").communicate()
    assert err == ""
    assert out.startswith(f"the copy {tmp_path}/.copy.db.")
    assert "cannot be written or read in full; look for free space" in out
    assert names(tmp_path) == ["ops"]
