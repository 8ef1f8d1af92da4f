"""The report of one incident, as Markdown, HTML or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.incidents import case_data, entry_words
from opsctl.formats.json_text import json_text
from opsctl.formats.metrics import bounds, percent, shown
from opsctl.formats.report_sections import Section
from opsctl.formats.reports import Report, figure_data, page
from opsctl.formats.summary import moment, zoned
from opsctl.formats.telling import field
from opsctl.outcome import Kind
from opsctl.prose import line
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opsctl.examining import Facts, Stretch

_TIMES = (
    "impact_started", "detected", "opened", "acknowledged", "mitigated", "impact_ended", "resolved", "closed",
)  # fmt: skip
_NOTHING = "–"


def write(facts: Facts, output: str, root: Path) -> str:
    """The report; `output` is markdown, html or json, `root` the workspace's folder."""
    incident = facts.case.incident
    if output == "json":
        impact = {name: figure_data(figure) for name, figure in facts.availability}
        stretches = [one._asdict() for one in facts.stretches]
        head = {"report": "incident", "at": moment(facts.at)}
        data = {**head, **case_data(facts.case, facts.at), "impact": impact, "stretches": stretches}
        return json_text(data)
    report = Report(
        "incident",
        f"{incident.subject}: {line(incident.title)}",
        f"{incident.peak}, {incident.state}, made {zoned(facts.at, facts.timezone)}",
        (_about(facts), _impact(facts), _response(facts), _review(facts), _timeline(facts)),
    )
    return page(report, output, root)


def _about(facts: Facts) -> Section:
    incident, zone = facts.case.incident, facts.timezone
    rows = [
        (name.replace("_", " "), field(name, value, zone))
        for name in ("services", "roles", "tags", "links", "runbook", "forced")
        if (value := getattr(incident, name))
    ]
    rows += [
        (name.replace("_", " "), zoned(at, zone, seconds=True))
        for name in _TIMES
        if (at := getattr(incident, name)) is not None
    ]
    return Section("about", "About", ("what", "value"), tuple(rows))


def _impact(facts: Facts) -> Section:
    columns = ("service", "available", "low to high", "known", "n", "by")
    rows = tuple(
        (
            name,
            shown(figure.value, figure.unit)
            if figure.value is not None
            else f"no data: {line(figure.reason)}",
            bounds(figure) or _NOTHING,
            _NOTHING if figure.coverage is None else percent(figure.coverage),
            str(figure.n),
            figure.definition,
        )
        for name, figure in facts.availability
    )
    since, until = (zoned(at, facts.timezone, seconds=True) for at in (facts.since, facts.until))
    note = f"From {since} to {until}, {brief(Kind.DURATION, facts.until - facts.since)}."
    return Section("impact", "Impact by the checks", columns, rows, note, "No service of it has checks.")


def _response(facts: Facts) -> Section:
    rows = tuple(tuple(_stretch(one)) for one in facts.stretches)
    return Section("response", "Detection and response", ("time to", "took", "target", "met"), rows)


def _stretch(one: Stretch) -> Iterator[str]:
    yield one.name
    for seconds in (one.took, one.target):
        yield _NOTHING if seconds is None else brief(Kind.DURATION, seconds)
    if one.target is None:
        yield _NOTHING
    else:
        yield "unknown" if one.took is None else "OK" if one.took <= one.target else "BAD"


def _review(facts: Facts) -> Section:
    due = [one for one in facts.case.dues if one.what == "review"]
    review = facts.case.review
    if review is None and not due:
        return Section("review", "Review", empty="None is asked for.")
    state = review.state if review else "not begun"
    late = zoned(due[0].due, facts.timezone) if due else _NOTHING
    actions = ", ".join(review.actions) if review and review.actions else _NOTHING
    return Section("review", "Review", ("state", "due", "actions"), ((state, late, actions),))


def _timeline(facts: Facts) -> Section:
    rows = tuple((zoned(one.at, facts.timezone, seconds=True), *entry_words(one)) for one in facts.entries)
    return Section("timeline", "Timeline", ("at", "who", "what"), rows)
