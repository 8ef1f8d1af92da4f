"""Whoever changes the log or what follows from it is found out, whatever he changes."""

from __future__ import annotations

import sqlite3

import pytest
from decisions import ALICE, command, one, opened

from opsctl.ledger.events import Actor, Event, canonical, seal
from opsctl.store.chain import head
from opsctl.store.opening import open_store
from opsctl.store.undoing import undo
from opsctl.store.verifying import verify


@pytest.fixture
def log(path):
    """Six events: INC-1 opened, a note, acknowledged, OPS-1 added, the acknowledgement undone, a note."""
    with open_store(path, write=True) as store:
        opened(store)
        one(store, "incident.noted", "INC-1", {"text": "first"})
        one(store, "incident.acknowledged", "INC-1")
        one(store, "item.added", None, {"title": "Alert"})
        with command(store) as ledger:
            undo(ledger, 3)
        one(store, "incident.noted", "INC-1", {"text": "last"})
    assert verify(path) == []
    return path


def tamper(path, *statements):
    """As somebody would who has the file and SQLite, and puts the triggers back afterwards."""
    db = sqlite3.connect(path)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(*((statement,) if isinstance(statement, str) else statement))
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()
    return verify(path)


@pytest.mark.parametrize(
    "change",
    [
        "command = 1", "recorded = recorded + 1", "occurred = occurred - 1", "actor = 'eve'", "host = 'x'",
        "words = ''", "kind = 'incident.noted'", "subject = 'INC-2'", """body = '{"text":"x"}'""", "body = '{ }'",
        "body = '{}{'", "body = 'NaN'", "body = '[]'", "body = '5'", "body = ''", "body = replace(hex(zeroblob(9999)), '0', '[')",
        "actor = CAST(x'ff' AS TEXT)", "body = CAST(x'7bff7d' AS TEXT)", r"""body = '{"\ud800":1}'""",
        "recorded = 9223372036854775807", "occurred = -9223372036854775808",
    ],
)  # fmt: skip
def test_a_change_of_any_column_is_found(log, change):
    assert tamper(log, f"UPDATE events SET {change} WHERE id = 3") == [
        "event 3 was changed after it was recorded"
    ]


def test_a_changed_seal_breaks_the_event_and_the_next(log):
    assert tamper(log, "UPDATE events SET digest = zeroblob(32) WHERE id = 3") == [
        "event 3 was changed after it was recorded",
        "event 4 does not follow from the one before it",
    ]


def test_an_event_that_is_sealed_anew_breaks_the_next(log):
    db = sqlite3.connect(log)
    (previous,) = db.execute("SELECT digest FROM events WHERE id = 2").fetchone()
    db.close()
    forged = Event(3, 3, 1000.0, 1000.0, *Actor("eve", *ALICE[1:]), "incident.acknowledged", "INC-1", {})
    change = ("UPDATE events SET actor = 'eve', digest = ? WHERE id = 3", (seal(previous, forged),))
    assert tamper(log, change) == ["event 4 was changed after it was recorded"]


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ("id = 1", ["event 1 is missing"]),
        ("id = 3", ["event 3 is missing"]),
        ("id = 6", ["event 6 is missing"]),
        ("id IN (2, 3, 4)", ["events 2 to 4 are missing"]),
        ("id IN (2, 4)", ["event 2 is missing", "event 4 is missing"]),
        ("id > 4", ["events 5 to 6 are missing"]),
        ("1", ["events 1 to 6 are missing"]),
    ],
)
def test_events_that_were_taken_out_are_missed(log, gone, found):
    assert tamper(log, f"DELETE FROM events WHERE {gone}") == found


def test_events_in_another_order_are_found(log):
    swap = [f"UPDATE events SET id = {new} WHERE id = {old}" for old, new in ((2, 99), (4, 2), (99, 4))]
    assert tamper(log, *swap)[0] == "event 2 was changed after it was recorded"


def test_a_gap_that_is_closed_by_renumbering_is_found(log):
    closed = (
        "DELETE FROM events WHERE id = 2",
        *(f"UPDATE events SET id = {n} WHERE id = {n + 1}" for n in range(2, 6)),
    )
    assert tamper(log, *closed)[0] == "event 2 was changed after it was recorded"


def test_an_event_that_was_put_in_is_found(log):
    forged = (
        "INSERT INTO events SELECT 7, 7, recorded, occurred, 'eve', host, words, kind, subject, body, digest"
        " FROM events WHERE id = 6"
    )
    assert tamper(log, forged) == ["event 7 was changed after it was recorded"]


def test_a_count_that_was_turned_back_is_found(log):
    assert tamper(log, "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'events'") == [
        "the count of events was changed"
    ]
    assert tamper(log, "DELETE FROM sqlite_sequence WHERE name = 'events'") == [
        "the count of events was changed"
    ]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM undos", "the undone commands do not follow from the events"),
        ("UPDATE undos SET undone = 4", "the undone commands do not follow from the events"),
        ("INSERT INTO undos VALUES (6, 1)", "the undone commands do not follow from the events"),
        ("UPDATE numbers SET last = 0 WHERE prefix = 'INC'",
         "the last number of INC does not follow from the events, and one may be given again"),
        ("UPDATE numbers SET last = 9 WHERE prefix = 'OPS'",
         "the last number of OPS does not follow from the events, and one may be given again"),
        ("DELETE FROM numbers WHERE prefix = 'OPS'",
         "the last number of OPS does not follow from the events, and one may be given again"),
        ("DELETE FROM incidents", "INC-1: its record does not follow from its events"),
        ("UPDATE incidents SET document = json_set(document, '$.severity', 'sev4')",
         "INC-1: its record does not follow from its events"),
        ("UPDATE incidents SET document = json_remove(document, '$.severity')",
         "INC-1: its record does not follow from its events"),
        ("UPDATE incidents SET document = '{\"state\":\"closed\",' || substr(document, 2)",
         "INC-1: its record does not follow from its events"),
        ("UPDATE incidents SET document = json_set(document, '$.more', 1)",
         "INC-1: its record does not follow from its events"),
        ("UPDATE items SET document = '[]'", "OPS-1: its record does not follow from its events"),
        ("INSERT INTO items (subject, document) SELECT 'OPS-2', document FROM items",
         "OPS-2: its record does not follow from its events"),
    ],
)  # fmt: skip
def test_a_change_of_what_follows_from_the_events_is_found(log, statement, found):
    assert tamper(log, statement) == [found]


def test_triggers_that_are_gone_or_harmless_are_found(log):
    db = sqlite3.connect(log)
    db.execute("DROP TRIGGER events_are_never_deleted")
    db.execute("DROP TRIGGER events_are_never_changed")
    db.execute("CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events BEGIN SELECT 1; END")
    db.execute("CREATE TRIGGER quiet AFTER INSERT ON items BEGIN DELETE FROM items; END")
    db.commit()
    db.close()
    words = "somebody has worked on the store without opsctl"
    assert verify(log) == [
        f"the trigger events_are_never_changed was changed: {words}",
        f"the trigger events_are_never_deleted is missing: {words}",
        f"the trigger quiet is not opsctl's: {words}",
    ]


def test_many_changes_are_summed_up(path):
    with open_store(path, write=True) as store:
        opened(store)
        with command(store) as ledger:
            for number in range(30):
                ledger.append("incident.noted", "INC-1", {"text": str(number)})
    found = tamper(path, "UPDATE events SET actor = 'eve'")
    assert len(found) == 21
    assert found[-1] == "and 11 more events"


def test_a_record_that_an_older_opsctl_kept_with_fewer_fields_is_sound(log):
    assert tamper(log, """UPDATE items SET document = replace(document, '"reason":null,', '')""") == []


@pytest.mark.parametrize(
    ("kind", "subject", "body", "found"),
    [
        ("item.unheard_of", "OPS-1", {}, "OPS-1: its events make no record (KeyError: 'item.unheard_of')"),
        ("item.done", "OPS-9", {}, "OPS-9: its events make no record (TypeError: "),
        ("thing.made", "THG-1", {}, "THG-1: this opsctl knows no such subject"),
        ("command.undone", "CMD-2", {}, "an undo names no command"),
        ("command.undone", "CMD-2", {"command": [2]}, "an undo names no command"),
    ],
)
def test_an_event_that_is_sealed_well_and_makes_no_sense_is_found(log, kind, subject, body, found):
    db = sqlite3.connect(log)
    (previous,) = db.execute("SELECT digest FROM events WHERE id = 6").fetchone()
    event = Event(7, 7, 1.0, 1.0, *ALICE, kind, subject, body)
    db.execute(
        "INSERT INTO events VALUES (7, 7, 1000, 1000, ?, ?, ?, ?, ?, ?, ?)",
        (*ALICE, kind, subject, canonical(body), seal(previous, event)),
    )
    db.commit()
    db.close()
    assert any(line.startswith(found) for line in verify(log))


def test_the_head_tells_a_log_from_one_that_was_cut(log):
    with open_store(log, write=False) as store:
        count, digest = head(store.db)
        (last,) = store.db.execute("SELECT hex(digest) FROM events WHERE id = 6").fetchone()
    assert (count, digest) == (6, last.lower())
    # A whole store of an earlier time is sound by itself; who noted the head sees that it is not this one.
    tamper(log, "DELETE FROM events WHERE id = 6", "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'events'")
    assert verify(log) == []
    with open_store(log, write=False) as store:
        assert head(store.db) != (count, digest)


def test_an_empty_log_has_a_head(path):
    with open_store(path, write=True) as store:
        assert head(store.db) == (0, "0" * 64)
    assert verify(path) == []
