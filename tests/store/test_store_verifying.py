"""Verifying: a sound store has nothing to report, and each thing that is wrong has its line."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from opsctl.errors import StoreError
from opsctl.outages import Rules
from opsctl.store import replay
from opsctl.store.opening import open_store
from opsctl.store.pruning import prune
from opsctl.store.results import Run, record
from opsctl.store.verifying import verify

pytestmark = pytest.mark.usefixtures("no_power_cut")
NAMES = ("api/health", "web/page")


@pytest.fixture
def store(path, result):
    """Two checks that go through everything for two and a half hours."""
    with open_store(path, write=True) as opened:
        for at in range(0, 9000, 60):
            found = [
                result(name, at, "uud?dgu"[at // 60 % 7])._replace(seen={"status": at}) for name in NAMES
            ]
            rules = dict.fromkeys(NAMES, Rules(3, 2, 60))
            record(opened, Run(at, at, "host", "all"), found, rules, lambda _: 0)
    return path


def altered(path, statement):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)
    db.close()
    return verify(path)


def test_a_sound_store_has_nothing_to_report(store):
    assert verify(store) == []


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        (
            "UPDATE standings SET state = 0, seen = 0 WHERE check_id = 2",
            ["check `web/page`: what stands does not follow from its results"],
        ),
        (
            "UPDATE standings SET result_id = 1 WHERE check_id = 2",
            ["check `web/page`: what stands does not follow from its results"],
        ),
        (
            "DELETE FROM standings WHERE check_id = 1",
            ["check `api/health`: what stands does not follow from its results"],
        ),
        (
            "UPDATE spans SET state = 0 WHERE check_id = 1 AND state = 3",
            ["check `api/health`: its spans do not follow from its results"],
        ),
        (
            "UPDATE spans SET started = started - 1 WHERE check_id = 1",
            ["check `api/health`: its spans do not follow from its results"],
        ),
        (
            "DELETE FROM spans WHERE check_id = 2 AND state = 2",
            ["check `web/page`: its spans do not follow from its results"],
        ),
        (
            "UPDATE hours SET up = up + 1 WHERE check_id = 1 AND hour = 1",
            ["1 rows of the hourly roll-up do not follow from the results"],
        ),
        (
            "UPDATE hours SET latencies = x''",
            ["6 rows of the hourly roll-up do not follow from the results"],
        ),
        ("DELETE FROM runs WHERE id = 1", ["2 results belong to no run"]),
        (
            "UPDATE evidence SET result_id = 100000 WHERE result_id = (SELECT max(result_id) FROM evidence)",
            ["row 100000 of evidence points to a row of results that is not there"],
        ),
        ("UPDATE shapes SET id = 9", ["300 results have values of nobody knows what"]),
        ("UPDATE results SET seen = '[1, 2]' WHERE id = 3", ["1 results have values of nobody knows what"]),
        ("UPDATE shapes SET subjects = 'x'", ["300 results have values of nobody knows what"]),
        ("UPDATE results SET seen = '[1' WHERE id = 3", ["1 results have values of nobody knows what"]),
        ("UPDATE results SET seen = NULL WHERE id < 3", ["2 results have values of nobody knows what"]),
    ],
)
def test_what_does_not_follow_is_named(store, statement, problems):
    assert altered(store, statement) == problems


def test_results_of_older_versions_have_no_values(store):
    assert altered(store, "UPDATE results SET seen = NULL, shape_id = NULL WHERE id < 100") == []


PLACE = "INSERT INTO place_results VALUES ('{}', 'rome', {}, 3, {}, {}, '')"


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (("web/page", 5000, "'refused'", "NULL"), []),
        (("gone/page", 5000, "NULL", 0), []),
        (("web/page", -1, "NULL", "NULL"), ["1 results of other places are none"]),
        (("web/page", 1, "'tired'", "NULL"), ["1 results of other places are none"]),
        (("web/page", 1, "NULL", -1), ["1 results of other places are none"]),
        (("", 1, "NULL", 1), ["1 results of other places are none"]),
        (("web/page", 9_300_000, "NULL", 1), []),
        (
            ("web/page", 9_300_001, "NULL", 1),
            ["1 results of place `rome` lie in the future, by up to 5m; is the clock right?"],
        ),
    ],
)
def test_results_of_other_places_are_some_and_of_the_past(store, row, problems):
    altered(store, PLACE.format(*row))
    assert verify(store, 9000) == problems
    assert verify(store) == [one for one in problems if "future" not in one]


def test_a_result_that_was_made_green_by_hand_is_found(store):
    problems = altered(store, "UPDATE results SET state = 0 WHERE check_id = 1 AND state = 3")
    assert problems == [
        "check `api/health`: what stands does not follow from its results",
        "check `api/health`: its spans do not follow from its results",
        "3 rows of the hourly roll-up do not follow from the results",
    ]


def test_a_file_that_is_no_database_is_one_problem(path):
    path.parent.mkdir()
    path.write_bytes(b"junk" * 500)
    (problem,) = verify(path)
    assert problem.startswith(f"the store {path} is not a SQLite file; ")


def test_a_damaged_page_is_found_wherever_it_is(store):
    sound = store.read_bytes()
    for page in range(1, len(sound) // 4096):
        store.write_bytes(sound[: page * 4096] + b"\xa5" * 4096 + sound[(page + 1) * 4096 :])
        assert verify(store)
    store.write_bytes(sound)
    assert verify(store) == []


def test_a_missing_store_cannot_be_verified(path):
    with pytest.raises(StoreError, match=r"there is no store at .*; `opsctl check` makes one"):
        verify(path)


def test_a_store_of_another_program_or_a_newer_opsctl_cannot_be_verified(store):
    with pytest.raises(StoreError, match="written by a newer opsctl"):
        altered(store, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="of another program"):
        altered(store, "PRAGMA application_id = 99")


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something done while results are replayed, twenty of them a page."""

    def have(done, *, times):
        follow, left = replay._follow, [done] * times

        def interrupted(*args):
            if left:
                left.pop()()
            return follow(*args)

        monkeypatch.setattr(replay, "_PAGE", 20)
        monkeypatch.setattr(replay, "_follow", interrupted)
        return left

    return have


def test_what_is_recorded_while_a_store_is_verified_is_no_problem(store, result, meanwhile):
    def another():
        with open_store(store, write=True) as other:
            found = [result("api/health", 9000, "d")]
            record(other, Run(0, 0, "", ""), found, {"api/health": Rules(3, 2, 60)}, lambda _: 0)

    left = meanwhile(another, times=30)
    assert verify(store) == []
    assert left == []


def test_what_is_pruned_while_a_store_is_verified_is_no_problem(store, meanwhile):
    def shorter():
        with open_store(store, write=True) as other:
            prune(other, 9000, keep_passes=3000, keep_failures=3000, keep_rollups=9000)

    left = meanwhile(shorter, times=1)
    assert verify(store) == []
    assert left == []
