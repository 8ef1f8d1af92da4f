"""Opening the store: created once and privately, refused with one clear line, never guessed at."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from opsctl.errors import ExitCode, StoreError
from opsctl.outages import Rules
from opsctl.store import migrations
from opsctl.store.latest import standings
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify

OPEN_AND_RECORD = """
import sys
from pathlib import Path
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
print("ready", flush=True)
sys.stdin.read(1)
with open_store(Path(sys.argv[1]), write=True) as store:
    record(store, Run(0, 0, "host", sys.argv[2]), [], {}, lambda _: 0)
print("done")
"""
DIE_IN_MID_WRITE = """
import os, signal, sys
from pathlib import Path
from opsctl.store.opening import open_store
with open_store(Path(sys.argv[1]), write=True) as store, store.writing() as db:
    db.execute("PRAGMA cache_size = 1")
    db.execute("UPDATE runs SET host = host || 'x'")
    db.executemany(
        "INSERT INTO runs (started, finished, host, selector, exit_code) VALUES (0, 0, ?, '', 0)",
        [("x" * 1000,)] * 2000,
    )
    os.kill(os.getpid(), signal.SIGKILL)
"""


def hosts(path):
    with open_store(path, write=False) as store:
        return [host for (host,) in store.db.execute("SELECT host FROM runs ORDER BY id")]


def make(path):
    with open_store(path, write=True) as store:
        record(store, Run(0, 0, "host", ""), [], {}, lambda _: 0)


def refusal(path, *, write=True, timeout=0.05):
    with pytest.raises(StoreError) as caught, open_store(path, write=write, timeout=timeout) as store:
        record(store, Run(0, 0, "host", ""), [], {}, lambda _: 0)
    assert caught.value.exit_code is ExitCode.STORE
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_store_and_its_folder_are_private(path):
    before = os.umask(0)
    try:
        make(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_is_one_strict_file_with_full_sync_foreign_keys_and_its_own_mark(path):
    make(path)
    with open_store(path, write=True) as store:
        pragmas = {
            name: store.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version")
        }
        loose = store.db.execute(
            "SELECT name FROM pragma_table_list"
            " WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    assert pragmas == {
        "journal_mode": "delete",
        "synchronous": 2,
        "foreign_keys": 1,
        "application_id": int.from_bytes(b"opsc", "big"),
        "user_version": len(migrations.MIGRATIONS),
    }
    assert loose == []
    assert [each.name for each in path.parent.iterdir()] == ["opsctl.db"]


def test_reading_a_missing_store_finds_nothing_and_creates_nothing(path):
    with open_store(path, write=False) as store:
        assert standings(store) == {}
    assert not path.parent.exists()


def test_nothing_can_be_written_into_the_stand_in_for_a_missing_store(path):
    assert "read-only" in refusal(path, write=False)


def test_an_empty_file_is_a_store_that_was_not_written_yet(path):
    path.parent.mkdir()
    path.touch()
    with open_store(path, write=False) as store:
        assert standings(store) == {}
    assert path.stat().st_size == 0
    make(path)
    assert hosts(path) == ["host"]


def test_only_the_last_folder_is_made(path):
    message = refusal(path / "deeper" / "opsctl.db")
    assert "no such file or directory; name a file in a folder that exists" in message
    assert not path.parent.exists()


@pytest.mark.parametrize("write", [True, False])
def test_a_folder_that_is_a_file_is_refused(tmp_path, write):
    (tmp_path / "file").touch()
    assert re.search("not a directory|file exists", refusal(tmp_path / "file" / "opsctl.db", write=write))


@pytest.mark.parametrize("write", [True, False])
def test_a_path_with_a_nul_is_refused(tmp_path, write):
    assert "cannot be used" in refusal(tmp_path / "a\0b", write=write)


@pytest.mark.parametrize("write", [True, False])
def test_a_store_that_is_a_folder_is_refused(tmp_path, write):
    assert f"{tmp_path} cannot be used: it is a folder; name a file" in refusal(tmp_path, write=write)


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_store_is_refused_and_left_alone(path, write):
    make(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    known = len(migrations.MIGRATIONS)
    assert refusal(path, write=write) == (
        f"the store {path} was written by a newer opsctl (schema 99, this one knows {known}); upgrade opsctl"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("mark", [0, 1234])
def test_a_database_of_another_program_is_refused_and_left_alone(path, write, mark):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE bookmarks (url)")
        db.execute(f"PRAGMA application_id = {mark}")
    before = path.read_bytes()
    assert refusal(path, write=write) == (
        f"the file {path} is a SQLite database of another program, not a store of opsctl; "
        "name another store with OPSCTL_DB"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path, write):
    path.parent.mkdir()
    path.write_bytes(b"services:\n  api: {}\n" * 100)
    before = path.read_bytes()
    assert refusal(path, write=write) == (
        f"the store {path} is not a SQLite file; name another store with OPSCTL_DB, "
        "or put a backup in its place with `opsctl db restore FILE`"
    )
    assert path.read_bytes() == before


def test_damage_says_how_to_look_and_how_to_go_back(path):
    make(path)
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    message = refusal(path)
    assert message == (
        f"the store {path} is damaged; run `opsctl db verify` to see how, "
        "then `opsctl db restore FILE` with a backup"
    )


def test_a_schema_that_somebody_altered_says_what_to_do(path):
    make(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE results")
        db.execute("ALTER TABLE runs RENAME TO walks")
    assert refusal(path) == (
        f"the store {path} does not answer as it should (no such table: runs); run `opsctl db verify`"
    )


@pytest.mark.parametrize("write", [True, False])
def test_a_store_that_stays_locked_is_given_up(path, write):
    make(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert refusal(path, write=write) == (
        f"the store {path} is locked by another process; run the command again when that has ended"
    )
    other.execute("ROLLBACK")
    other.close()
    make(path)


def test_a_write_is_refused_when_the_store_was_replaced_meanwhile(path):
    make(path)

    def write_elsewhere():
        with open_store(path, write=True) as store:
            path.rename(path.with_name("elsewhere.db"))
            record(store, Run(0, 0, "lost", ""), [], {}, lambda _: 0)

    with pytest.raises(StoreError, match="was replaced or removed while this command ran"):
        write_elsewhere()
    assert hosts(path.with_name("elsewhere.db")) == ["host"]


def test_a_block_that_fails_keeps_nothing_and_frees_the_lock(path):
    make(path)

    def fail(store):
        with store.writing() as db:
            db.execute("DELETE FROM runs")
            raise KeyboardInterrupt

    with open_store(path, write=True) as store:
        with pytest.raises(KeyboardInterrupt):
            fail(store)
        with open_store(path, write=True, timeout=0) as other:
            record(other, Run(0, 0, "second", ""), [], {}, lambda _: 0)
    assert hosts(path) == ["host", "second"]


def test_a_store_in_wal_mode_becomes_one_file_again(path):
    make(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(
            "INSERT INTO runs (started, finished, host, selector, exit_code) VALUES (0, 0, 'wal', '', 0)"
        )
    db.close()
    make(path)
    assert hosts(path) == ["host", "wal", "host"]
    assert [each.name for each in path.parent.iterdir()] == ["opsctl.db"]


def test_eight_processes_make_one_store_at_once(path, start, release):
    for attempt in range(5):
        fresh = path.with_name(f"{attempt}.db")
        children = [start(OPEN_AND_RECORD, fresh, number) for number in range(8)]
        release(children)
        assert [child.communicate() for child in children] == [("done\n", "")] * 8
        with open_store(fresh, write=False) as store:
            found = store.db.execute("SELECT selector FROM runs ORDER BY selector").fetchall()
        assert found == [(str(number),) for number in range(8)]
        assert verify(fresh) == []


@pytest.mark.parametrize("write", [True, False])
def test_a_store_whose_writer_died_in_mid_write_reads_as_before(path, start, write):
    make(path)
    child = start(DIE_IN_MID_WRITE, path)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert path.with_name("opsctl.db-journal").stat().st_size
    with open_store(path, write=write) as store:
        assert store.db.execute("SELECT host FROM runs").fetchall() == [("host",)]
    assert verify(path) == []


def test_a_creation_that_died_half_way_is_done_again(path, start):
    script = DIE_IN_MID_WRITE.replace(
        "with open_store(Path(sys.argv[1]), write=True) as store, store.writing() as db:",
        """from opsctl.store import migrations
def die(db):
    os.kill(os.getpid(), signal.SIGKILL)
migrations.MIGRATIONS = (migrations.m001_results, die)
with open_store(Path(sys.argv[1]), write=True) as store, store.writing() as db:""",
    )
    child = start(script, path)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    with open_store(path, write=False) as store:
        assert standings(store) == {}
    make(path)
    assert hosts(path) == ["host"]


def test_a_full_disk_keeps_what_was_acknowledged_and_nothing_else(path, result):
    acknowledged = []

    def fill():
        with open_store(path, write=True) as store:
            (pages,) = store.db.execute("PRAGMA page_count").fetchone()
            store.db.execute(f"PRAGMA max_page_count = {pages + 2}")
            for number in range(1000):
                found = [result(f"check-{number}", number, "u", message="x" * 100)]
                rules = {f"check-{number}": Rules(1, 1, 60)}
                record(store, Run(number, number, "host", ""), found, rules, lambda _: 0)
                acknowledged.append(number)

    with pytest.raises(StoreError, match="the disk is full; make room"):
        fill()
    assert acknowledged
    assert len(hosts(path)) == len(acknowledged)
    assert verify(path) == []


LIMITED = """
import resource, sys
from pathlib import Path
from opsctl.errors import StoreError
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
path = Path(sys.argv[1])
with open_store(path, write=True):
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 8192,) * 2)
number = 0
try:
    with open_store(path, write=True) as store:
        while True:
            record(store, Run(0, 0, "x" * 500, ""), [], {}, lambda _: 0)
            number += 1
except StoreError as error:
    print(number)
    print(error)
"""


def test_a_file_size_limit_keeps_what_was_acknowledged_and_nothing_else(path, start):
    out, err = start(LIMITED, path).communicate()
    number, message = out.splitlines()
    assert err == ""
    assert int(number) > 0
    assert message.startswith(f"the store {path} cannot be written or read in full; look for free space")
    assert len(hosts(path)) == int(number)
    assert verify(path) == []


READ_AND_WRITE = """
import os, sys, urllib.parse  # while Python's own files can be read
from pathlib import Path
from opsctl.errors import StoreError
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
path = Path(sys.argv[1])
if os.geteuid() == 0:  # permissions do not apply to root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for write in (False, True):
    try:
        with open_store(path, write=write) as store:
            print(store.db.execute("SELECT count(*) FROM runs").fetchone()[0])
    except StoreError as error:
        print(error)
"""


@pytest.fixture
def public():
    """A folder that everybody can enter, which the test's own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_store_can_be_read_and_says_so_before_any_work_is_done_for_it(public, start):
    path = public / "opsctl.db"
    make(path)
    path.chmod(0o444)
    public.chmod(0o555)
    out, err = start(READ_AND_WRITE, path).communicate()
    assert err == ""
    assert out.splitlines() == [
        "1",
        (
            f"the store {path} is read-only; make the file and its folder writable for you, "
            "or name another store with OPSCTL_DB"
        ),
    ]


def test_a_store_in_a_folder_that_may_not_be_entered_is_not_taken_for_missing(public, start):
    path = public / "closed" / "opsctl.db"
    make(path)
    path.parent.chmod(0o000)
    out, err = start(READ_AND_WRITE, path).communicate()
    path.parent.chmod(0o700)
    assert err == ""
    for line in out.splitlines():
        assert line.startswith(f"{path} cannot be used: permission denied; name a file in a folder")
    assert len(out.splitlines()) == 2


MANAGE = """
import os, sys
from pathlib import Path
from opsctl.errors import StoreError
from opsctl.store.backups import backup, restore
from opsctl.store.upkeep import info
from opsctl.store.verifying import verify
path, other = Path(sys.argv[1]), Path(sys.argv[2])
if os.geteuid() == 0:  # permissions do not apply to root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
calls = (
    lambda: info(path), lambda: verify(path), lambda: backup(path, other), lambda: backup(other, path),
    lambda: restore(path, other, 0), lambda: restore(other, path, 0),
)
for call in calls:
    try:
        call()
    except StoreError as error:
        print(error)
"""


def test_no_part_of_the_upkeep_takes_a_closed_folder_for_an_empty_one(public, start):
    path, other = public / "closed" / "opsctl.db", public / "open.db"
    make(path)
    make(other)
    other.chmod(0o666)
    path.parent.chmod(0o000)
    out, err = start(MANAGE, path, other).communicate()
    path.parent.chmod(0o700)
    assert err == ""
    refused = f"{path} cannot be used: permission denied; name a file in a folder that exists and that you may write"
    assert out.splitlines() == [refused] * 6


def test_a_folder_that_may_not_be_written_cannot_get_a_store(public, start):
    public.chmod(0o555)
    out, err = start(READ_AND_WRITE, public / "opsctl.db").communicate()
    assert err == ""
    assert out.splitlines() == [
        "0",
        (
            f"{public}/opsctl.db cannot be used: permission denied; "
            "name a file in a folder that exists and that you may write"
        ),
    ]


def test_opening_and_recording_import_nothing_slow(path, start):
    script = f"{OPEN_AND_RECORD}\nprint(sorted(SLOW & sys.modules.keys()))"
    slow = {"sqlite_utils", "asyncio", "subprocess", "tempfile", "dataclasses", "hashlib"}
    out, err = start(f"SLOW = {slow}\n{script}", path, "run").communicate("x")
    assert (out, err) == ("ready\ndone\n[]\n", "")


def m002_rename(db):
    db.execute("ALTER TABLE runs RENAME COLUMN host TO machine")


@pytest.mark.parametrize("write", [True, False])
def test_an_older_store_is_copied_and_brought_up_to_date(path, monkeypatch, write):
    make(path)
    known = len(migrations.MIGRATIONS)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, m002_rename))
        with open_store(path, write=write) as store:
            assert store.db.execute("SELECT machine FROM runs").fetchall() == [("host",)]
            assert store.db.execute("PRAGMA user_version").fetchone() == (known + 1,)
    kept = path.with_name(f"opsctl.db.schema-{known}")
    assert hosts(kept) == ["host"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == ["opsctl.db", kept.name]


def test_a_migration_that_fails_leaves_the_store_as_it_was(path, monkeypatch):
    make(path)

    def broken(db):
        db.execute("DELETE FROM runs")
        db.execute("INSERT INTO evidence VALUES (77, '')")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
        assert "has 1 rows that point nowhere, so its schema was left as it is" in refusal(path)
    assert hosts(path) == ["host"]
