"""Many processes at once, and processes that are killed: nothing lost, nothing torn."""

from __future__ import annotations

import os
import random
import signal
import time

from opsctl.outcome import State
from opsctl.store.latest import standings
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify

ROUNDS = 300 if os.environ.get("OPSCTL_LONG") else 10

RECORD = """
import sys
from pathlib import Path
from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record
path, worker, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
names = ["shared/check", f"own/{worker}"]
rules = dict.fromkeys(names, Rules(10_000, 1, 60))
print("ready", flush=True)
sys.stdin.read(1)
for number in range(rounds):
    with open_store(path, write=True) as store:
        found = [
            Result(name, 100, State.DOWN, Cause.REFUSED, "", None, 1, (), {}, {"x": "y" * 300})
            for name in names
        ]
        record(store, Run(100, 100, worker, str(number)), found, rules, lambda _: 1)
    print(number, flush=True)
"""


def runs(path):
    with open_store(path, write=False) as store:
        return store.db.execute("SELECT host, selector FROM runs").fetchall()


def test_sixteen_processes_that_record_at_once_lose_nothing_and_no_streak(path, start, release):
    workers, rounds = 16, 20
    children = [start(RECORD, path, worker, rounds) for worker in range(workers)]
    release(children)
    answers = [child.communicate() for child in children]
    assert answers == [("".join(f"{number}\n" for number in range(rounds)), "")] * workers
    assert sorted(runs(path)) == sorted((str(w), str(r)) for w in range(workers) for r in range(rounds))
    with open_store(path, write=False) as store:
        streaks = {name: (each.state, each.streak) for name, each in standings(store).items()}
    assert streaks == {"shared/check": (State.DOWN, workers * rounds)} | {
        f"own/{worker}": (State.DOWN, rounds) for worker in range(workers)
    }
    assert verify(path) == []


def test_processes_that_are_killed_lose_nothing_they_acknowledged(path, start, release):
    chance = random.Random(7)
    acknowledged = set()
    for attempt in range(ROUNDS):
        pair = [start(RECORD, path, f"{attempt}-{worker}", 100_000) for worker in "ab"]
        release(pair)
        # The moment is left to chance on purpose: it is what the kernel makes of it.
        time.sleep(chance.uniform(0.0, 0.15))
        for child in pair:
            child.send_signal(signal.SIGKILL)
        for worker, child in zip("ab", pair, strict=True):
            lines = child.communicate()[0].splitlines(keepends=True)
            acknowledged |= {(f"{attempt}-{worker}", line.strip()) for line in lines if line.endswith("\n")}
        assert verify(path) == []
    assert acknowledged
    assert acknowledged <= set(runs(path))
