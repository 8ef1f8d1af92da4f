"""The Nagios plugin interface: one line with performance data, then one line for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import ExitCode
from opsctl.formats.summary import answer, counts, ordered, words, worst_first
from opsctl.outcome import State
from opsctl.prose import shorten

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_LONGEST = 300
_LONGEST_NAMES = 60


def code(exit_code: int, *, degraded: bool) -> int:
    """The plugin's exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (also for a wrong use or workspace)."""
    if exit_code == ExitCode.YES:
        return 1 if degraded else 0
    return 2 if exit_code == ExitCode.NO else 3


def write(run: CheckRun, out: Output) -> str:
    """The run as a monitoring plugin says it."""
    numbers = counts(run)
    level = code(answer(run, out), degraded=_degraded(run))
    data = " ".join(
        f"'{_plain(one.result.check)}'={one.result.latency:.6f}s"
        for one in run.checked
        if one.result.latency is not None
    )
    bad = [_plain(one.result.check) for one in worst_first(run)]
    names = f"; not up: {_first(bad)}" if bad else ""
    new = f", {len(run.comparison.new)} newly broken" if run.comparison else ""
    first = f"OPSCTL {_WORDS[level]} - {numbers.up} of {numbers.total} up{new}{names}"
    lines = [
        f"{one.standing.state} {_plain(one.result.check)} {_plain(shorten(words(one), _LONGEST))}"
        for one in ordered(run)
    ]
    return "\n".join([f"{first} | {data}" if data else first, *lines]) + "\n"


def _first(names: list[str]) -> str:
    """As many names as a pager shows, the worst first, each of them whole."""
    shown = names[:1]
    for name in names[1:]:
        if len(", ".join([*shown, name])) > _LONGEST_NAMES:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)


def _degraded(run: CheckRun) -> bool:
    """Whether something of what counts is degraded: all, or what is so since a baseline."""
    return any(
        one.standing.state is State.DEGRADED
        and (run.comparison is None or one.result.check in run.comparison.new)
        for one in run.checked
    )


def _plain(text: str) -> str:
    """`|` begins performance data and `'` quotes its labels."""
    return text.replace("|", "/").replace("'", "`")
