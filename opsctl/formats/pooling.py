"""What places together see, as text or JSON, and what came of files of their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import as_passed, clean, moment, passed_over
from opsctl.formats.text import paint, symbol
from opsctl.outcome import State
from opsctl.prose import count, line, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.formats import Output
    from opsctl.pooling import Pool, Pooled, Taken
    from opsctl.records import Passed

_RANK = (State.UP, State.DEGRADED, State.UNKNOWN, State.DOWN)
_MOST_NOTES = 20


def write(pool: Pool, output: str, out: Output) -> str:
    """The checks, the worse ones last; with `quiet` only what is not up, and nothing where all is."""
    if output == "json":
        return json_text(_document(pool))
    shown = sorted(pool.checks, key=lambda one: _RANK.index(one.state))
    if out.quiet and not (shown := [one for one in shown if one.state is not State.UP]):
        return ""
    passed = () if out.quiet else pool.maintenance
    names = [*(one.check for one in passed), *(one.check for one in shown)]
    wide = min(40, max(map(len, names), default=0))
    lines = [_passed(one, out, wide) for one in passed]
    lines += [_line(one, pool.quorum, out, wide) for one in shown]
    return "\n".join([*lines, _total(pool)]) + "\n"


def write_taken(taken: Taken) -> str:
    """What came of a file, in one line."""
    refused = sum(one.refused for one in taken.notes)
    parts = [
        f"{taken.new} new",
        f"{taken.known} known",
        *([f"{taken.contradicted} against what is known, which stays"] if taken.contradicted else []),
        *([f"{refused} refused"] if refused else []),
    ]
    return f"{taken.file}\t{', '.join(parts)}\n"


def write_notes(taken: Taken) -> str:
    """What is to be said of its lines; of very many only the first."""
    lines = [f"{taken.file}:{one.line}: {line(one.text)}\n" for one in taken.notes[:_MOST_NOTES]]
    more = len(taken.notes) - _MOST_NOTES
    return "".join([*lines, *([f"{taken.file}: and {more} more such lines\n"] if more > 0 else [])])


def _passed(one: Passed, out: Output, wide: int) -> str:
    if out.width is None:
        return f"maintenance\t{one.check}\t{passed_over(one)}"
    return f"- maintenance  {one.check:<{wide}}  {passed_over(one)}"


def _line(one: Pooled, quorum: int, out: Output, wide: int) -> str:
    text = "; ".join(_parts(one, quorum))
    if out.width is None:
        return f"{one.state}\t{one.check}\t{text}"
    label = paint(f"{symbol(one.state, out)} {one.state:<11}", one.state, out)
    return f"{label}  {one.check:<{wide}}  {text}"


def _parts(one: Pooled, quorum: int) -> Iterator[str]:
    """Who sees what: those that see it down with the reason."""
    if one.state is State.UNKNOWN:
        yield _why(one, quorum)
    for state in (State.DOWN, State.UNKNOWN, State.DEGRADED, State.UP):
        votes = [vote for vote in one.votes if vote.state is state]
        said = [
            f"{vote.place} ({line(vote.message)})" if vote.message and not state.good else vote.place
            for vote in votes
        ]
        if votes:
            yield f"{state} for {listed(said)}"
    if one.silent:
        yield f"nothing from {listed(list(one.silent))}"
    if one.away:
        yield f"maintenance for {listed(list(one.away))}"


def _why(one: Pooled, quorum: int) -> str:
    """Why nothing is known: too few could tell, or those that could not might have seen it down."""
    told = sum(vote.state is not State.UNKNOWN for vote in one.votes)
    if told < quorum:
        return f"{told} of the {quorum} places that it takes {'was' if told == 1 else 'were'} heard"
    untold = len(one.votes) - told + len(one.silent) + len(one.away)
    return f"{count('place', untold)} more might make it down"


def _total(pool: Pool) -> str:
    states = [one.state for one in pool.checks]
    parts = [f"{states.count(state)} {state}" for state in _RANK if state in states]
    passed = f"; {len(pool.maintenance)} in maintenance" if pool.maintenance else ""
    rule = f"down where {count('place', pool.quorum)} or more see it"
    found = ", ".join(parts) or "nothing was judged"
    return f"{count('check', len(states))}: {found}{passed}; {rule}"


def _document(pool: Pool) -> dict[str, object]:
    return {
        "workspace": clean(pool.workspace),
        "at": moment(pool.at),
        "quorum": pool.quorum,
        "checks": [
            {
                "check": one.check,
                "state": str(one.state),
                "votes": [
                    {
                        "place": vote.place,
                        "at": moment(vote.at),
                        "state": str(vote.state),
                        "cause": str(vote.cause) if vote.cause else None,
                        "message": clean(vote.message),
                    }
                    for vote in one.votes
                ],
                "silent": list(one.silent),
                "maintenance": list(one.away),
            }
            for one in pool.checks
        ],
        "maintenance": [as_passed(one) for one in pool.maintenance],
        "exit_code": int(pool.exit_code),
    }
