"""Decisions of many processes at once, and of processes that are killed: nothing lost, no number twice."""

from __future__ import annotations

import os
import random
import signal
import time

from opsctl.store.ledger import events, records
from opsctl.store.opening import open_store
from opsctl.store.verifying import verify

ROUNDS = 300 if os.environ.get("OPSCTL_LONG") else 10

DECIDE = """
import sys
from pathlib import Path
from opsctl.ledger.events import Actor
from opsctl.store.ledger import deciding
from opsctl.store.opening import open_store
path, worker, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.read(1)
for number in range(rounds):
    with open_store(path, write=True) as store:
        with deciding(store, Actor(worker, "host", "opsctl"), 1000.0 + number) as ledger:
            subject = ledger.name("INC")
            body = {"title": f"{worker}/{number}", "severity": "sev2", "services": ["x" * 300]}
            ledger.append("incident.opened", subject, body)
            ledger.append("incident.noted", subject, {"text": f"{worker}/{number}"})
            if ledger.get("INC-1") is not None:
                ledger.append("incident.updated", "INC-1", {"text": f"{worker}/{number}"})
    print(f"{subject} {number}", flush=True)
"""


def kept(path):
    with open_store(path, write=False) as store:
        return records(store.db, "INC"), events(store.db)


def test_sixteen_processes_that_open_and_update_at_once_lose_nothing_and_give_no_number_twice(
    path, start, release
):
    workers, rounds = 16, 10
    children = [start(DECIDE, path, worker, rounds) for worker in range(workers)]
    release(children)
    answers = [child.communicate() for child in children]
    assert [error for _, error in answers] == [""] * workers
    named = [line.split()[0] for out, _ in answers for line in out.splitlines()]
    assert len(named) == workers * rounds
    incidents, log = kept(path)
    assert sorted(named) == sorted(one.subject for one in incidents)
    assert [one.number for one in incidents] == list(range(1, workers * rounds + 1))
    expected = {f"{worker}/{number}" for worker in range(workers) for number in range(rounds)}
    assert {one.title for one in incidents} == expected
    assert {one.body["text"] for one in log if one.kind == "incident.updated"} == expected
    assert verify(path) == []


def test_processes_that_are_killed_while_they_decide_keep_whole_commands_only(path, start, release):
    chance = random.Random(11)
    acknowledged = set()
    for attempt in range(ROUNDS):
        pair = [start(DECIDE, path, f"{attempt}-{worker}", 100_000) for worker in "ab"]
        release(pair)
        # Every other time somebody has decided something, however slow the machine is.
        heard = os.read(pair[0].stdout.fileno(), 65_536).decode() if attempt % 2 else ""
        # The moment is left to chance on purpose: it is what the kernel makes of it.
        time.sleep(chance.uniform(0.0, 0.15))
        for child in pair:
            child.send_signal(signal.SIGKILL)
        for worker, child, before in zip("ab", pair, (heard, ""), strict=True):
            lines = (before + child.communicate()[0]).splitlines(keepends=True)
            whole = [line.split()[1] for line in lines if line.endswith("\n")]
            acknowledged |= {f"{attempt}-{worker}/{number}" for number in whole}
        assert verify(path) == []
    incidents, log = kept(path)
    assert acknowledged
    assert acknowledged <= {one.title for one in incidents}
    # Of each command all of it is there: what was opened was noted, too.
    assert {one.title for one in incidents} == {
        one.body["text"] for one in log if one.kind == "incident.noted"
    }
