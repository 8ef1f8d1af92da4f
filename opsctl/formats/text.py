"""Text: aligned for a terminal, one uncut record a line for a pipe; what is not well comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.explain import explain
from opsctl.formats.summary import (
    happening,
    next_steps,
    not_well,
    ordered,
    passed_over,
    said,
    sentence,
    short_moment,
    words,
)
from opsctl.outcome import State
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.formats import Output
    from opsctl.records import Checked, CheckRun, Passed

_SYMBOLS = {State.UP: "✓", State.DEGRADED: "!", State.DOWN: "✗", State.UNKNOWN: "?"}
_ASCII = {State.UP: "+", State.DEGRADED: "!", State.DOWN: "x", State.UNKNOWN: "?"}
_COLOURS = {State.UP: "32", State.DEGRADED: "33", State.DOWN: "1;31", State.UNKNOWN: "35"}


def write(run: CheckRun, out: Output) -> str:
    """The run for people. With `quiet`, nothing where all is well, and else only what is not."""
    shown = [one for one in ordered(run) if not (out.quiet and _well(one))]
    if out.quiet and not shown:
        return ""
    passed = () if out.quiet else run.maintenance
    lines = [_passed(one, run.timezone, out) for one in passed]
    lines += _terminal(shown, out) if out.width else _pipe(shown)
    if out.explain:
        lines += [text for one in shown for text in ("", *explain(one, run.timezone))]
    else:
        roots = [one for one in not_well(run) if not one.explained_by]
        lines += [text for one in roots for text in ("", *_block(one, run.timezone, out))]
    told = [happening(one) for one in run.incidents]
    gap = [""] if told or len(lines) > len(shown) + len(passed) or out.width else []
    return "\n".join([*lines, *gap, *told, sentence(run)]) + "\n"


def _passed(one: Passed, timezone: str, out: Output) -> str:
    text = f"maintenance\t{one.check}\t{passed_over(one, timezone)}"
    return shorten(f"- {text}".replace("\t", "  "), out.width - 1) if out.width else text


def paint(text: str, state: State, out: Output) -> str:
    """The text in the colour of a state, where colours are shown."""
    return f"\x1b[{_COLOURS[state]}m{text}\x1b[0m" if out.colour else text


def symbol(state: State, out: Output) -> str:
    """The sign of a state."""
    return (_ASCII if out.ascii else _SYMBOLS)[state]


def _well(one: Checked) -> bool:
    return one.standing.state is State.UP and one.result.attempts == 1


def _pipe(shown: list[Checked]) -> Iterator[str]:
    for one in shown:
        yield f"{one.standing.state}\t{one.result.check}\t{words(one)}"


def _terminal(shown: list[Checked], out: Output) -> Iterator[str]:
    name_width = min(40, max((len(one.result.check) for one in shown), default=0))
    for one in shown:
        state = one.standing.state
        label = f"{symbol(state, out)} {state:<8}"
        room = max(10, (out.width or 80) - len(label) - name_width - 4)
        name = f"{one.result.check:<{name_width}}"
        yield f"{paint(label, state, out)}  {name}  {shorten(words(one), room)}".rstrip()


def _block(one: Checked, timezone: str, out: Output) -> Iterator[str]:
    """A check that is not well: what was expected and found, since when, and what to do next."""
    state = one.standing.state
    yield (
        paint(f"{symbol(state, out)} {one.result.check} is {state}", state, out)
        + f" since {short_moment(one.standing.since, timezone)}"
    )
    yield f"    {words(one)}"
    if said(one):
        yield f"    said: {said(one)}"
    yield f"    target: {line(one.target)}"
    if one.result.cause:
        yield f"    cause: {one.result.cause}"
    for step in next_steps(one):
        yield f"    {step}"
