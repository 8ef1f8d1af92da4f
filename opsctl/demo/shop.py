"""`./shop` of the demo's workspace: run the shop, break it, and mend it."""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.demo import goods
from opsctl.demo.platform import HOST, running
from opsctl.demo.worker import end_with_the_starter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Never

READY = "The shop is open"
_PATIENCE = 10.0


def main(argv: Sequence[str]) -> int:
    """Do what one command line says; the exit code."""
    asked = _parser().parse_args(argv)
    verbs: dict[str, Callable[[], int]] = {
        "run": lambda: run(asked.folder, asked.web, asked.control, attached=asked.attached),
        "break": lambda: break_(asked.folder, asked.control),
        "restore": lambda: restore(asked.folder),
        "index": lambda: index(asked.folder),
    }
    try:
        return verbs[asked.verb]()
    except sqlite3.Error as error:
        sys.stderr.write(f"shop: {error}\n")
        return 1


def run(folder: Path, web: int, control: int, *, attached: bool) -> int:
    """Keep the shop open until somebody ends it; `attached` also when whoever started it has ended."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    if attached:
        end_with_the_starter()
    try:
        with running(folder, web, control):
            sys.stdout.write(f"{READY}: http://{HOST}:{web}/orders\n")
            sys.stdout.flush()
            threading.Event().wait()
    except OSError as error:
        words = f"port {web} or {control} cannot be used: {error.strerror}; is it open already?"
        sys.stderr.write(f"shop: {words}\n")
        return 1
    return 0


def break_(folder: Path, control: int) -> int:
    """Lose the table of orders, and wait until the worker has noticed."""
    goods.lose(folder)
    sys.stdout.write("dropped the table `orders`\n")
    until = time.monotonic() + _PATIENCE
    while _worker_runs(control) and time.monotonic() < until:
        time.sleep(0.1)
    return 0


def restore(folder: Path) -> int:
    """Bring the orders back."""
    sys.stdout.write(f"{goods.restore(folder)} orders are there, from {goods.BACKUP}\n")
    return 0


def index(folder: Path) -> int:
    """Make the page of orders fast."""
    goods.hasten(folder)
    sys.stdout.write("`orders` has its index, and the backup too\n")
    return 0


def _worker_runs(control: int) -> bool:
    connection = HTTPConnection(HOST, control, timeout=_PATIENCE)
    try:
        connection.request("GET", "/worker")
        return bool(json.load(connection.getresponse())["running"])
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shop",
        usage="./shop [run | break | restore | index]",
        description="The shop that this workspace looks after. Ctrl-C ends it.",
    )
    for name, kind in (("folder", Path), ("web", int), ("control", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("verb", nargs="?", default="run", choices=["run", "break", "restore", "index"])
    return parser


def _end(_number: int, _frame: FrameType | None) -> Never:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
