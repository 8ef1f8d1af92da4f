"""CPU of one HTTP check beside libcurl's own for the same request, without start-up: 10,000 of them less 1,000.

Each is shown with how many connections it made: curl keeps them unless it is told not to, opsctl makes one for each
check. The lowest of the rounds counts, as what else a machine does only adds to it; the programs take turns.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import servers
from ways import Way, by_bare_loop, counted, installed

FEW, MANY = 1_000, 10_000


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory() as name, servers.fast() as server, installed(Path(name)) as here:
        ways = [
            *(way for way in here if way.most >= MANY and "1000" not in way.name),
            Way("libcurl loop, new connections", by_bare_loop("fresh")),
            Way("libcurl loop, opsctl's options", by_bare_loop("opsctl")),
        ]
        costs: dict[tuple[str, int], list[float]] = {}
        connections: dict[str, int] = {}
        for _ in range(rounds):
            for way in ways:
                for number in (FEW, MANY):
                    found, seen = counted(way, Path(name), server, number)
                    costs.setdefault((way.name, number), []).append(found.cpu)
                    connections[way.name] = seen.connections
        each = {
            way.name: (min(costs[way.name, MANY]) - min(costs[way.name, FEW])) / (MANY - FEW) for way in ways
        }
    print(f"{'':<36}{'CPU each':>11}{'connections':>13}{'opsctl is':>12}")
    for way in ways:
        ratio = each[ways[0].name] / each[way.name]
        print(f"{way.name:<36}{1e6 * each[way.name]:8.0f} us{connections[way.name]:13,}{ratio:10.1f} x")


if __name__ == "__main__":
    main()
