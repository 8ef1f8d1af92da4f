"""The status page, as text or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opsctl.formats.checklists import waiver_data
from opsctl.formats.incidents import case_data, case_lines
from opsctl.formats.json_text import json_text
from opsctl.formats.routines import point_data, point_lines
from opsctl.formats.runbooks import fresh_line, run_data
from opsctl.formats.summary import clean, moment, short_moment, zoned
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
        return json_text(_document(page))
    shown = sorted(page.stands, key=lambda one: _RANK[one.state])
    if out.quiet:
        shown = [one for one in shown if one.state is not State.UP]
        if not shown and not (
            page.cases or page.runs or page.waivers or page.unproven or page.routines or page.fault
        ):
            return ""
    blocks = (
        [*([] if out.quiet else _maintenance(page)), *_services(shown, page.timezone, out)],
        list(_incidents(page, out)),
        list(_practice(page)),
        list(_totals(page)),
    )
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _maintenance(page: Page) -> Iterator[str]:
    for one in page.maintenance:
        until = zoned(one.until, page.timezone)
        yield f"maintenance\t{one.check}\tuntil {until} ({one.window}): {line(one.reason)}"


def _incidents(page: Page, out: Output) -> Iterator[str]:
    for one in page.cases:
        yield from case_lines(one, page.at, page.timezone, out)


def _services(shown: list[Stand], timezone: str, out: Output) -> Iterator[str]:
    width = min(40, max((len(one.check) for one in shown), default=0))
    for one in shown:
        since = f"since {short_moment(one.since, timezone)}" if one.since is not None else ""
        age = f"{brief(Kind.DURATION, one.age)} ago" if one.age is not None else ""
        notes = [since, age, f"explained by {one.explained_by}" if one.explained_by else ""]
        if one.state is not State.UP:
            notes += [line(one.message), f"runbook: {one.procedure}" if one.procedure else ""]
        text = ", ".join(note for note in notes if note)
        if out.width is None:
            yield f"{one.state}\t{one.check}\t{text}"
        else:
            label = f"{symbol(one.state, out)} {one.state:<8}"
            lead = f"{paint(label, one.state, out)}  {one.check:<{width}}  "
            room = max(20, out.width - width - len(label) - 4)
            if one.state is State.UP:
                yield lead + shorten(text, room)
            else:
                yield from _folded(lead, text, room, out.width - room)


def _practice(page: Page) -> Iterator[str]:
    """Runs that stopped on their way, and exceptions that have expired."""
    for run in page.runs:
        yield f"{run.subject}\t{run.runbook} is {run.state}: {line(run.reason)}"
    for one in page.unproven:
        yield f"drill due\t{fresh_line(one)}"
    for point in page.routines:
        yield from point_lines(point, page.at, page.timezone)
    for waiver in page.waivers:
        about = f"{waiver.checklist}/{waiver.item} of {line(waiver.owner)}"
        yield f"{waiver.subject}\tEXPIRED {zoned(waiver.expires, page.timezone)}: {about}"


def _folded(lead: str, text: str, room: int, indent: int) -> Iterator[str]:
    """What is not well is never cut: it goes on below, after the same indent."""
    from textwrap import wrap

    first, *rest = wrap(text, room) or [""]
    yield lead + first
    yield from (" " * indent + one for one in rest)


def _totals(page: Page) -> Iterator[str]:
    states = Counter(one.state for one in page.stands)
    stale = sum(one.stale for one in page.stands)
    parts = [f"{states[state]} {state}" for state in _RANK if states[state]]
    yield f"{count('check', len(page.stands))}: {', '.join(parts) or 'none'}" + (
        f"; {stale} stale" if stale else ""
    )
    if page.maintenance:
        yield f"{len(page.maintenance)} in maintenance"
    if page.fault:
        yield f"incidents cannot be told: {line(page.fault)}"
    if page.cases:
        active = sum(one.incident.active for one in page.cases)
        late = sum(one.overdue(page.at) for one in page.cases)
        owed = len(page.cases) - active
        reviews = f", {count('review', owed)} owed" if owed else ""
        yield f"{count('incident', active)} on{reviews}" + (f"; {late} overdue" if late else "")
    if any(one.age is None for one in page.stands):
        yield "next: opsctl check"


def _document(page: Page) -> dict[str, object]:
    return {
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
        "maintenance": [
            {
                "check": one.check,
                "window": one.window,
                "reason": clean(one.reason),
                "until": moment(one.until),
            }
            for one in page.maintenance
        ],
        "fault": clean(page.fault),
        "runs": [run_data(one) for one in page.runs],
        "drills_due": [one.runbook for one in page.unproven],
        "routines": [point_data(one) for one in page.routines],
        "expired_waivers": [waiver_data(one) for one in page.waivers],
        "incidents": [case_data(one, page.at) for one in page.cases],
    }
