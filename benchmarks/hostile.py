"""Checks of peers that mean no good: how far they go beyond their deadline, and how much memory they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import certificates  # noqa: E402
import hostile  # noqa: E402
import hostile_peers  # noqa: E402
import pytest  # noqa: E402
from checks.probe import probe  # noqa: E402
from test_hostile_world import workspace  # noqa: E402

from opsctl.workspace import load_workspace  # noqa: E402

AT_ONCE = 8


def main() -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        made = certificates.make(folder)
        with hostile.serving() as ports:
            run("servers of HTTP, each check with a deadline of 1 s", folder, workspace(ports))
        with hostile_peers.serving(made.good, folder, patch) as world:
            run("peers of every type, each check with a deadline of 0.3 s", folder, world.text)
            argv = [sys.executable, __file__, str(folder)]
            late = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    print(f"{f'the latest of them, {AT_ONCE} at once, after its deadline':<60} {max(late):6.2f} s")
    print(f"{'99 of 100 of them':<60} {sorted(late)[len(late) * 99 // 100]:6.2f} s")


def run(what: str, folder: Path, text: str) -> None:
    (folder / "opsctl.yaml").write_text(text)
    argv = [sys.executable, "-m", "opsctl", "check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    subprocess.run([*argv, "--list"], cwd=folder, env=environment, capture_output=True, check=True)
    start = time.perf_counter() - started
    started = time.perf_counter()
    measured = [sys.executable, "-S", "-c", hostile.MEASURED, "used", *argv, "-o", "json"]
    done = subprocess.run(measured, cwd=folder, env=environment, capture_output=True, check=True)
    took = time.perf_counter() - started - start
    states = Counter(one["state"] for one in json.loads(done.stdout)["checks"])
    memory = int((folder / "used").read_text().split()[1]) / 1024
    print(f"{what}: {states.total()} checks at once, {states['up']} up")
    print(f"{'all of them, beyond start-up':<60} {took:6.2f} s")
    print(f"{'memory':<60} {memory:6.0f} MB")


def lateness(folder: Path) -> None:
    """How long after its deadline each check has ended, in seconds."""

    def look(check: object) -> float:
        started = time.monotonic()
        probe(check.kind, timeout=check.timeout, wanted=check.wanted, root=folder)  # type: ignore[attr-defined]
        return time.monotonic() - started - check.timeout  # type: ignore[attr-defined]

    services = load_workspace(folder, {}, light=True).services.values()
    checks = [check for service in services for check in service.checks]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        print(json.dumps(list(pool.map(look, checks))), flush=True)
    # Nobody waits for what was left behind.
    os._exit(0)


if __name__ == "__main__":
    lateness(Path(sys.argv[1])) if sys.argv[1:] else main()
