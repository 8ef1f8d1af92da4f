"""Search: any text is a query, what was written is found, and what was undone or changed is not."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from decisions import command, one, opened
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from opsctl.errors import UsageError
from opsctl.prose import safe
from opsctl.queries import parse
from opsctl.searching import search, similar
from opsctl.store import search_index as index
from opsctl.store.opening import open_store
from opsctl.store.search_index import Filter
from opsctl.store.undoing import undo
from opsctl.workspace import load_workspace

WORKSPACE = """
version: 1
name: Shop
services:
  api: {checks: {disk: {disk: /}}}
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "opsctl.yaml").write_text(WORKSPACE)
    return load_workspace(tmp_path, {})


@pytest.fixture
def store(workspace):
    with open_store(workspace.store, write=True) as store:
        yield store


def sources(workspace, text, **more):
    return [hit.source for hit in search(workspace, text, Filter(**more)).hits]


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("connection pool", '"connection" "pool"'),
        ('"connection pool" lag', '"connection pool" "lag"'),
        ('"open', '"open"'),
        ("repl* x", '"repl"* "x"'),
        ("a AND NOT (b)", '"a" "AND" "NOT" "(b)"'),
        ('say ""twice""', '"say" "twice"'),
        ("a a", '"a"'),
    ],
)
def test_words_phrases_and_beginnings_are_terms_and_nothing_else_means_anything(text, every):
    assert parse(text).every() == every


@pytest.mark.parametrize("text", ["", " ", "***", '""', "- ( ) :"])
def test_a_query_without_a_word_is_refused(text):
    with pytest.raises(UsageError, match="no word to search for"):
        parse(text)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(st.text(max_size=60))
def test_any_text_can_be_searched_for(workspace, text):
    try:
        search(workspace, text, Filter())
    except UsageError as error:
        assert "no word" in str(error)  # noqa: PT017 - other texts raise nothing


def test_what_was_written_is_found_by_its_words(workspace, store):
    opened(store, title="Connection pools exhausted", services=["api"], tags=["database"])
    opened(store, title="Slow pages")
    one(store, "incident.noted", "INC-2", {"text": "the réplica lagged"}, at=2000)
    one(store, "item.added", None, {"title": "Alert on lag", "text": "before users see it"})
    (workspace.root / "docs").mkdir()
    (workspace.root / "docs" / "pool.md").write_text("# Database\n\n## Sizing the pool\n\nTwice the cores.\n")
    assert sources(workspace, "pool") == ["docs/pool.md", "INC-1"]
    assert sources(workspace, '"connection pools"') == ["INC-1"]
    assert sources(workspace, "exhaust*") == sources(workspace, "database", kind="incident") == ["INC-1"]
    assert sources(workspace, "replica") == sources(workspace, "lagging replica") == ["INC-2"]
    assert sources(workspace, "users") == ["OPS-1"]
    assert sources(workspace, "pool", service="api") == ["INC-1"]
    assert sources(workspace, "replica", since=1500.0) == ["INC-2"]
    assert sources(workspace, "replica", since=2500.0) == []
    (hit,) = search(workspace, "cores", Filter()).hits
    assert (hit.source, hit.line, hit.above, hit.title) == ("docs/pool.md", 3, "Database", "Sizing the pool")
    assert hit.snippet == "Twice the \x02cores\x03."


def test_where_nothing_holds_all_words_what_holds_some_is_found_and_told(workspace, store):
    opened(store, title="Connection pool exhausted")
    found = search(workspace, "connection leak", Filter())
    assert (found.widened, found.total) == (True, 1)
    assert search(workspace, "leak", Filter()) == ((), 0, False)


def test_what_changed_since_is_found_as_it_is_now(workspace, store):
    opened(store, title="Connection pool exhausted")
    assert sources(workspace, "exhausted") == ["INC-1"]
    one(store, "incident.changed", "INC-1", {"changes": {"title": "Disk full"}})
    assert sources(workspace, "exhausted") == []
    assert sources(workspace, "disk") == ["INC-1"]


def test_what_was_undone_is_not_found_and_found_again_when_it_is_back(workspace, store):
    opened(store, title="Connection pool exhausted")
    number, _ = one(store, "incident.noted", "INC-1", {"text": "replica"})
    assert sources(workspace, "replica") == ["INC-1"]
    with command(store) as ledger:
        back = undo(ledger, number)[0].command
    assert sources(workspace, "replica") == []
    with command(store) as ledger:
        undo(ledger, back)
    assert sources(workspace, "replica") == ["INC-1"]


def test_an_undo_does_not_have_all_read_again(workspace, store, monkeypatch):
    for number in range(5):
        opened(store, title=f"Pool {number} exhausted")
    number, _ = opened(store, title="Replica lags")
    assert sources(workspace, "replica") == ["INC-6"]
    with command(store) as ledger:
        undo(ledger, number)
    read = []
    replace = index.replace
    monkeypatch.setattr(
        index,
        "replace",
        lambda db, of, entries: read.append((sorted(of), entries)) or replace(db, of, entries),
    )
    assert sources(workspace, "replica") == []
    assert read == [(["CMD-6", "INC-6", "PIR-6"], [])]
    assert len(sources(workspace, "pool")) == 5


def test_a_review_that_is_written_later_is_of_the_services_of_its_incident(workspace, store):
    opened(store, title="API down", services=["api"])
    assert sources(workspace, "lesson", service="api") == []
    one(store, "review.started", "PIR-1", {"owner": None, "file": "reviews/INC-1.md"})
    one(store, "review.submitted", "PIR-1", {"text": "the lesson of it", "digest": "", "actions": []})
    assert sources(workspace, "lesson", service="api") == ["PIR-1"]
    one(store, "incident.changed", "INC-1", {"changes": {"services": ["web"]}})
    assert sources(workspace, "lesson", service="api") == []
    assert sources(workspace, "lesson", service="web") == ["PIR-1"]


def test_a_hit_says_how_what_it_is_of_stands(workspace, store):
    opened(store, title="Connection pool exhausted", severity="sev3")
    (hit,) = search(workspace, "pool", Filter()).hits
    assert hit.status == "open, sev3"
    one(store, "incident.resolved", "INC-1", {"text": "raised the limit"})
    assert [one.status for one in search(workspace, "pool", Filter(kind="incident")).hits] == [
        "resolved, sev3"
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(st.text(max_size=40))
@example("Straße ﬁ İstanbul")
@example("a\x00b")
@example("\ud800 half")
def test_an_incident_is_found_by_each_word_of_its_title(workspace, store, title):
    words = [word for word in re.split(r'["*\s]+', safe(title)) if re.search(r"[A-Za-z0-9]", word)]
    assume(words)
    _, subject = opened(store, title=title)
    for word in words:
        found = search(workspace, word, Filter(kind="incident", limit=10_000))
        assert subject in [hit.source for hit in found.hits]
        assert not found.widened


def test_documents_are_followed_as_they_change_and_go(workspace):
    page = workspace.root / "page.md"
    page.write_text("# One\n\nalpha\n")
    assert sources(workspace, "alpha") == ["page.md"]
    page.write_text("# One\n\nbetas\n")
    assert sources(workspace, "alpha") == []
    assert sources(workspace, "beta") == ["page.md"]
    page.unlink()
    assert sources(workspace, "beta") == []


def test_hidden_folders_comments_and_what_tools_fill_are_passed_over(workspace):
    for folder in (".git", "node_modules/x", "docs/.cache"):
        (workspace.root / folder).mkdir(parents=True)
        (workspace.root / folder / "a.md").write_text("alpha")
    (workspace.root / "b.md").write_text("# B\n<!-- alpha -->\n```\n# alpha in code\n```\n")
    assert sources(workspace, "alpha") == ["b.md"]
    assert search(workspace, "alpha", Filter()).hits[0].line == 1


@pytest.mark.parametrize("damage", [b"not a database at all", b"", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_index_is_made_anew(workspace, store, damage):
    opened(store, title="Connection pool exhausted")
    assert sources(workspace, "pool") == ["INC-1"]
    index = workspace.store.with_name("opsctl.search.db")
    index.write_bytes(damage)
    assert sources(workspace, "pool") == ["INC-1"]


def test_an_index_of_another_store_is_made_anew(workspace, store):
    opened(store, title="Connection pool exhausted")
    assert sources(workspace, "pool") == ["INC-1"]
    for file in workspace.store.parent.glob("opsctl.db*"):
        file.unlink()
    with open_store(workspace.store, write=True) as other:
        opened(other, title="Disk full")
    assert sources(workspace, "pool") == []
    assert sources(workspace, "disk") == ["INC-1"]


def test_an_index_of_another_version_is_replaced(workspace, store):
    opened(store, title="Connection pool exhausted")
    index = workspace.store.with_name("opsctl.search.db")
    with closing(sqlite3.connect(index)) as db, db:
        db.execute("PRAGMA user_version = 99")
    assert sources(workspace, "pool") == ["INC-1"]


@pytest.mark.parametrize("page", range(9))
def test_damage_anywhere_in_the_index_is_no_loss(workspace, store, page):
    opened(store, title="Connection pool exhausted", services=["api"])
    for number in range(40):
        one(store, "item.added", None, {"title": f"Widen the pool {number}", "text": "before users see it"})
    index = workspace.store.with_name("opsctl.search.db")
    assert len(sources(workspace, "pool", limit=100)) == 41
    whole = bytearray(index.read_bytes())
    begin = max(100, page * 4096)
    assert begin < len(whole)
    whole[begin : (page + 1) * 4096] = b"\xa5" * ((page + 1) * 4096 - begin)
    index.write_bytes(whole)
    for _ in range(2):
        # A page that no query reads may stay as it is.
        assert len(sources(workspace, "pool", limit=100)) == 41
        assert sources(workspace, "exhausted") == ["INC-1"]


def test_where_the_index_cannot_be_kept_it_is_made_in_memory(workspace, store):
    opened(store, title="Connection pool exhausted")
    index = workspace.store.with_name("opsctl.search.db")
    index.mkdir()
    assert sources(workspace, "pool") == ["INC-1"]
    assert list(index.iterdir()) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_folder_that_is_read_only_can_be_searched(store, workspace, before):
    opened(store, title="Connection pool exhausted")
    if before:
        sources(workspace, "pool")
    opened(store, title="Pool of threads exhausted")
    user = os.geteuid()
    # The folders above belong to the user who runs the tests alone.
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, "copy")
        shutil.copytree(workspace.root, root)
        names = sorted((root / ".opsctl").iterdir())
        for path in (Path(name), root, *root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        copy = load_workspace(root, {})
        try:
            if user == 0:
                os.seteuid(65534)
            assert sorted(sources(copy, "pool")) == ["INC-1", "INC-2"]
        finally:
            os.seteuid(user)
            for path in (Path(name), root, root / ".opsctl"):
                path.chmod(0o755)
        assert sorted((root / ".opsctl").iterdir()) == names


def test_an_index_that_another_process_holds_is_left_to_it(workspace, store, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **more: connect(path, **{**more, "timeout": 0.0}))
    opened(store, title="Connection pool exhausted")
    sources(workspace, "pool")
    index = workspace.store.with_name("opsctl.search.db")
    with contextlib.closing(connect(index, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        before = index.stat().st_ino
        assert sources(workspace, "pool") == ["INC-1"]
        assert index.stat().st_ino == before


def test_the_index_is_as_private_as_the_store(workspace, store):
    opened(store, title="Connection pool exhausted")
    sources(workspace, "pool")
    assert workspace.store.with_name("opsctl.search.db").stat().st_mode & 0o777 == 0o600


def test_two_searches_at_once_do_no_harm(workspace, store):
    for number in range(200):
        opened(store, title=f"Connection pool {number}")
    script = (
        "from pathlib import Path; from opsctl.workspace import load_workspace;"
        "from opsctl.searching import search; from opsctl.store.search_index import Filter;"
        f"print(search(load_workspace(Path({str(workspace.root)!r}), {{}}), 'pool', Filter()).total)"
    )
    totals = []

    def run():
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
        )
        totals.append(done.stdout)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == ["200\n"] * 4


def test_the_most_similar_incidents_of_the_past_are_found(workspace, store):
    opened(store, title="Connection pool exhausted on the database")
    one(store, "incident.resolved", "INC-1", {"text": "raised the limit"})
    opened(store, title="Disk full")
    opened(store, title="The pool of connections is exhausted")
    found = similar(workspace, "The pool of connections is exhausted", "INC-3")
    assert [(like.subject, like.ended) for like in found] == [("INC-1", "resolved: raised the limit")]
    assert similar(workspace, "!!!", "INC-3") == ()


def test_what_is_not_over_is_no_incident_of_the_past(workspace, store):
    opened(store, title="Connection pool exhausted")
    opened(store, title="Connection pool exhausted")
    assert similar(workspace, "Connection pool exhausted", "INC-2") == ()


def test_of_equally_similar_incidents_those_of_the_same_services_come_first(workspace, store):
    for service in ("api", "web", "web"):
        opened(store, title="Connection pool exhausted", services=[service])
    for subject in ("INC-1", "INC-2"):
        one(store, "incident.resolved", subject, {})
    assert [like.subject for like in similar(workspace, "Connection pool exhausted", "INC-3")] == [
        "INC-2",
        "INC-1",
    ]
    one(store, "incident.changed", "INC-3", {"changes": {"services": ["api"]}})
    assert [like.subject for like in similar(workspace, "Connection pool exhausted", "INC-3")] == [
        "INC-1",
        "INC-2",
    ]


def test_a_title_of_a_thousand_words_has_similar_incidents_too(workspace, store):
    opened(store, title="Connection pool exhausted")
    one(store, "incident.resolved", "INC-1", {})
    words = " ".join(f"word{number}" for number in range(10_000))
    found = similar(workspace, f"Connection pool exhausted {words}", "INC-2")
    assert [like.subject for like in found] == ["INC-1"]


def test_similar_incidents_never_stand_in_the_way(workspace, store):
    opened(store, title="Connection pool exhausted")
    workspace.store.write_bytes(b"damaged")
    assert similar(workspace, "Connection pool exhausted", "INC-9") == ()
