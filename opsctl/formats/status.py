"""The status page, as text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from opsctl.formats.summary import clean, moment, short_moment
from opsctl.formats.text import paint, symbol
from opsctl.outcome import Kind, State
from opsctl.prose import count, line, shorten
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.formats import Output
    from opsctl.standing import Page, Stand

_RANK = {State.UP: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.DOWN: 3}


def write(page: Page, output: str, out: Output) -> str:
    """The page; with `quiet`, only what is not up, and nothing where all is."""
    if output == "json":
        return json.dumps(_document(page), indent=2, allow_nan=False) + "\n"
    shown = sorted(page.stands, key=lambda one: _RANK[one.state])
    if out.quiet:
        shown = [one for one in shown if one.state is not State.UP]
        if not shown:
            return ""
    return "\n".join([*_services(shown, out), *([""] if shown else []), *_totals(page)]) + "\n"


def _services(shown: list[Stand], out: Output) -> Iterator[str]:
    width = min(40, max((len(one.check) for one in shown), default=0))
    for one in shown:
        since = f"since {short_moment(one.since)}" if one.since is not None else ""
        age = f"{brief(Kind.DURATION, one.age)} ago" if one.age is not None else ""
        notes = [since, age, f"explained by {one.explained_by}" if one.explained_by else ""]
        if one.state is not State.UP:
            notes += [line(one.message), f"runbook: runbooks/{one.runbook}.md" if one.runbook else ""]
        text = ", ".join(note for note in notes if note)
        if out.width is None:
            yield f"{one.state}\t{one.check}\t{text}"
        else:
            label = f"{symbol(one.state, out)} {one.state:<8}"
            room = max(20, out.width - width - len(label) - 4)
            cut = shorten(text, room) if one.state is State.UP else text
            yield f"{paint(label, one.state, out)}  {one.check:<{width}}  {cut}"


def _totals(page: Page) -> Iterator[str]:
    states = Counter(one.state for one in page.stands)
    stale = sum(one.stale for one in page.stands)
    parts = [f"{states[state]} {state}" for state in _RANK if states[state]]
    yield f"{count('check', len(page.stands))}: {', '.join(parts) or 'none'}" + (
        f"; {stale} stale" if stale else ""
    )
    if any(one.age is None for one in page.stands):
        yield "next: opsctl check"


def _document(page: Page) -> dict[str, object]:
    return {
        "format_version": "1.0",
        "workspace": clean(page.workspace),
        "at": moment(page.at),
        "checks": [
            {
                **{name: clean(value) for name, value in one._asdict().items() if name != "since"},
                "state": str(one.state),
                "since": moment(one.since) if one.since is not None else None,
            }
            for one in page.stands
        ],
    }
