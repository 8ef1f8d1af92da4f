"""Documents with their reviews, as text or JSON, and what lint finds, as annotations too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.github import MOST_ANNOTATIONS, data, property_
from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.outcome import Kind
from opsctl.prose import count, line, safe, shorten
from opsctl.units import brief, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.doc_linting import Finding, Linted
    from opsctl.formats import Output
    from opsctl.knowledge import Known
    from opsctl.ledger.document import Reviewed


def write_list(found: Sequence[Known], output: str, now: float, timezone: str, out: Output) -> str:
    """The documents; `output` is text or json."""
    if output == "json":
        document = {
            "at": moment(now),
            "documents": [document_data(one) for one in found],
        }
        return json_text(document)
    width = min(60, max((len(line(one.path)) for one in found), default=0))
    return "".join(f"{_row(one, now, timezone, out, width)}\n" for one in found)


def document_data(one: Known) -> dict[str, Any]:
    """Everything of a document but its text, ready for JSON."""
    return {
        "path": clean(one.path),
        "title": clean(one.title),
        "owner": clean(one.owner),
        "tags": list(one.document.tags),
        "review_every": one.review_every,
        "state": one.state,
        "age": one.age,
        "due": None if one.due is None else moment(one.due),
        "reviewed_by": clean(one.reviewed_by),
        "reviewed_at": moment(one.last.at) if one.last else None,
        "record": one.last.subject if one.last else None,
        "note": clean(one.last.note) if one.last else None,
        "sha256": one.document.sha256,
        "problems": [clean(str(problem)) for problem in one.document.problems],
    }


def write_one(one: Known, output: str, now: float, timezone: str) -> str:
    """One document; `output` is text or json."""
    if output == "json":
        return json_text(document_data(one))
    return "".join(f"{text}\n" for text in _lines(one, now, timezone))


def write_reviewed(reviews: Sequence[Reviewed], output: str, *, dry_run: bool) -> str:
    """The reviews that were kept, or would be; `output` is text or json."""
    if output == "json":
        rows = [
            {
                "record": one.subject,
                "path": clean(one.path),
                "sha256": one.sha256,
                "by": clean(one.by),
                "at": moment(one.at),
                "note": clean(one.note),
                "reviews": one.reviews,
            }
            for one in reviews
        ]
        document = {"dry_run": dry_run, "reviews": rows}
        return json_text(document)
    verb = "would be reviewed" if dry_run else "is reviewed"
    return "".join(f"{one.subject}: {one.path} {verb} by {line(one.by)}\n" for one in reviews)


def write_lint(linted: Linted, output: str) -> str:
    """What lint found; `output` is text, json or github."""
    if output == "json":
        findings = [
            {**one._asdict(), "file": clean(one.file), "message": clean(one.message)}
            for one in linted.findings
        ]
        document = {"documents": linted.documents, "findings": findings}
        return json_text(document)
    if output == "github":
        lines = [_annotation(one) for one in linted.findings[:MOST_ANNOTATIONS]]
        lines += [_finding(one) for one in linted.findings[MOST_ANNOTATIONS:]]
        return "".join(f"{text}\n" for text in lines)
    return "".join(f"{_finding(one)}\n" for one in linted.findings)


def sentence(linted: Linted) -> str:
    """What lint found, in one line."""
    warnings = len(linted.findings) - linted.errors
    more = f" and {count('warning', warnings)}" if warnings else ""
    return f"{count('finding', linted.errors)}{more} in {count('document', linted.documents)}\n"


def _finding(one: Finding) -> str:
    word = "" if one.error else "warning: "
    return f"{safe(one.file)}:{one.line}:{one.column}: {word}{one.rule}: {safe(one.message)}"


def _annotation(one: Finding) -> str:
    level = "error" if one.error else "warning"
    place = f"file={property_(safe(one.file))},line={one.line},col={one.column},title={one.rule}"
    return f"::{level} {place}::{data(safe(one.message))}"


def _row(one: Known, now: float, timezone: str, out: Output, width: int) -> str:
    when = f"{_by(one)}, {_due(one, now, timezone)}" if one.last else "never reviewed"
    if out.width is None:
        cells = (one.state, line(one.path), line(one.owner or ""), when, line(one.title))
        return "\t".join(cells)
    head = f"{one.state:<8}  {line(one.path):<{width}}  {line(one.owner or '-'):<12}  "
    return (head + shorten(when, max(20, out.width - len(head)))).rstrip()


def _by(one: Known) -> str:
    return f"{line(one.reviewed_by or '')} {brief(Kind.DURATION, one.age or 0.0)} ago"


def _due(one: Known, now: float, timezone: str) -> str:
    if one.due is None:
        return "due now"
    if one.due <= now:
        return f"OVERDUE since {zoned(one.due, timezone)[:10]}"
    return f"due {zoned(one.due, timezone)[:10]}"


def _lines(one: Known, now: float, timezone: str) -> Iterator[str]:
    yield f"{line(one.path)}  {one.state}  {line(one.title)}"
    every = show(Kind.DURATION, one.review_every) if one.review_every is not None else ""
    rows = [
        ("owner", line(one.owner or "")),
        ("tags", ", ".join(one.document.tags)),
        ("every", every),
        ("due", _due(one, now, timezone).removeprefix("due ")),
        ("sha256", one.document.sha256),
    ]
    if one.last:
        number = count("review", one.last.reviews)
        rows += [
            ("reviewed", f"by {_by(one)} ({zoned(one.last.at, timezone)}; {one.last.subject}, {number})"),
            ("note", line(one.last.note)),
        ]
        rows += [("was", one.last.sha256)] if one.state == "changed" else []
    rows += [("problem", safe(str(problem))) for problem in one.document.problems]
    yield from (f"  {name:<9} {value}" for name, value in rows if value)
    if one.state != "reviewed":
        yield f"  next      read it, then: opsctl docs review {line(one.path)}"
