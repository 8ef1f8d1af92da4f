"""What a store is, and everything in it as plain data."""

from __future__ import annotations

import json
import sqlite3

import pytest

from opsctl.errors import StoreError
from opsctl.outages import Rules
from opsctl.store import upkeep
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
from opsctl.store.upkeep import export, info


def test_a_store_says_what_it_is(path, keep):
    with open_store(path, write=True) as store:
        keep(store, "a", (10, "u"), (20.5, "d"))
        keep(store, "b", (15, "u"))
    found = info(path)
    assert found == upkeep.Info(
        path=path,
        size=path.stat().st_size,
        free=0,
        schema=9,
        journal="delete",
        sqlite=sqlite3.sqlite_version,
        first=10,
        last=20.5,
        rows={
            "checks": 2,
            "runs": 3,
            "results": 3,
            "evidence": 1,
            "shapes": 0,
            "spans": 3,
            "hours": 2,
            "heartbeats": 0,
            "beats": 0,
            "maintained": 0,
            "place_results": 0,
        },
        events=0,
        head="00" * 32,
    )


def test_an_empty_store_has_no_first_and_last(path):
    with open_store(path, write=True):
        pass
    assert info(path)[6:8] == (None, None)


def test_a_missing_store_is_nothing(path):
    with pytest.raises(StoreError, match="there is no store at"):
        info(path)


def test_every_result_is_exported_ready_for_json(path, keep):
    with open_store(path, write=True) as store:
        keep(store, "a", (1.5, "u"))
        keep(store, "b", (2, "d"), latency=None)
        rows = list(export(store))
    assert rows == json.loads(json.dumps(rows))
    assert rows == [
        {
            "id": 1,
            "run": 1,
            "check": "a",
            "at": 1.5,
            "state": "up",
            "cause": None,
            "message": "",
            "latency": 0.25,
            "attempts": 1,
        },
        {
            "id": 2,
            "run": 2,
            "check": "b",
            "at": 2,
            "state": "down",
            "cause": "status",
            "message": "status == 200 (found 502)",
            "latency": None,
            "attempts": 1,
            "judged": [["status == 200", False, "502", False]],
            "phases": {"connect": 0.01},
            "evidence": {"url": "http://x/"},
        },
    ]


def test_what_was_seen_is_exported_too(path, result):
    seen = {"status": 502, "json.a": [1.5, None, "x\ud800"], "exists": False}
    with open_store(path, write=True) as store:
        for at, one in enumerate((seen, {})):
            found = [result("a", at, "d")._replace(seen=one)]
            record(store, Run(at, at, "host", "a"), found, {"a": Rules(1, 1, 60)}, lambda _: 1)
        assert [each["seen"] for each in export(store)] == [seen, {}]


def test_an_export_that_is_read_slowly_keeps_nobody_from_writing(path, keep, monkeypatch):
    monkeypatch.setattr(upkeep, "_PAGE", 2)
    with open_store(path, write=True) as store:
        keep(store, "a", *((at, "u") for at in range(5)))
    with open_store(path, write=False) as store, open_store(path, write=True, timeout=0) as other:
        seen = []
        for row in export(store):
            seen.append(row["id"])
            keep(other, "a", (10 + len(seen), "u"))
    assert seen == [1, 2, 3, 4, 5]
