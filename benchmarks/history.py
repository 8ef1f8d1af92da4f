"""`status` and `history` on a million recorded results, beyond start-up; the store is made first (about a minute)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ENVIRONMENT

from opsctl.outages import Rules
from opsctl.outcome import Cause, State
from opsctl.records import Result
from opsctl.store.opening import open_store
from opsctl.store.results import Run, record

OPSCTL = str(Path(sys.executable).with_name("opsctl"))
CHECKS, RUNS, EVERY = 100, 10_000, 60.0
NOW = 1_800_000_000.0


def result(check: int, number: int, at: float) -> Result:
    down = (number + check * 97) % 1000 < 3
    return Result(
        f"s{check}/c",
        at,
        State.DOWN if down else State.UP,
        Cause.REFUSED if down else None,
        "connection refused" if down else "status == 200 (found 200)",
        None if down else 0.01 + (number * 7919 + check) % 997 / 10_000,
        1,
        (),
        {},
        {},
    )


def fill(folder: Path) -> None:
    services = "\n".join(f"  s{check}: {{checks: {{c: {{file: /, every: 1m}}}}}}" for check in range(CHECKS))
    (folder / "opsctl.yaml").write_text(f"version: 1\nname: Bench\nservices:\n{services}\n")
    rules = {f"s{check}/c": Rules(1, 1, EVERY * 2) for check in range(CHECKS)}
    with open_store(folder / ".opsctl" / "opsctl.db", write=True) as store:
        store.db.execute("PRAGMA synchronous = OFF")
        for number in range(RUNS):
            at = NOW - (RUNS - number) * EVERY
            found = [result(check, number, at) for check in range(CHECKS)]
            record(store, Run(at, at, "bench", "all"), found, rules, lambda _standings: 0)


def seconds(*arguments: str, folder: Path) -> float:
    started = time.perf_counter()
    environment = {**ENVIRONMENT, "OPSCTL_NOW": "2027-01-15T08:00:00Z"}
    subprocess.run([OPSCTL, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        fill(folder)
        size = (folder / ".opsctl" / "opsctl.db").stat().st_size / 1e6
        print(f"{CHECKS * RUNS:,} results recorded in {time.perf_counter() - started:.0f} s, {size:.0f} MB")
        for arguments in (["status"], ["history"], ["history", "s1/c", "--since", "30d"]):
            seconds(*arguments, folder=folder)
            median = statistics.median(seconds(*arguments, folder=folder) for _ in range(5))
            print(f"opsctl {' '.join(arguments):<24} {median:6.3f} s, the whole process")


if __name__ == "__main__":
    main()
