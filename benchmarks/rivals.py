"""The same requests by opsctl, goss, blackbox_exporter, `curl --parallel` and check_http, where those are installed.

A program that is not on the path is named by GOSS, BLACKBOX_EXPORTER, CURL or CHECK_HTTP. A round counts only where
the program ended with 0 and the server had as many requests as it should. Of each figure the lowest of the rounds is
shown, as what else a machine does only adds to it; the programs take turns, so that it adds to all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import servers
from many import OPSCTL
from ways import Cost, FailedError, Way, blackbox, cost, counted, found, installed

DELAY = 0.2
# What serves blackbox_exporter best: more of the quick ones only wait for each other.
QUICKLY_AT_ONCE, SLOWLY_AT_ONCE = 16, 500
TITLE = f"{'':<36}{'wall':>10}{'requests':>11}{'CPU each':>12}{'its client':>12}{'memory':>10}{'connections':>13}{'to the first':>14}"


def show(way: Way, number: int, rounds: list[tuple[Cost, servers.Seen]], first: float) -> None:
    wall, cpu, memory, client = (min(figures) for figures in zip(*(one for one, _ in rounds), strict=True))
    print(
        f"{way.name:<36}{wall:8.3f} s{number / wall:9.0f}/s{1e6 * cpu / number:9.0f} us"
        f"{1e6 * client / number:9.0f} us{memory:6.0f} MiB{min(seen.connections for _, seen in rounds):13}"
        f"{wall / first:12.2f} x"
    )


def compare(folder: Path, server: servers.Server, number: int, rounds: int, only: list[str]) -> None:
    print(TITLE)
    with installed(folder, SLOWLY_AT_ONCE if server.delay else QUICKLY_AT_ONCE) as ways:
        results: dict[Way, list[tuple[Cost, servers.Seen]]] = {
            way: []
            for way in ways
            if number <= way.most
            and (server.delay == 0 or way.slow)
            and (not only or any(word in way.name for word in only))
        }
        for _ in range(rounds):
            for way, counting in results.items():
                try:
                    counting.append(counted(way, folder, server, number))
                except FailedError as failed:
                    print(f"{way.name:<36}a round that does not count: {failed}")
    first = 0.0
    for way, counting in results.items():
        if counting:
            first = first or min(one.wall for one, _ in counting)
            show(way, number, counting, first)


def starts(folder: Path, rounds: int) -> None:
    """How long each takes before it does anything: its version, or for a server until it listens."""
    programs = {"opsctl": OPSCTL, "goss": found("GOSS", "goss"), "curl": found("CURL", "curl")}
    for name, program in programs.items():
        if program:
            best = min(cost([program, "--version"], folder) for _ in range(rounds))
            print(f"{name + ' --version':<36}{best.wall:8.3f} s{best.memory:32.0f} MiB")
    if exporter := found("BLACKBOX_EXPORTER", "blackbox_exporter", "prometheus-blackbox-exporter"):
        took = []
        for _ in range(rounds):
            began = time.perf_counter()
            with blackbox(exporter, folder, 1):
                took.append(time.perf_counter() - began)
        print(f"{'blackbox_exporter, until it listens':<36}{min(took):8.3f} s")


def main() -> None:
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("--rounds", type=int, default=5)
    wanted.add_argument("--slow-rounds", type=int, default=2)
    wanted.add_argument("--fast", type=int, nargs="*", default=[1, 100, 1000, 10_000], metavar="CHECKS")
    wanted.add_argument("--slow", type=int, nargs="*", default=[1, 100, 1000], metavar="CHECKS")
    wanted.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="programs with one of these words"
    )
    given = wanted.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        print("start-up:")
        starts(folder, given.rounds)
        quick, late = stack.enter_context(servers.fast()), stack.enter_context(servers.slow(DELAY))
        for number in given.fast:
            print(f"\n{number:,} checks, answered at once:")
            compare(folder, quick, number, given.rounds, given.only)
        for number in given.slow:
            print(f"\n{number:,} checks, answered after {1000 * DELAY:.0f} ms:")
            compare(folder, late, number, given.slow_rounds, given.only)


if __name__ == "__main__":
    main()
