"""A thousand routines: what `opsctl routine due`, `next` and a run with nothing due take beyond start-up."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ENVIRONMENT

OPSCTL = str(Path(sys.executable).with_name("opsctl"))
ROUTINES = 1000
TIMES = (
    "daily at 09:00",
    "weekdays at 14:00",
    "first monday of the month at 10:00",
    "every 90d",
    "0 9 * * 1-5",
)


def fill(folder: Path) -> None:
    lines = "\n".join(
        f"  r{number}: {{title: R{number}, schedule: {TIMES[number % 5]!r}, steps: [{{sign: anyone, text: Done}}]}}"
        for number in range(ROUTINES)
    )
    (folder / "opsctl.yaml").write_text(
        "version: 1\nname: Bench\ntimezone: Europe/Berlin\nservices: {a: {checks: {c: {file: /}}}}\n"
        f"routines:\n{lines}\n"
    )


def seconds(*arguments: str, folder: Path, now: str) -> float:
    started = time.perf_counter()
    environment = {**ENVIRONMENT, "OPSCTL_NOW": now}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode in {0, 1, 4}, done.stderr[-300:]
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        first, then, week = "2026-11-20T07:00:00Z", "2026-11-20T08:05:00Z", "2026-11-27T07:00:00Z"
        seconds(OPSCTL, "routine", "run", "--due", folder=folder, now=first)
        seconds(OPSCTL, "routine", "run", "--due", folder=folder, now=then)
        anew = statistics.median(seconds(OPSCTL, "validate", folder=folder, now=then) for _ in range(3))
        print(f"{'reading the workspace anew':<40} {anew:6.2f} s")
        start = statistics.median(
            seconds(OPSCTL, "runbook", "list", folder=folder, now=then) for _ in range(3)
        )
        print(f"{'start-up: opsctl runbook list':<40} {start:6.2f} s")
        for words, now in (
            (("routine", "due"), then),
            (("routine", "due"), week),
            (("routine", "next"), then),
            (("routine", "run", "--due", "--quiet"), then),
        ):
            took = statistics.median(seconds(OPSCTL, *words, folder=folder, now=now) for _ in range(3))
            print(f"{'opsctl ' + ' '.join(words):<40} {took:6.2f} s, {took - start:6.2f} s beyond start-up")


if __name__ == "__main__":
    main()
