"""Checks of servers that mean no good: how far they go beyond their deadline, and how much memory they take."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import hostile  # noqa: E402
from test_hostile_world import workspace  # noqa: E402

OPSCTL = str(Path(sys.executable).with_name("opsctl"))


def main() -> None:
    with tempfile.TemporaryDirectory() as name, hostile.serving() as ports:
        folder = Path(name)
        (folder / "opsctl.yaml").write_text(workspace(ports))
        started = time.perf_counter()
        subprocess.run([OPSCTL, "check", "--list"], cwd=folder, capture_output=True, check=True)
        start = time.perf_counter() - started
        started = time.perf_counter()
        done = subprocess.run(
            [OPSCTL, "check", "-o", "json"], cwd=folder, env=os.environ, capture_output=True, check=False
        )
        took = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        states = [one["state"] for one in json.loads(done.stdout)["checks"]]
    print(f"{len(states)} checks at once, each with a deadline of 1 s: {states.count('up')} up")
    print(f"{'start-up':<40} {start:6.2f} s")
    print(f"{'all of them, beyond start-up':<40} {took - start:6.2f} s")
    print(f"{'memory':<40} {memory:6.0f} MB")


if __name__ == "__main__":
    main()
