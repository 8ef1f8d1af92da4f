"""SIGINT and SIGTERM held back while something must not be broken off between two of its steps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What each block of `signals_held` holds, the innermost last.
_holding: list[list[int]] = []


@contextmanager
def signals_held(tell: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """SIGINT and SIGTERM wait for the end of the block, which sees those that came, and may take them.

    `tell` is called as one comes. A handler that raises does so between any two steps: what a call has just
    answered is lost, be it a child that was started, which nobody could end, or a result. They are not
    blocked, as a child would inherit that; what this process ignores, it goes on to ignore. Only the main
    thread has any. What waits for the end of a block around this one is seen in this one already.
    """
    import signal
    import threading

    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def hold(number: int, _frame: object) -> None:
        came.append(number)
        tell()

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    _holding.append(came)
    try:
        for number in held:
            signal.signal(number, hold)
        for waiting in _taken(_holding[:-1]):
            hold(waiting, None)
        yield came
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        _holding[:] = [one for one in _holding if one is not came]
        if came:
            signal.raise_signal(came[0])


def _taken(outer: list[list[int]]) -> list[int]:
    """What the blocks around hold, which they no longer do."""
    numbers = [number for one in outer for number in one]
    for one in outer:
        one.clear()
    return numbers
