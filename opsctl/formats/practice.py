"""What is claimed and what of it is proven: as text, Markdown, HTML or JSON."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.report_sections import Section
from opsctl.formats.reports import Chart, Report, page
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.table import hung
from opsctl.outcome import Kind
from opsctl.practising import exit_code
from opsctl.prose import count, line, shorten
from opsctl.scoring import STATES
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from opsctl.formats import Output
    from opsctl.practising import Practice
    from opsctl.scoring import Claim, Score, State

_NOTHING = "–"
_SIGNS: Mapping[State, str] = {"proven": "✓", "excused": "-", "stale": "!", "never": "?", "failed": "✗"}
_ASCII: Mapping[State, str] = {**_SIGNS, "proven": "+", "failed": "x"}
_COLOURS: Mapping[State, str] = {
    "proven": "32", "excused": "36", "stale": "33", "never": "35", "failed": "1;31",
}  # fmt: skip


def write(found: Practice, output: str, out: Output, root: Path) -> str:
    """The claims and their score; `output` is text, markdown, html or json, `root` the workspace's folder.

    With `quiet`, nothing where enough is proven. Raises TemplateInvalidError where a template of the
    workspace cannot be used.
    """
    if out.quiet and not exit_code(found):
        return ""
    if output == "json":
        return json_text(_data(found))
    if output == "text":
        return "".join(f"{text}\n" for text in _lines(found, out))
    sections = tuple(_sections(found))
    charts = tuple(_charts(found)) if output == "html" else ()
    title = f"{line(found.workspace)}: proof of practice"
    lead = f"{sentence(found)}, as of {zoned(found.at, found.timezone)}"
    return page(Report("practice", title, lead, sections, charts), output, root)


def sentence(found: Practice) -> str:
    """The score in one line, with the counts it is made of."""
    if not found.score.total:
        return "score unknown: nothing is claimed"
    states = [f"{found.score.states[state]} {state}" for state in STATES[1:] if state in found.score.states]
    rest = f"; {', '.join(states)}" if states else ""
    claims = f"{found.score.proven} of {count('claim', found.score.total)} proven"
    unknown = "score unknown: " if found.unmatched else ""
    return f"{unknown}{percent(found.score)}, {claims}{rest}"


def percent(score: Score) -> str:
    """The share, rounded down: what is not all is never 100%."""
    if not score.total:
        return "unknown"
    return f"{floor(score.proven * 1000 / score.total) / 10:g}%"


def _lines(found: Practice, out: Output) -> Iterator[str]:
    if found.by is None:
        yield from _claims(found, out)
    else:
        yield from (f"{_name(name)}\t{percent(one)}\t{_counts(one)}" for name, one in found.groups.items())
    for at, one in found.trend:
        yield f"{zoned(at, found.timezone)[:10]}\t{percent(one)}\t{_counts(one)}"
    for selector, hint in found.unmatched:
        yield f"nothing is meant by `{line(shorten(selector, 60))}`{line(hint)}"
    yield sentence(found)


def _claims(found: Practice, out: Output) -> Iterator[str]:
    width = min(40, max((len(line(one.name)) for one in found.shown), default=0))
    for one in found.shown:
        words = f"{line(one.proof.words)}{_record(one)}{_until(one, found)}"
        owner, age = line(one.owner or _NOTHING), _age(one, found)
        if out.width is None:
            yield "\t".join((one.state, one.kind, line(one.name), owner, age, words))
            continue
        label = f"{(_ASCII if out.ascii else _SIGNS)[one.state]} {one.state:<7}"
        head = f"  {one.kind:<8}  {line(one.name):<{width}}  {shorten(owner, 12):<12}  {age:>7}  "
        shown = f"\x1b[{_COLOURS[one.state]}m{label}\x1b[0m" if out.colour else label
        first, *rest = hung((label + head).rstrip(), words, out.width)
        yield from (first.replace(label, shown, 1), *rest)


def _record(one: Claim) -> str:
    return f" ({line(one.proof.record)})" if one.proof.record else ""


def _until(one: Claim, found: Practice) -> str:
    """When what is not shown in time was or is due."""
    until = one.proof.until
    if until is None or one.state in {"proven", "failed"} or (one.state == "stale" and until > found.at):
        return ""
    day = zoned(until, found.timezone)[:10]
    if one.state == "excused":
        return f", until {day}"
    return f", OVERDUE since {day}" if until <= found.at else f", due {day}"


def _age(one: Claim, found: Practice) -> str:
    at = one.proof.at
    return _NOTHING if at is None else brief(Kind.DURATION, max(0.0, found.at - at))


def _name(name: str) -> str:
    return line(name) or _NOTHING


def _counts(score: Score) -> str:
    rest = [f"{score.states[state]} {state}" for state in STATES[1:] if state in score.states]
    return f"{score.proven} of {score.total}" + (f": {', '.join(rest)}" if rest else "")


def _sections(found: Practice) -> Iterator[Section]:
    if found.unmatched:
        rows = tuple((line(one), line(hint).lstrip("; ")) for one, hint in found.unmatched)
        yield Section("unmatched", "Selectors that mean nothing", ("selector", "hint"), rows)
    if found.by is not None:
        groups = tuple((_name(name), percent(one), *_cells(one)) for name, one in found.groups.items())
        columns = (found.by, "score", "claims", *STATES)
        yield Section("groups", f"By {found.by}", columns, groups, empty="Nothing is claimed.")
    if found.trend:
        weeks = tuple((zoned(at, found.timezone)[:10], percent(one), *_cells(one)) for at, one in found.trend)
        note = "By the records up to each day, for what is claimed today."
        yield Section("trend", "Week by week", ("as of", "score", "claims", *STATES), weeks, note)
    claims = tuple(
        (one.state, one.kind, line(one.name), line(one.owner or _NOTHING), _age(one, found),
         f"{line(one.proof.words)}{_until(one, found)}", line(one.proof.record or _NOTHING))
        for one in reversed(found.shown)
    )  # fmt: skip
    columns = ("state", "kind", "claim", "owner", "age", "proof", "record")
    note = "Proven is only what a record shows; what is excused is claimed all the same."
    yield Section("claims", "Claims and their proof", columns, claims, note, empty="Nothing is claimed.")


def _cells(score: Score) -> Iterator[str]:
    yield str(score.total)
    yield from (str(score.states.get(state, 0)) for state in STATES)


def _charts(found: Practice) -> Iterator[Chart]:
    from markupsafe import Markup

    from opsctl.formats.charts import Share, availability

    if len(found.trend) > 1:
        labels = [zoned(at, found.timezone)[:10] for at, _ in found.trend]
        shares = [Share(one.share, one.share, one.share) for _, one in found.trend]
        # Made by our own code, from texts that it escapes.
        drawing = Markup(availability("Share proven", labels, shares, found.least / 100))  # noqa: S704
        yield Chart("Share of claims that are proven", drawing)


def _data(found: Practice) -> dict[str, Any]:
    return {
        "workspace": clean(found.workspace),
        "at": moment(found.at),
        "score": score_data(found.score),
        "least": found.least / 100,
        "exit_code": int(exit_code(found)),
        "unmatched": [clean(one) for one, _ in found.unmatched],
        "by": found.by,
        "groups": [{"name": clean(name) or None, **score_data(one)} for name, one in found.groups.items()],
        "trend": [{"at": moment(at), **score_data(one)} for at, one in found.trend],
        "claims": [_claim_data(one, found.at) for one in found.shown],
    }


def score_data(score: Score) -> dict[str, Any]:
    """A score, ready for JSON; `share` is from 0 to 1, null where nothing is claimed."""
    states = {state: score.states.get(state, 0) for state in STATES}
    return {"share": score.share, "proven": score.proven, "total": score.total, "states": states}


def _claim_data(one: Claim, now: float) -> dict[str, Any]:
    proof = one.proof
    return {
        "kind": one.kind,
        "name": clean(one.name),
        "state": one.state,
        "owner": clean(one.owner),
        "services": list(one.services),
        "tags": list(one.tags),
        "tier": one.tier,
        "proof": clean(proof.words),
        "record": clean(proof.record),
        "at": None if proof.at is None else moment(proof.at),
        "age": None if proof.at is None else max(0.0, now - proof.at),
        "until": None if proof.until is None else moment(proof.until),
    }
