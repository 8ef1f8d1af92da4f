"""The Nagios plugin interface: one line with performance data, then one line for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import ExitCode
from opsctl.formats.summary import counts, ordered, words
from opsctl.prose import shorten

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_LONGEST = 300


def code(exit_code: int, *, degraded: bool) -> int:
    """The plugin's exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (also for a wrong use or workspace)."""
    if exit_code == ExitCode.YES:
        return 1 if degraded else 0
    return 2 if exit_code == ExitCode.NO else 3


def write(run: CheckRun, _out: Output) -> str:
    """The run as a monitoring plugin says it."""
    numbers = counts(run)
    level = 2 if numbers.down else 3 if numbers.unknown or not numbers.total else 1 if numbers.degraded else 0
    data = " ".join(
        f"'{_plain(one.result.check)}'={one.result.latency:.6f}s"
        for one in run.checked
        if one.result.latency is not None
    )
    bad = [one.result.check for one in reversed(ordered(run)) if one.standing.state != "up"]
    names = f": {shorten(', '.join(bad), 60)}" if bad else ""
    first = f"OPSCTL {_WORDS[level]} - {numbers.up} of {numbers.total} up{names}"
    lines = [
        f"{one.standing.state} {_plain(one.result.check)} {_plain(shorten(words(one), _LONGEST))}"
        for one in ordered(run)
    ]
    return "\n".join([f"{first} | {data}" if data else first, *lines]) + "\n"


def _plain(text: str) -> str:
    """`|` begins performance data and `'` quotes its labels."""
    return text.replace("|", "/").replace("'", "`")
