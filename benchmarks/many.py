"""Many HTTP checks as whole processes: 1,000 fast ones against a bare libcurl loop, slow ones, 10,000, and loading."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import servers
from environment import ENVIRONMENT

OPSCTL = str(Path(sys.executable).with_name("opsctl"))
BARE = str(Path(__file__).with_name("bare.py"))


def seconds(argv: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def median(argv: list[str], folder: Path, rounds: int = 5) -> float:
    seconds(argv, folder)
    return statistics.median(seconds(argv, folder) for _ in range(rounds))


def workspace(folder: Path, url: str, number: int) -> Path:
    """A workspace of `number` checks in services of ten, spread over files as a team would."""
    (folder / "services").mkdir(parents=True, exist_ok=True)
    (folder / "opsctl.yaml").write_text("version: 1\nname: Bench\n")
    for file in range(0, number, 1000):
        lines = ["services:"]
        for service in range(file, min(file + 1000, number), 10):
            lines.append(f"  s{service}:\n    owner: bench\n    checks:")
            lines += [
                f"      c{check}: {{http: '{url}', expect: [status == 200]}}"
                for check in range(min(10, number - service))
            ]
        (folder / "services" / f"{file}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def large(folder: Path) -> Path:
    """1,000 services with 3,000 checks of three types in one-file-a-hundred, to load and validate."""
    (folder / "services").mkdir(parents=True)
    (folder / "opsctl.yaml").write_text("version: 1\nname: Bench\n")
    for file in range(10):
        lines = ["services:"]
        for service in range(100):
            name = f"s{file}-{service}"
            lines += [
                f"  {name}:\n    owner: team-{service % 7}\n    tier: high\n    tags: [prod]\n    checks:",
                f"      health: {{http: 'https://{name}.example.com/healthz', expect: [status == 200, latency < 500ms]}}",
                f"      certificate: {{tls: '{name}.example.com:443', expect: [expires_in > 14d]}}",
                f"      port: {{tcp: '{name}.example.com:443'}}",
            ]
        (folder / "services" / f"{file}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        with servers.fast() as server:
            one = median([OPSCTL, "check"], workspace(top / "one", server.url, 1))
            bare = median([sys.executable, BARE, server.url, "1000", "64"], top)
            many = median([OPSCTL, "check"], workspace(top / "many", server.url, 1000))
            print(f"bare libcurl loop, 1,000 requests    {bare:6.3f} s")
            print(f"opsctl check, 1 check                {one:6.3f} s")
            print(
                f"opsctl check, 1,000 checks           {many:6.3f} s  {many / (bare + one):5.2f} x (bare loop + start-up)"
            )
            ten = median([OPSCTL, "check"], workspace(top / "ten", server.url, 10_000), rounds=1)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"opsctl check, 10,000 checks          {ten:6.3f} s  {ten / many:5.2f} x 1,000 checks, peak {peak:.0f} MiB"
            )
        with servers.slow(0.2) as server:
            slow = median([OPSCTL, "check"], workspace(top / "slow", server.url, 1000), rounds=3)
        print(f"opsctl check, 1,000 checks at 200 ms {slow:6.3f} s")
        floor = median([OPSCTL, "--version"], top)
        load = median([OPSCTL, "validate"], large(top / "large"))
        print(f"opsctl validate, 3,000 checks        {load:6.3f} s  {load - floor:6.3f} s beyond `--version`")


if __name__ == "__main__":
    main()
