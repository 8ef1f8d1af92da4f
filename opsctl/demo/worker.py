"""The shop's worker: adds up the sales, says by heartbeats that it does, and gives up at the first error."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.demo.goods import add_up
from opsctl.demo.program import environment, module

if TYPE_CHECKING:
    from types import FrameType

# Seconds between two rounds, and between two heartbeats while all is well.
ROUND = 0.5
BEAT = 20.0


def work(folder: Path) -> int:
    """Do rounds until one fails; the exit code. One line of output says that the first was well."""
    beaten = 0.0
    while True:
        try:
            add_up(folder)
        except sqlite3.Error as error:
            _say(folder, "fail", str(error))
            return 1
        if not beaten or time.monotonic() - beaten > BEAT:
            _say(folder, "ok", "")
            if not beaten:
                sys.stdout.write("ok\n")
                sys.stdout.flush()
            beaten = time.monotonic()
        time.sleep(ROUND)


def _say(folder: Path, signal_: str, message: str) -> None:
    import subprocess

    subprocess.run(
        [*module("opsctl"), "heartbeat", signal_, "worker", "-C", str(folder), "-m", message],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )


def end_with_the_starter() -> None:
    """End this process when whoever holds the other end of its standard input has ended, however."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    end_with_the_starter()
    sys.exit(work(Path(sys.argv[1])))
