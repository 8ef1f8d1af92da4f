"""Events are appended whole, and records follow at once; a store of an older schema loses nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from decisions import ALICE, command, documents, one, opened
from hypothesis import given
from hypothesis import strategies as st

from opsctl.errors import StoreError
from opsctl.ledger.events import Actor, Event
from opsctl.store import migrations, opening
from opsctl.store.chain import head
from opsctl.store.latest import standings
from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify


@pytest.fixture
def store(path):
    with open_store(path, write=True) as opened_store:
        yield opened_store


def test_an_event_is_kept_with_who_when_and_what_and_the_record_follows(store):
    with command(store, 1000.1234) as ledger:
        name = ledger.name("INC")
        event = ledger.append("incident.opened", name, {"title": "API down", "severity": "sev2"}, 900.5)
        assert ledger.get(name).state == "open"
    assert event == Event(
        1, 1, 1000.123, 900.5, *ALICE, "incident.opened", "INC-1", {"title": "API down", "severity": "sev2"}
    )  # fmt: skip
    assert events(store.db) == [event]
    assert [record.opened for record in records(store.db, "INC")] == [900.5]


def test_what_happened_is_kept_apart_from_when_it_was_recorded(store):
    one(store, "item.added", None, {"title": "a"}, now=1000, at=-86_400.25)
    one(store, "item.added", None, {"title": "b"}, now=1000)
    assert [(event.occurred, event.recorded) for event in events(store.db)] == [
        (-86_400.25, 1000),
        (1000, 1000),
    ]
    assert verify(store.path) == []


def test_all_events_of_a_command_have_its_number(store):
    opened(store)
    with command(store) as ledger:
        for text in "ab":
            ledger.append("incident.noted", "INC-1", {"text": text})
    one(store, "incident.acknowledged", "INC-1")
    assert [(event.id, event.command) for event in events(store.db)] == [(1, 1), (2, 2), (3, 2), (4, 4)]
    assert [event.body for event in events(store.db, command=2)] == [{"text": "a"}, {"text": "b"}]


def test_a_command_that_fails_in_the_middle_leaves_nothing_behind(store):
    opened(store)
    before = (documents(store), head(store.db), events(store.db))
    with pytest.raises(KeyError), command(store) as ledger:
        ledger.append("incident.acknowledged", "INC-1", {})
        ledger.append("incident.opened", ledger.name("INC"), {"title": "no severity"})
    assert (documents(store), head(store.db), events(store.db)) == before
    assert opened(store) == (2, "INC-2")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_and_nothing_is_kept(store, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        one(store, "item.added", None, {"title": "x", "effort": value})
    assert (documents(store), events(store.db)) == ({}, [])


def test_a_clock_that_goes_backwards_confuses_nothing(store):
    opened(store)
    one(store, "incident.acknowledged", "INC-1", now=500)
    one(store, "incident.mitigated", "INC-1", now=10)
    assert [event.id for event in events(store.db)] == [1, 2, 3]
    assert records(store.db, "INC")[0].state == "mitigated"
    assert verify(store.path) == []


def test_a_note_of_a_megabyte_is_kept_whole(store):
    opened(store)
    text = "\N{PILE OF POO}\x00\n" * 333_333
    one(store, "incident.noted", "INC-1", {"text": text})
    assert events(store.db, ["INC-1"])[1].body == {"text": text}
    assert verify(store.path) == []


def test_half_characters_from_a_command_line_are_spelt_out_everywhere(store):
    actor = Actor("al\udcffice", "ho\udcffst", "opsctl note '\udcff'")
    one(store, "item.added", None, {"title": "a\udcff\ud83d"}, actor=actor)
    (event,) = events(store.db)
    assert event[4:7] == ("al\\udcffice", "ho\\udcffst", "opsctl note '\\udcff'")
    assert event.body == {"title": "a\\udcff\\ud83d"}
    assert records(store.db, "OPS")[0].title == "a\\udcff\\ud83d"
    assert verify(store.path) == []


@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=20), min_size=3, max_size=3))
def test_any_text_can_be_recorded_and_verified(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "opsctl.db"
    with open_store(path, write=True) as store:
        one(store, "item.added", None, {"title": texts[0], "text": texts[1]}, actor=Actor(*texts))
        assert len(records(store.db, "OPS")) == 1
    assert verify(path) == []


def test_numbers_are_counted_by_kind_and_never_given_again(store):
    assert opened(store) == (1, "INC-1")
    assert one(store, "item.added", None, {"title": "x"}) == (2, "OPS-1")
    assert opened(store) == (3, "INC-2")


def test_records_are_listed_in_the_order_of_their_numbers_by_state(store):
    for _ in range(11):
        opened(store)
    one(store, "incident.acknowledged", "INC-2")
    assert [record.number for record in records(store.db, "INC")] == list(range(1, 12))
    assert [record.number for record in records(store.db, "INC", ["acknowledged", "closed"])] == [2]
    assert records(store.db, "INC", ["closed"]) == []


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'eve'", "DELETE FROM events"])
def test_events_are_never_changed_by_sql(path, statement):
    with open_store(path, write=True) as store:
        opened(store)
    with pytest.raises(StoreError, match="events are append-only"), open_store(path, write=True) as store:
        store.db.execute(statement)


def test_a_number_that_was_cut_off_the_end_stays_missing(path):
    with open_store(path, write=True) as store:
        opened(store)
        one(store, "incident.noted", "INC-1", {"text": "cut"})
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER events_are_never_deleted")
        db.execute("DELETE FROM events WHERE id = 2")
        migrations_of(db)
    with open_store(path, write=True) as store:
        assert one(store, "incident.noted", "INC-1", {"text": "later"})[0] == 3
    assert verify(path) == ["event 2 is missing"]


def migrations_of(db):
    """Put the triggers back, as somebody would who covers his tracks."""
    fresh = sqlite3.connect(":memory:")
    migrations.m002_events(fresh)
    (sql,) = fresh.execute("SELECT sql FROM sqlite_schema WHERE name = 'events_are_never_deleted'").fetchone()
    fresh.close()
    db.execute(sql)


def test_a_store_of_the_first_schema_is_brought_up_to_date_with_a_backup_and_loses_nothing(
    path, keep, monkeypatch
):
    stood, results = first(path, keep, monkeypatch)
    assert schema(path) == 1
    with open_store(path, write=True) as store:
        assert opened(store) == (1, "INC-1")
        assert tables(store) == results
        assert standings(store) == stood
    assert schema(path) == len(migrations.MIGRATIONS)
    assert verify(path) == []
    before = path.with_name("opsctl.db.schema-1")
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, before.name]
    assert schema(before) == 1
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        with open_store(before, write=False) as store:
            assert tables(store) == results


def test_a_store_of_the_first_schema_is_brought_up_to_date_by_reading_it_too(path, keep, monkeypatch):
    first(path, keep, monkeypatch)
    with open_store(path, write=False) as store:
        assert events(store.db) == []
        assert list(standings(store)) == ["api/health", "db/port"]
    assert verify(path) == []


def test_a_migration_that_fails_leaves_the_store_of_the_first_schema_as_it_was(path, keep, monkeypatch):
    _, results = first(path, keep, monkeypatch)

    def failing(db):
        migrations.m002_events(db)
        raise sqlite3.OperationalError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(migrations, "MIGRATIONS", (migrations.MIGRATIONS[0], failing))
        with pytest.raises(StoreError, match="the power is gone"), open_store(path, write=True):
            pytest.fail("it opened")
    assert schema(path) == 1
    with open_store(path, write=True) as store:
        assert tables(store) == results
    assert verify(path) == []


def schema(path):
    with opening.connect(path, "ro", 1) as db:
        found = db.execute("PRAGMA user_version").fetchone()[0]
    db.close()
    return found


TABLES = (
    "checks",
    "rules",
    "runs",
    "results",
    "evidence",
    "standings",
    "spans",
    "hours",
    "heartbeats",
    "beats",
)


def first(path, keep, monkeypatch):
    """Make a store of the first schema with some results; what stands in it, and its rows."""
    with open_store(path.parents[1] / "new.db", write=True) as store:
        keep(store, "api/health", (10, "u"), (20, "d"), (30, "d"))
        keep(store, "db/port", (15, "u"))
        stood, rows = standings(store), tables(store)
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        with open_store(path, write=True) as store:
            for name, found in rows.items():
                slots = ", ".join("?" * len(columns(name)))
                store.db.executemany(f"INSERT INTO {name} VALUES ({slots})", found)
            assert tables(store) == rows
    return stood, rows


def tables(store):
    """Every row of the first schema, with the columns that it had."""
    return {
        name: store.db.execute(f"SELECT {', '.join(columns(name))} FROM {name}").fetchall() for name in TABLES
    }


def columns(table):
    with closing(sqlite3.connect(":memory:")) as db:
        migrations.m001_results(db)
        return [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
