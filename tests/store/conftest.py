"""What the store's tests share: a path, results in few words, and processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import opsctl
from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Judged, Result
from opsctl.store.recorded import result_of
from opsctl.store.results import Run, record

ROOT = Path(opsctl.__file__).parents[1]
LAST = """
    SELECT c.name, r.at, r.state, r.cause, r.message, r.latency, r.attempts, e.body
    FROM json_each(?) AS wanted
    JOIN checks AS c ON c.name = wanted.value
    JOIN standings AS st ON st.check_id = c.id
    JOIN results AS r ON r.id = st.result_id
    LEFT JOIN evidence AS e ON e.result_id = r.id
"""
SIMPLE = Rules(fail_after=1, ok_after=1, lapse=60)
SHORT = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN, "?": State.UNKNOWN}


@pytest.fixture
def path(tmp_path):
    """Where a store would be; nothing is there yet."""
    return tmp_path / "ops" / "opsctl.db"


@pytest.fixture
def result():
    """A result: `result("api", 60, "d")` is down at 60 seconds; u, g, d, ? stand for the states."""

    def make(check, at, state, latency=0.25, message=None):
        found = SHORT[state]
        bad = not found.good
        return Result(
            check,
            at,
            found,
            Cause.STATUS if bad else None,
            ("status == 200 (found 502)" if bad else "") if message is None else message,
            latency,
            1,
            (Judged("status == 200", not bad, "502" if bad else "200"),),
            {"connect": 0.01},
            {"url": "http://x/"},
        )

    return make


@pytest.fixture
def keep(result):
    """Record the states of one check: `keep(store, "api", (0, "u"), (60, "d"))`, a run each."""

    def kept(store, check, *seen, rules=SIMPLE, latency=0.25):
        standings = {}
        for at, state in seen:
            found = [result(check, at, state, latency)]
            standings = record(store, Run(at, at, "host", check), found, {check: rules}, lambda _: 0)
        return standings.get(check)

    return kept


@pytest.fixture
def last_results():
    """The latest result of each of the checks that has one, by name, as the store has it."""

    def found(store, names):
        return {row[0]: result_of(row) for row in store.db.execute(LAST, (json.dumps(names),))}

    return found


@pytest.fixture
def release():
    """Let processes that said `ready` and wait for a byte go on, all at once."""

    def released(children):
        assert [child.stdout.readline() for child in children] == ["ready\n"] * len(children)
        for child in children:
            child.stdin.write("x")
            child.stdin.flush()

    return released


@pytest.fixture
def start():
    """Start Python on a script with arguments, its output in pipes; what still runs is killed in the end."""
    children = []

    def started(script, *args, **options):
        child = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, args)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        children.append(child)
        return child

    yield started
    for child in children:
        child.kill()
        child.communicate()
