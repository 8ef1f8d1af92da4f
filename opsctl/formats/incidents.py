"""Incidents: what stands after a decision, lists with what is due, and one with its whole timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.durations import durations
from opsctl.formats.csv_rows import cell
from opsctl.formats.dues import due_data, due_words, dues_words
from opsctl.formats.json_text import json_text
from opsctl.formats.markdown import escape
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.telling import TIMES, field
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.caseload import Case, Caseload, Story
    from opsctl.formats import Output
    from opsctl.ledger.incident import Incident
    from opsctl.timelines import Entry

COLUMNS = (
    "incident", "title", "state", "severity", "peak", "services", "roles", "tags", "impact_started",
    "detected", "opened", "acknowledged", "mitigated", "impact_ended", "resolved", "closed", "due",
)  # fmt: skip
_MOMENTS = ("impact_started", "detected", "opened", *("acknowledged", "mitigated", "impact_ended"))
_TIMES = (*_MOMENTS, "resolved", "closed", "reopened")
_SEVERE = {"sev1": "1;31", "sev2": "31", "sev3": "33"}
_DETAILS = ("services", "roles", "tags", "runbook", "links", "forced", "merged_into")


def write_list(load: Caseload, output: str, out: Output) -> str:
    """The incidents; `output` is text, json or csv."""
    if output == "json":
        document = {
            "workspace": clean(load.workspace),
            "at": moment(load.at),
            "incidents": [case_data(one, load.at) for one in load.cases],
        }
        return json_text(document)
    if output == "csv":
        return _csv(load)
    lines = [text for one in load.cases for text in case_lines(one, load.at, load.timezone, out)]
    return "".join(f"{one}\n" for one in lines)


def case_lines(case: Case, now: float, timezone: str, out: Output) -> Iterator[str]:
    """An incident in a list: one uncut record for a pipe, two lines for a terminal."""
    incident = case.incident
    about = line(incident.title) + (f" ({', '.join(incident.services)})" if incident.services else "")
    due = dues_words(case.pending, now, timezone)
    since = zoned(incident.opened, timezone)
    if out.width is None:
        cells = (incident.subject, incident.severity, incident.state, since, about, due)
        yield "\t".join(cells).rstrip("\t")
        return
    head = f"{incident.subject:<8} {incident.severity}  {incident.state:<12}  "
    painted = head.replace(incident.severity, _painted(incident.severity, incident, out), 1)
    yield painted + shorten(about, max(20, out.width - len(head)))
    lasted = brief(Kind.DURATION, max(0.0, (incident.resolved or now) - incident.opened))
    verb = "took" if incident.resolved else "on for"
    yield from _folded(f"{verb} {lasted}; {due or 'nothing is due'}", out.width, 9)


def write_story(story: Story, output: str, out: Output, *, whole: bool = True) -> str:
    """One incident, `whole` or only its timeline; `output` is text, json or markdown."""
    if output == "json":
        entries = [_entry_data(one) for one in story.entries]
        data = case_data(story.case, story.at) if whole else {"incident": story.case.incident.subject}
        document = {"at": moment(story.at), **data, "timeline": entries}
        return json_text(document)
    if output == "markdown":
        return "\n".join(_markdown(story, whole=whole)) + "\n"
    facts = [*_facts(story, out), ""] if whole else []
    return "\n".join([*facts, *_timeline(story, out)]) + "\n"


def case_data(case: Case, now: float) -> dict[str, Any]:
    """Everything of an incident, ready for JSON."""
    incident = case.incident
    fields = {name: clean(_plain(value)) for name, value in incident._asdict().items()}
    times = {name: _moment(getattr(incident, name)) for name in fields if name in TIMES}
    stays = [{"state": state, "since": moment(at)} for state, at in incident.stays]
    links = [{"relation": relation, "other": clean(other)} for relation, other in incident.links]
    return {
        "incident": incident.subject,
        **fields,
        **times,
        "stays": stays,
        "links": links,
        "durations": dict(durations(incident)),
        "due": [due_data(one, now) for one in case.dues],
        "review": case.review.state if case.review else None,
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _csv(load: Caseload) -> str:
    import csv
    import io

    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for one in load.cases:
        data = case_data(one, load.at)
        data["services"], data["tags"] = " ".join(data["services"]), " ".join(data["tags"])
        data["roles"] = field("roles", one.incident.roles, load.timezone) if data["roles"] else ""
        data["due"] = dues_words(one.pending, load.at, load.timezone)
        rows.writerow([cell(data[name]) for name in COLUMNS])
    return target.getvalue()


def _facts(story: Story, out: Output) -> Iterator[str]:
    incident, zone = story.case.incident, story.timezone
    severity = _painted(incident.severity, incident, out)
    peak = f" (at worst {incident.peak})" if incident.peak != incident.severity else ""
    alarm = ", a false alarm" if incident.false_alarm else ""
    yield f"{incident.subject}  {severity}{peak}  {incident.state}{alarm}  {line(incident.title)}"
    for name in _DETAILS:
        if value := getattr(incident, name):
            yield from _row(name, field(name, value, zone), out)
    for name in _TIMES:
        if (at := getattr(incident, name)) is not None:
            yield from _row(name, zoned(at, zone, seconds=True), out)
    took = [f"{name} {brief(Kind.DURATION, value)}" for name, value in durations(incident).items() if value]
    if took:
        yield from _row("took", ", ".join(took), out)
    for one in story.case.dues:
        yield from _row(one.what, due_words(one, story.at, zone, said=False), out)


def _row(name: str, value: str, out: Output) -> Iterator[str]:
    label = f"  {name.replace('_', ' '):<15} "
    if out.width is None:
        yield label + value
        return
    first, *rest = _folded(value, out.width, len(label))
    yield label + first.lstrip()
    yield from rest


def _timeline(story: Story, out: Output) -> Iterator[str]:
    """An entry a line; in a pipe: number, time, who, what."""
    if out.width is None:
        for one in story.entries:
            yield "\t".join((str(one.event), zoned(one.at, story.timezone, seconds=True), *entry_words(one)))
        return
    day = ""
    number = max((len(str(one.event)) for one in story.entries), default=1)
    for one in story.entries:
        then = zoned(one.at, story.timezone, seconds=True)
        if then[:10] != day:
            day = then[:10]
            yield f"{day} ({then[20:]})"
        who, text = entry_words(one)
        lead = f"  {one.event:>{number}}  {then[11:16]}  "
        first, *rest = _folded(f"{text}  ({who})", out.width, len(lead))
        yield lead + first.lstrip()
        yield from rest


def entry_words(entry: Entry) -> tuple[str, str]:
    """Who and what of an entry; with how much later it was written down, and what it said before."""
    late = entry.recorded - entry.at
    notes = [f"recorded {brief(Kind.DURATION, late)} later"] if late >= 60 else []
    notes += [f"amended; before: {shorten(line(entry.said[0]), 60)}"] if entry.amended else []
    return line(entry.actor), line(entry.text) + (f" [{'; '.join(notes)}]" if notes else "")


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {
        **{name: clean(_plain(value)) for name, value in entry._asdict().items()},
        "at": moment(entry.at),
        "recorded": moment(entry.recorded),
    }


def _markdown(story: Story, *, whole: bool) -> Iterator[str]:
    incident, zone = story.case.incident, story.timezone
    if whole:
        yield f"# {incident.subject}: {escape(incident.title)}"
        yield ""
        yield f"- **{incident.severity}**, {incident.state}"
        for name in _DETAILS:
            if value := getattr(incident, name):
                yield f"- {name.replace('_', ' ')}: {escape(field(name, value, zone))}"
        for one in story.case.dues:
            yield f"- {escape(due_words(one, story.at, zone))}"
        yield from ("", "| time | at |", "| --- | --- |")
        for name in _TIMES:
            if (at := getattr(incident, name)) is not None:
                yield f"| {name.replace('_', ' ')} | {zoned(at, zone, seconds=True)} |"
        yield from ("", "## Timeline", "")
    yield from ("| at | who | what |", "| --- | --- | --- |")
    for entry in story.entries:
        who, text = entry_words(entry)
        yield f"| {zoned(entry.at, zone, seconds=True)} | {escape(who)} | {escape(text)} |"


def _painted(text: str, incident: Incident, out: Output) -> str:
    code = _SEVERE.get(incident.severity) if incident.active else None
    return f"\x1b[{code}m{text}\x1b[0m" if out.colour and code else text


def _folded(text: str, width: int, indent: int) -> list[str]:
    """The text in lines of the terminal, all after the same indent."""
    from textwrap import wrap

    margin = " " * indent
    room = max(width, indent + 30)
    return wrap(text, room, initial_indent=margin, subsequent_indent=margin) or [margin]
