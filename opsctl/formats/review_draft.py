"""The draft of a review as Markdown: data parts between marks, and room for what only people know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.drafts import begin, end
from opsctl.formats.incidents import entry_words
from opsctl.formats.markdown import escape
from opsctl.formats.metrics import bounds, percent, shown
from opsctl.formats.summary import zoned
from opsctl.formats.telling import field
from opsctl.outcome import Kind
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opsctl.examining import Facts, Stretch
    from opsctl.metrics import Figure

_TIMES = (
    "impact_started", "detected", "opened", "acknowledged", "mitigated", "impact_ended", "resolved",
)  # fmt: skip


def draft(facts: Facts, owner: str) -> str:
    """A new draft."""
    incident, found = facts.case.incident, parts(facts)
    people = ", ".join(sorted(set(incident.roles.values())))
    lines = [
        "---",
        f"review: PIR-{incident.number}",
        f"incident: {incident.subject}",
        f"owner: {_plain(owner)}",
        f"people: {_plain(people)}",
        "---",
        "",
        f"# PIR-{incident.number}: {escape(incident.title)}",
        "",
        *_part("facts", found),
        *_section("Summary", "What happened, to whom, for how long, and what ended it: three sentences."),
        *_section("Impact", "How many users, requests or orders it was, and what they saw."),
        *_part("impact", found),
        *_section("Timeline", "Correct it with `opsctl incident note --amend`; a new start brings it here."),
        *_part("timeline", found),
        *_section("Detection and response", "What told us, and what slowed us down?"),
        *_part("response", found),
        *_section("What went well"),
        *_section("Where we got lucky"),
        *_section("Five whys", "One list for each contributing cause; ask until the answer is a condition."),
        *[f"{number}. " for number in range(1, facts.whys + 1)],
        "",
        *_section("Contributing causes"),
        *_section("Actions", "A verb first, one owner, a date. `measure` shows later that it helped."),
        "| action | owner | due | priority | measure |",
        "| --- | --- | --- | --- | --- |",
        "| | | | | |",
        "",
        *_section("Lessons", "What others would want to know; `opsctl search` finds it."),
    ]
    return "\n".join(lines).rstrip() + "\n"


def parts(facts: Facts) -> Mapping[str, str]:
    """The data parts, by their names."""
    return {
        "facts": "\n".join(_facts(facts)),
        "impact": "\n".join(_impact(facts)),
        "timeline": "\n".join(_timeline(facts)),
        "response": "\n".join(_response(facts)),
    }


def _part(name: str, found: Mapping[str, str]) -> list[str]:
    return [begin(name), found[name], end(name), ""]


def _section(name: str, hint: str = "") -> list[str]:
    return [f"## {name}", "", *([f"<!-- {hint} -->", ""] if hint else [])]


def _plain(text: str) -> str:
    return escape(text).replace("\\", "")


def _facts(facts: Facts) -> Iterator[str]:
    incident, zone = facts.case.incident, facts.timezone
    yield "| | |"
    yield "| --- | --- |"
    yield f"| severity | {incident.peak} |"
    for name in ("services", "roles", "tags", "links"):
        if value := getattr(incident, name):
            yield f"| {name} | {escape(field(name, value, zone))} |"
    for name in _TIMES:
        if (at := getattr(incident, name)) is not None:
            yield f"| {name.replace('_', ' ')} | {zoned(at, zone, seconds=True)} |"
    for one in facts.case.dues:
        if one.what == "review":
            # Not how long is left: the draft would be another one every minute.
            yield f"| review due | {zoned(one.due, zone)} |"


def _impact(facts: Facts) -> Iterator[str]:
    since, until = (zoned(at, facts.timezone, seconds=True) for at in (facts.since, facts.until))
    lasted = brief(Kind.DURATION, facts.until - facts.since)
    yield f"From {since} to {until}, {lasted}:"
    yield ""
    if not facts.availability:
        yield "None of the services has checks, so nothing was measured."
        return
    yield "| service | available | low to high | known | n | by |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, figure in facts.availability:
        yield f"| {escape(name)} | {' | '.join(_figure(figure))} |"


def _figure(figure: Figure) -> Iterator[str]:
    yield (
        shown(figure.value, figure.unit) if figure.value is not None else f"no data: {escape(figure.reason)}"
    )
    yield bounds(figure) or "–"
    yield "–" if figure.coverage is None else percent(figure.coverage)
    yield str(figure.n)
    yield figure.definition


def _timeline(facts: Facts) -> Iterator[str]:
    yield "| at | who | what |"
    yield "| --- | --- | --- |"
    for entry in facts.entries:
        who, text = entry_words(entry)
        yield f"| {zoned(entry.at, facts.timezone, seconds=True)} | {escape(who)} | {escape(text)} |"


def _response(facts: Facts) -> Iterator[str]:
    yield "| time to | took | target | |"
    yield "| --- | --- | --- | --- |"
    for one in facts.stretches:
        yield f"| {one.name} | {_length(one.took)} | {_length(one.target)} | {_met(one)} |"


def _length(seconds: float | None) -> str:
    return "–" if seconds is None else brief(Kind.DURATION, seconds)


def _met(one: Stretch) -> str:
    if one.target is None:
        return ""
    if one.took is None:
        return "not known"
    return "met" if one.took <= one.target else f"missed by {brief(Kind.DURATION, one.took - one.target)}"
