"""Reviews: lists with what is due, one with its actions, and what lint finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.clocks import Due
from opsctl.formats.csv_rows import cell
from opsctl.formats.dues import due_words
from opsctl.formats.github import data, property_
from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.linting import RULES
from opsctl.prose import count, line, safe, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.ledger.item import Item
    from opsctl.proofreading import Proof
    from opsctl.reviewing import Owed, Reviews

COLUMNS = ("review", "incident", "severity", "state", "owner", "due", "overdue", "submitted", "title")


def write_list(reviews: Reviews, output: str, out: Output) -> str:
    """The reviews; `output` is text, json or csv."""
    if output == "json":
        document = {
            "workspace": clean(reviews.workspace),
            "at": moment(reviews.at),
            "reviews": [review_data(one, reviews.at) for one in reviews.owed],
        }
        return json_text(document)
    if output == "csv":
        return _csv(reviews)
    return "".join(f"{_row(one, reviews, out)}\n" for one in reviews.owed)


def review_data(one: Owed, now: float) -> dict[str, Any]:
    """Everything of a review but its text, ready for JSON."""
    review, incident = one.review, one.incident
    return {
        "review": f"PIR-{incident.number}",
        "incident": incident.subject,
        "title": clean(incident.title),
        "severity": incident.peak,
        "state": one.state,
        "owner": clean(review.owner) if review else None,
        "file": clean(review.file) if review else None,
        "due": None if one.due is None else moment(one.due),
        "overdue": one.overdue(now),
        "submitted": moment(review.submitted) if review and review.submitted else None,
        "actions": list(review.actions) if review else [],
        "reason": clean(review.reason) if review else None,
    }


def write_one(one: Owed, items: Sequence[Item], output: str, now: float, timezone: str) -> str:
    """One review with the items that it made; `output` is text, json or markdown."""
    text = one.review.text if one.review else ""
    if output == "markdown":
        return safe(text)
    if output == "json":
        actions = [{"item": item.subject, "title": clean(item.title), "state": item.state} for item in items]
        document = {**review_data(one, now), "actions": actions, "text": clean(text)}
        return json_text(document)
    return "".join(f"{text}\n" for text in _lines(one, items, now, timezone))


def write_proofs(proofs: Sequence[Proof], output: str) -> str:
    """What lint finds; `output` is text, json or github."""
    found = [(proof.file, one) for proof in proofs for one in proof.findings]
    if output == "json":
        findings = [{"file": clean(file), **one._asdict()} for file, one in found]
        document = {"files": len(proofs), "findings": findings}
        return json_text(document)
    if output == "github":
        return "".join(
            f"::error file={property_(file)},line={one.line},col={one.column},title={one.rule}"
            f"::{data(one.message)}\n"
            for file, one in found
        )
    return "".join(
        f"{safe(file)}:{one.line}:{one.column}: {one.rule}: {one.message}\n" for file, one in found
    )


def write_rules(output: str) -> str:
    """Every rule of lint."""
    if output == "json":
        return json_text({"rules": RULES})
    width = max(map(len, RULES))
    return "".join(f"{name:<{width}}  {words}\n" for name, words in RULES.items())


def write_submitted(one: Owed, items: Sequence[Item], output: str, now: float, *, dry_run: bool) -> str:
    """What came of submitting; `output` is text or json."""
    if output == "json":
        document = {"dry_run": dry_run, **review_data(one, now)}
        return json_text(document)
    verb = "would be" if dry_run else "is"
    lines = [
        f"PIR-{one.incident.number} {verb} {one.state}, {one.incident.subject} {verb} {one.incident.state}"
    ]
    if items:
        lines += [f"{count('action', len(items))} in the backlog:"]
        lines += [f"  {item.subject}  {line(item.title)} ({line(item.owner or '')})" for item in items]
    return "".join(f"{text}\n" for text in lines)


def _row(one: Owed, reviews: Reviews, out: Output) -> str:
    incident = one.incident
    due = _due(one, reviews.at, reviews.timezone)
    owner = line(one.review.owner or "") if one.review else ""
    if out.width is None:
        cells = (f"PIR-{incident.number}", incident.peak, one.state, owner, line(incident.title), due)
        return "\t".join(cells).rstrip("\t")
    head = f"{f'PIR-{incident.number}':<8} {incident.peak}  {one.state:<10} "
    room = max(20, out.width - len(head) - len(due) - 2)
    return f"{head}{shorten(line(incident.title), room):<{room}}  {due}".rstrip()


def _due(one: Owed, now: float, timezone: str) -> str:
    if one.review and one.review.submitted is not None:
        return f"{one.state} {zoned(one.review.submitted, timezone)[:10]}"
    if one.due is None:
        return ""
    return due_words(Due(one.incident.subject, "review", one.due), now, timezone, said=False)


def _lines(one: Owed, items: Sequence[Item], now: float, timezone: str) -> Iterator[str]:
    review, incident = one.review, one.incident
    yield f"PIR-{incident.number}  {one.state}  {incident.peak}  {line(incident.title)}"
    yield f"  incident   {incident.subject}, {incident.state}"
    if due := _due(one, now, timezone):
        yield f"  due        {due}"
    if review is None:
        yield f"  next       opsctl review start {incident.number}"
        return
    for name in ("owner", "file", "reason", "digest"):
        if value := getattr(review, name):
            yield f"  {name:<10} {line(value)}"
    for item in items:
        yield f"  {item.subject:<10} {item.state}: {line(item.title)}"
    if review.text:
        yield ""
        yield safe(review.text).rstrip()


def _csv(reviews: Reviews) -> str:
    import csv
    import io

    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for one in reviews.owed:
        row = review_data(one, reviews.at)
        rows.writerow([cell(row[name]) for name in COLUMNS])
    return target.getvalue()
