"""Named pipes that nobody writes to."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress


def pipe(path):
    """Make one; whoever waits at it is let go soon, so that red is a test that fails, not one that hangs."""
    os.mkfifo(path)
    threading.Thread(target=_let_go, args=(path,), daemon=True).start()


def _let_go(path):
    for _ in range(100):
        time.sleep(0.1)
        with suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
