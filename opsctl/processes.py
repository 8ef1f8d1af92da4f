"""Running a child process safely: its own session, one deadline, capped output, nothing left behind."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from opsctl.signals import signals_held

if TYPE_CHECKING:
    import selectors
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

KEEP = 64 * 1024
# How long a child that was asked to end may take before it is killed.
_GRACE = 0.15
# How long to read on after a child has ended while something else still holds its output open.
_LINGER = 0.1
# How often to look whether a child has ended while nothing is read.
_LOOK = 0.02
_CHUNK = 64 * 1024

_groups: set[int] = set()
# When `stop_all` was last called: a child that was being started just then is not in `_groups` yet.
_stops: list[float] = []


class Output(NamedTuple):
    """What a child wrote: its start, its end, and how many bytes between them were dropped."""

    head: bytes
    tail: bytes
    left_out: int

    @property
    def data(self) -> bytes:
        """All that was kept, with a line that says how much is missing where something is."""
        if not self.left_out:
            return self.head + self.tail
        return b"%s\n... %d bytes left out ...\n%s" % (self.head, self.left_out, self.tail)

    @property
    def text(self) -> str:
        """`data` as text; what is not UTF-8 becomes U+FFFD."""
        return self.data.decode("utf-8", "replace")


class Ran(NamedTuple):
    """How a child ended.

    `exit_code` is 128 + n where signal n ended it, as in a shell, and None where it was ended for
    running too long; `signal` is that signal's name. `duration` is in seconds.
    """

    exit_code: int | None
    signal: str | None
    stdout: Output
    stderr: Output
    duration: float
    timed_out: bool


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    directory: Path,
    environment: Mapping[str, str],
    stdin: bytes | None = None,
    keep: int = KEEP,
    tee: Callable[[bytes], None] | None = None,
) -> Ran:
    """Run a program and wait for it, for `timeout` seconds and about 0.3 s of cleaning up at most.

    The child gets exactly `environment`, reads `stdin` (nothing where it is None) and leads its own
    session: after `timeout` its whole process group is asked to end and then killed. Of each output
    the first and the last `keep` bytes are kept; all of it is read, so that a flood does not block.
    `tee` is given everything as it comes. What the child leaves running when it ends by itself is
    neither waited for nor touched.

    Raises OSError where the program cannot be started (FileNotFoundError, PermissionError ...) or
    how it ends could not be known, and ValueError where an argument or a variable holds a NUL.
    """
    import signal
    import subprocess

    _refuse_ignored_children()
    started = time.monotonic()
    child: subprocess.Popen[bytes] | None = None
    try:
        with signals_held():
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=directory,
                env=environment,
                start_new_session=True,
                bufsize=0,
            )
            _groups.add(child.pid)
        if _stops and _stops[-1] >= started:
            _send(child.pid, signal.SIGKILL)
        return _follow(child, started, timeout, stdin or b"", keep, tee)
    except BaseException:
        if child is not None:
            _kill(child)
        raise
    finally:
        if child is not None:
            _forget(child)


def _forget(child: subprocess.Popen[bytes]) -> None:
    _groups.discard(child.pid)
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with suppress(OSError):
                stream.close()


def stop_all() -> None:
    """End every child that is being waited for, for when opsctl itself is told to stop."""
    import signal

    _stops[:] = [time.monotonic()]
    if _groups:
        for group in tuple(_groups):
            _send(group, signal.SIGTERM)
        time.sleep(_GRACE)
        for group in tuple(_groups):
            _send(group, signal.SIGKILL)


def _refuse_ignored_children() -> None:
    import signal

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # The system would then discard every exit code, and each would be taken for 0.
        raise ChildProcessError("the signal SIGCHLD is ignored, so no exit code can be known")


def _follow(
    child: subprocess.Popen[bytes],
    started: float,
    timeout: float,
    stdin: bytes,
    keep: int,
    tee: Callable[[bytes], None] | None,
) -> Ran:
    import selectors

    out, err = _Capture(keep, tee), _Capture(keep, tee)
    with selectors.DefaultSelector() as selector:
        for stream, capture in ((child.stdout, out), (child.stderr, err)):
            if stream:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, capture)
        if child.stdin:
            os.set_blocking(child.stdin.fileno(), False)
            selector.register(child.stdin, selectors.EVENT_WRITE, _Source(stdin))
        timed_out = not _pump(child, selector, started + timeout)
        duration = time.monotonic() - started
        if timed_out:
            _end(child, selector)
    exit_code, signal = (None, None) if timed_out else _ending(child.returncode)
    return Ran(exit_code, signal, out.output(), err.output(), duration, timed_out)


def _pump(child: subprocess.Popen[bytes], selector: selectors.BaseSelector, until: float) -> bool:
    """Move bytes until the child has ended and its output with it; False where it is still running."""
    while (left := until - time.monotonic()) > 0:
        if not selector.get_map():
            return _ended(child, left)
        for key, _ in selector.select(min(left, _LOOK)):
            if not key.data.move(key.fd):
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
        if child.poll() is not None:
            until = min(until, time.monotonic() + _LINGER)
    return child.poll() is not None


def _ended(child: subprocess.Popen[bytes], left: float) -> bool:
    import subprocess

    with suppress(subprocess.TimeoutExpired):
        child.wait(left)
    return child.returncode is not None


def _end(child: subprocess.Popen[bytes], selector: selectors.BaseSelector) -> None:
    import signal

    _send(child.pid, signal.SIGTERM)
    _pump(child, selector, time.monotonic() + _GRACE)
    _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    import signal

    _send(child.pid, signal.SIGKILL)
    _ended(child, _LINGER)


def _send(group: int, number: int) -> None:
    # Nobody is left, or it has become another user's process, which only that user may end.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _ending(returncode: int) -> tuple[int, str | None]:
    import signal

    if returncode >= 0:
        return returncode, None
    number = -returncode
    known = number in {each.value for each in signal.Signals}
    return 128 + number, signal.Signals(number).name if known else f"signal {number}"


class _Capture:
    """Keeps the first and the last bytes of a stream."""

    def __init__(self, keep: int, tee: Callable[[bytes], None] | None = None) -> None:
        self._keep = keep
        self._tee = tee
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def move(self, descriptor: int) -> bool:
        """Read what there is; False at the end of the stream."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        if self._tee is not None and data:
            self._tee(data)
        self._size += len(data)
        room = self._keep - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > self._keep + _CHUNK:
            del self._tail[: -self._keep]
        return bool(data)

    def output(self) -> Output:
        tail = bytes(self._tail[-self._keep :])
        return Output(bytes(self._head), tail, self._size - len(self._head) - len(tail))


class _Source:
    """Hands a child its input piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def move(self, descriptor: int) -> bool:
        """Write what fits; False once all is written or nobody reads it."""
        try:
            written = os.write(descriptor, self._left[:_CHUNK])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        self._left = self._left[written:]
        return bool(self._left)
