"""HTTP on libcurl: one loop moves many transfers at once, and takes on more only when it is idle."""

from __future__ import annotations

import time
from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import pycurl

if TYPE_CHECKING:
    from collections.abc import Callable

# libcurl waits with select(), which cannot watch a descriptor above 1023, and the process has others.
MOST_AT_ONCE = 500
# A loop that is busy would measure its own queue instead of the servers.
_FIRST_AT_ONCE = 16
_IDLE = 0.001
_LONGEST_WAIT = 0.25


class Transfer(NamedTuple):
    """A prepared libcurl handle; `finish` is told libcurl's code (0 is success) and words."""

    handle: pycurl.Curl
    finish: Callable[[int, str], None]


class Loop:
    """Moves transfers until none is left. A transfer's `finish` may add further ones."""

    def __init__(self, at_once: int = MOST_AT_ONCE) -> None:
        self._multi = pycurl.CurlMulti()
        self._most = max(1, min(at_once, MOST_AT_ONCE))
        self._level = min(_FIRST_AT_ONCE, self._most)
        self._waiting: deque[Callable[[pycurl.Curl], Transfer | None]] = deque()
        self._later: list[tuple[float, int, Callable[[pycurl.Curl], Transfer | None]]] = []
        self._order = count()
        self._running: dict[pycurl.Curl, Transfer] = {}
        self._free: list[pycurl.Curl] = []
        self.alive_at = time.monotonic()
        """When the loop last went round (monotonic seconds), for whoever watches that it does."""

    def add(self, prepare: Callable[[pycurl.Curl], Transfer | None], *, after: float = 0.0) -> None:
        """Queue a transfer, to start no sooner than in `after` seconds.

        `prepare` sets up the handle when the transfer's turn has come, or answers None where it cannot.
        """
        if after > 0:
            heappush(self._later, (time.monotonic() + after, next(self._order), prepare))
        else:
            self._waiting.append(prepare)

    def run(self) -> None:
        """Return when every transfer has ended."""
        while self._waiting or self._later or self._running:
            self.alive_at = time.monotonic()
            self._admit()
            self._multi.perform()
            if not self._collect():
                self._wait()
        for handle in self._free:
            handle.close()
        self._multi.close()

    def _admit(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            self._waiting.append(heappop(self._later)[2])
        while self._waiting and len(self._running) < self._level:
            handle = self._free.pop() if self._free else pycurl.Curl()
            transfer = self._waiting.popleft()(handle)
            if transfer is None:
                self._free.append(handle)
                continue
            self._running[handle] = transfer
            self._multi.add_handle(handle)

    def _collect(self) -> bool:
        more, ended = 1, False
        while more:
            more, succeeded, failed = self._multi.info_read()
            for handle in succeeded:
                self._end(handle, 0, "")
            for handle, code, words in failed:
                self._end(handle, code, words)
            ended = ended or bool(succeeded or failed)
        return ended

    def _end(self, handle: pycurl.Curl, code: int, words: str) -> None:
        self._multi.remove_handle(handle)
        self._running.pop(handle).finish(code, words)
        handle.reset()
        self._free.append(handle)

    def _wait(self) -> None:
        if not self._running:
            if not self._waiting and self._later:
                time.sleep(max(0.0, self._later[0][0] - time.monotonic()))
            return
        if self._waiting and self._level < self._most:
            if self._multi.select(_IDLE) <= 0:
                self._level = min(self._most, self._level * 2)
            return
        longest = _LONGEST_WAIT
        if self._later:
            longest = min(longest, max(0.001, self._later[0][0] - time.monotonic()))
        if self._multi.select(longest) < 0:
            # No descriptor to watch yet: a name is being resolved.
            time.sleep(_IDLE)
