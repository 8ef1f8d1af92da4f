"""The `sqlite` check on real databases, in use and out of use, whole and damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checks.probe import probe

from opsctl.checks import sqlite
from opsctl.checks.sqlite import SqliteCheck
from opsctl.outcome import Cause, Failure, Observation
from opsctl.secrets import Template

WRITES = Failure(Cause.UNSUPPORTED, "the query does more than read; write a `select`")
UNCLEAN = Failure(
    Cause.UNSUPPORTED,
    "the database was not closed properly; let the program that it belongs to open it once",
)
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


def look(
    path: Path, query: str = "", *wanted: str, timeout: float = 30.0, environ: dict[str, str] | None = None
) -> Observation:
    check = SqliteCheck(path=path.name, query=Template(query) if query else None)
    words = frozenset(wanted)
    return probe(check, timeout=timeout, wanted=words, root=path.parent, environ=environ or {})


def seen(observation: Observation) -> dict:
    """What was observed, without how long it took."""
    return {name: value for name, value in observation.values.items() if name != "latency"}


def fill(path: Path, *statements: str, wal: bool = False) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        if wal:
            database.execute("pragma journal_mode = wal")
        for statement in statements:
            database.execute(statement)
    return path


@pytest.fixture
def shop(tmp_path) -> Path:
    return fill(
        tmp_path / "shop.db",
        "create table orders (id integer, state text, price real)",
        "create index by_id on orders (id)",
        "insert into orders values (7, 'open', 1.5), (8, 'open', null), (9, 'done', 2.5)",
    )


@pytest.fixture
def busy(tmp_path) -> Path:
    return fill(tmp_path / "busy.db", "create table t (x)", "insert into t values (1), (2)", wal=True)


def folder(path: Path) -> dict[str, bytes]:
    """Every file beside the database. A reading copy is made, as closing a database's file drops its locks."""
    program = "import pathlib, sys; [print(p.name, p.read_bytes().hex()) for p in pathlib.Path(sys.argv[1]).iterdir()]"
    out = subprocess.run(
        [sys.executable, "-c", program, path.parent], capture_output=True, text=True, check=True
    )
    return {line.split()[0]: bytes.fromhex("".join(line.split()[1:])) for line in out.stdout.splitlines()}


def elsewhere(path: Path, statement: str) -> str:
    """What a statement gives in a process of its own: its error's name, or `done`."""
    program = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try:\n    database.execute(sys.argv[2])\n    print('done')\n"
        "except sqlite3.Error as error:\n    print(error.sqlite_errorname)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, path, statement], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_the_first_value_and_row_are_seen_with_their_types(shop):
    assert seen(look(shop, "select id, state, price from orders order by id")) == {
        "value": 7,
        "row": {"id": 7, "state": "open", "price": 1.5},
    }


def test_rows_are_counted_where_that_is_wanted(shop):
    assert look(shop, "select * from orders", "rows").values["rows"] == 3
    assert look(shop, "select * from orders where id > 8", "rows").values["rows"] == 1


def test_how_long_it_took_is_seen(shop):
    assert 0 < look(shop, "select 1").values["latency"] < 30


def test_no_row_is_a_count_and_no_value(shop):
    observation = look(shop, "select id from orders where id = 1", "rows", "value")
    assert seen(observation) == {"rows": 0}
    assert observation.failure == Failure(Cause.MISSING, "the query gave no row")


def test_null_is_a_value_that_was_seen(shop):
    observation = look(shop, "select price from orders where id = 8")
    assert (seen(observation), observation.failure) == ({"value": None, "row": {"price": None}}, None)


@pytest.mark.parametrize(
    ("expression", "value"), [("x'00ff'", "00ff"), ("9e999", "inf"), ("cast(x'ff41' as text)", "\ufffdA")]
)
def test_what_json_cannot_hold_becomes_a_text(shop, expression, value):
    assert look(shop, f"select {expression}").values["value"] == value


def test_functions_that_make_tables_may_be_used(shop):
    assert look(shop, "select sum(value) from json_each('[1, 2]')").values["value"] == 3


def test_a_full_text_table_can_be_searched(tmp_path):
    path = fill(tmp_path / "a.db", "create virtual table t using fts5(x)", "insert into t values ('one two')")
    assert look(path, "select x from t where t match 'two'").values["value"] == "one two"


def test_a_query_may_hold_a_secret(shop):
    observation = look(shop, "select '${env:WORD}'", environ={"WORD": "secret"})
    assert observation.values["value"] == "secret"
    words = "the environment variable WORD is not set; set it and run again"
    assert look(shop, "select '${env:WORD}'") == Observation({}, Failure(Cause.SECRET, words))


def test_a_whole_database_is_ok(shop, busy):
    assert seen(look(shop)) == {"integrity": "ok"}
    assert seen(look(busy)) == {"integrity": "ok"}


def test_integrity_and_a_query_go_together(shop):
    assert set(look(shop, "select 1", "integrity", "value").values) == {
        "integrity",
        "value",
        "row",
        "latency",
    }
    assert "integrity" not in look(shop, "select 1", "value").values


def test_a_damaged_page_is_told(tmp_path):
    path = fill(
        tmp_path / "a.db",
        "create table t (x)",
        "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) select i from n",
    )
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    observation = look(path)
    assert observation.failure is None
    assert observation.values["integrity"] != "ok"
    assert look(path, "select count(*) from t").failure == Failure(
        Cause.PROTOCOL, "the database is damaged: database disk image is malformed"
    )


def test_damage_that_hides_the_tables_is_told(shop):
    with shop.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 50)
    assert seen(look(shop)) == {"integrity": "database disk image is malformed"}


def test_a_header_without_a_database_is_told(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"SQLite format 3\0" + b"\0" * 500)
    words = "the database is damaged: file is not a database"
    assert look(path, "select 1 from sqlite_master").failure == Failure(Cause.PROTOCOL, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "{} is empty, so no database"),
        (b"something else", "{} is not a SQLite database, or it is encrypted"),
        (os.urandom(4096), "{} is not a SQLite database, or it is encrypted"),
    ],
)
def test_what_is_no_database_is_not_taken_for_an_empty_one(tmp_path, content, words):
    path = tmp_path / "a.db"
    path.write_bytes(content)
    assert look(path) == Observation({}, Failure(Cause.PROTOCOL, words.format(path)))
    assert path.read_bytes() == content


def test_a_missing_database_is_not_made(tmp_path):
    path = tmp_path / "a.db"
    assert look(path) == Observation({}, Failure(Cause.MISSING, f"{path} does not exist"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        words = f"{path} is not a plain file, so no database"
        assert look(path) == Observation({}, Failure(Cause.PROTOCOL, words))


def test_a_database_that_may_not_be_read_says_nothing():
    user = os.geteuid()
    with TemporaryDirectory() as folder:
        path = fill(Path(folder, "a.db"), "create table t (x)")
        path.chmod(0)
        path.parent.chmod(0o755)
        try:
            if user == 0:
                os.seteuid(65534)
            observation = look(path)
        finally:
            os.seteuid(user)
    words = f"{path} may not be read; let the user that runs opsctl read it"
    assert observation == Observation({}, Failure(Cause.PERMISSION, words))


@pytest.mark.parametrize("missing", ["table: nope", "column: nope", "function: nope"])
def test_what_the_query_names_may_be_missing(shop, missing):
    query = {"table: nope": "select 1 from nope", "column: nope": "select nope from orders"}
    failure = look(shop, query.get(missing, "select nope()")).failure
    assert failure == Failure(Cause.MISSING, f"no such {missing}")


def test_a_query_with_a_mistake_says_where(shop):
    words = 'the query cannot be run: near "selct": syntax error'
    assert look(shop, "selct 1") == Observation({}, Failure(Cause.UNSUPPORTED, words))


@pytest.mark.parametrize(
    "statement",
    [
        "delete from orders",
        "update orders set id = 1",
        "insert into orders values (1, 'a', 2)",
        "drop table orders",
        "create table more (x)",
        "create temp table more (x)",
        "pragma user_version = 3",
        "pragma journal_mode = wal",
        "vacuum",
        "vacuum into '{}/copy.db'",
        "attach '{}/other.db' as other",
        "analyze",
        "reindex",
    ],
)
def test_nothing_can_be_written(shop, statement):
    before = folder(shop)
    observation = look(shop, statement.format(shop.parent), "rows")
    assert observation == Observation({}, WRITES)
    assert folder(shop) == before


@pytest.mark.parametrize("statement", ["-- nothing", ";", "begin", "pragma query_only = off"])
def test_a_statement_without_an_answer_is_no_query(shop, statement):
    words = "the query reads nothing; write a `select`"
    assert look(shop, statement, "rows") == Observation({}, Failure(Cause.UNSUPPORTED, words))


def test_a_second_statement_is_refused(shop):
    failure = look(shop, "select 1; select 2").failure
    assert failure.cause is Cause.UNSUPPORTED


def test_a_query_that_takes_too_long_is_ended(shop):
    assert look(shop, ENDLESS, timeout=0.2) == Observation(
        {}, Failure(Cause.TIMEOUT, "no answer within 0.2 s")
    )


def test_counting_rows_that_never_end_is_ended(shop):
    query = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    assert look(shop, query, "rows", timeout=0.2).failure == Failure(Cause.TIMEOUT, "no answer within 0.2 s")


def test_a_database_that_stays_locked_gives_no_answer(shop):
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("begin exclusive")
        observation = look(shop, "select 1 from orders", timeout=0.2)
    words = "another program kept the database locked for 0.2 s"
    assert observation == Observation({}, Failure(Cause.TIMEOUT, words))


def test_looking_at_a_database_keeps_this_process_s_own_lock_on_it(shop):
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("begin immediate")
        assert look(shop, "select count(*) from orders").values["value"] == 3
        assert elsewhere(shop, "begin immediate") == "SQLITE_BUSY"
    assert elsewhere(shop, "begin immediate") == "done"


def test_a_database_that_is_out_of_use_is_left_as_it_is(shop):
    before = folder(shop)
    look(shop, "select * from orders", "rows", "integrity")
    assert folder(shop) == before


def test_a_wal_database_that_is_out_of_use_is_left_as_it_is(busy):
    before = folder(busy)
    assert list(before) == ["busy.db"]
    assert look(busy, "select count(*) from t", "integrity").values["value"] == 2
    assert folder(busy) == before


def test_a_wal_database_in_use_is_read_and_left_as_it_is(busy):
    program = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('insert into t values (3)')\n"
        "print('ready', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"ready\n"
        before = folder(busy)
        assert sorted(before) == ["busy.db", "busy.db-shm", "busy.db-wal"]
        assert look(busy, "select count(*) from t", "integrity").values["value"] == 3
        assert folder(busy) == before
        writer.kill()
    # The writer has died without tidying up; what it had committed is still to be read.
    before = folder(busy)
    assert look(busy, "select count(*) from t").values["value"] == 3
    assert folder(busy) == before


def test_a_log_without_its_index_is_not_passed_over(busy):
    with closing(sqlite3.connect(busy, isolation_level=None)) as database:
        database.execute("insert into t values (3)")
        copies = {name: data for name, data in folder(busy).items() if not name.endswith("-shm")}
    copy = busy.parent / "copy"
    copy.mkdir()
    for name, data in copies.items():
        (copy / name).write_bytes(data)
    assert look(copy / busy.name, "select count(*) from t") == Observation({}, UNCLEAN)
    assert folder(copy / busy.name) == copies


def test_an_empty_log_that_was_left_behind_harms_nothing(busy):
    Path(f"{busy}-wal").touch()
    before = folder(busy)
    assert look(busy, "select count(*) from t").values["value"] == 2
    assert folder(busy) == before


def test_a_database_whose_writer_died_halfway_is_not_read(shop):
    program = (
        "import sqlite3, sys, os, signal\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('pragma cache_size = 1')\n"
        "database.execute('begin exclusive')\n"
        "database.executemany('insert into orders values (?, ?, 0)', [(i, 'x' * 500) for i in range(500)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", program, shop], check=False)
    assert ran.returncode == -signal.SIGKILL
    before = folder(shop)
    assert sorted(before) == ["shop.db", "shop.db-journal"]
    assert look(shop, "select count(*) from orders") == Observation({}, UNCLEAN)
    assert folder(shop) == before


def test_a_wal_database_that_is_written_meanwhile_is_read_again(busy, monkeypatch):
    ask, looks = sqlite._ask, []

    def write_first(database, query, wanted):
        answer = ask(database, query, wanted)
        if not looks:
            assert elsewhere(busy, "insert into t values (3)") == "done"
        looks.append(answer["value"])
        return answer

    monkeypatch.setattr(sqlite, "_ask", write_first)
    assert look(busy, "select count(*) from t").values["value"] == 3
    assert looks == [2, 3]


def test_a_wal_database_that_never_rests_is_given_up(busy, monkeypatch):
    ask = sqlite._ask

    def write_always(database, query, wanted):
        assert elsewhere(busy, "insert into t values (3)") == "done"
        return ask(database, query, wanted)

    monkeypatch.setattr(sqlite, "_ask", write_always)
    words = f"{busy}: it changes faster than it can be read"
    assert look(busy, "select count(*) from t") == Observation({}, Failure(Cause.TIMEOUT, words))


def test_marks_in_a_path_are_plain(tmp_path):
    path = fill(tmp_path / "a b?mode=rwc#%41.db", "create table t (x)")
    assert seen(look(path)) == {"integrity": "ok"}


def test_descriptors_are_kept_one_for_each_database(shop, busy):
    look(shop)
    look(busy)
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        look(shop, "select 1")
        look(busy, "select 1")
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_what_is_expected_by_default_follows_from_the_query():
    assert SqliteCheck(path="a").expectations() == (('integrity == "ok"',), ())
    assert SqliteCheck(path="a", query=Template("select 1")).expectations() == (("rows > 0",), ())


def test_a_path_cannot_hold_a_nul():
    assert list(SqliteCheck(path="a").problems()) == []
    assert list(SqliteCheck(path="a\0").problems()) == [("path", "a path cannot hold a NUL character")]


def test_the_target_is_the_path_and_the_query():
    assert SqliteCheck(path="a.db").target() == "a.db"
    assert SqliteCheck(path="a.db", query=Template("select\n  1")).target() == "a.db: select 1"
