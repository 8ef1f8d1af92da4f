"""Backlog items: what stands after a decision, lists in their order, one with the reasons for its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.csv_rows import cell
from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.telling import TIMES, field, told
from opsctl.hours import worded
from opsctl.outcome import Kind
from opsctl.prose import count, line, shorten
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.backlog import Dossier, Row, Stock
    from opsctl.formats import Output
    from opsctl.ledger.item import Item
    from opsctl.measures import Verdict

COLUMNS = (
    "item", "title", "state", "priority", "impact", "effort", "quadrant", "urgency", "owner", "due", "tags",
    "services", "source", "iteration", "measure", "verdict", "spent", "text",
)  # fmt: skip
_COLOURS = {"critical": "1;31", "high": "31", "medium": "33"}
_DETAILS = (
    "priority", "impact", "effort", "owner", "due", "tags", "services", "source", "iteration", "links",
    "text", "reason",
)  # fmt: skip
_TIMES = ("added", "started", "finished", "verified")


def write_list(stock: Stock, output: str, out: Output) -> str:
    """The items; `output` is text, json or csv."""
    if output == "json":
        document = {
            "workspace": clean(stock.workspace),
            "at": moment(stock.at),
            "unproven": stock.unproven,
            "items": [row_data(one) for one in stock.rows],
        }
        return json_text(document)
    if output == "csv":
        return _csv(stock)
    lines = [text for one in stock.rows for text in row_lines(one, stock.at, stock.timezone, out)]
    if out.width is not None and stock.unproven:
        lines += ["", f"{count('item', stock.unproven)} done and unproven: opsctl backlog list --unproven"]
    return "".join(f"{one}\n" for one in lines)


def row_lines(row: Row, now: float, timezone: str, out: Output) -> Iterator[str]:
    """An item in a list: one uncut record for a pipe, two lines for a terminal."""
    item = row.item
    due = due_words(row, now, timezone)
    if out.width is None:
        cells = (item.subject, row.standing, item.priority, row.place or "effort unknown", item.owner or "",
                 f"{row.urgency:.1f}", line(item.title), due)  # fmt: skip
        yield "\t".join(cells).rstrip("\t")
        return
    code = _COLOURS.get(item.priority) if out.colour else None
    priority = f"{item.priority:<8}"
    head = f"{item.subject:<8} {row.urgency:>5.1f}  {priority}  "
    shown = head.replace(priority, f"\x1b[{code}m{priority}\x1b[0m") if code else head
    yield shown + shorten(line(item.title), max(20, out.width - len(head)))
    notes = [row.standing, row.place or "effort unknown", line(item.owner or "nobody's"), due]
    notes += [item.iteration or "", line(item.source or "") and f"from {line(item.source or '')}"]
    yield shorten(f"{'':<16}{', '.join(note for note in notes if note)}", out.width)


def due_words(row: Row, now: float, timezone: str) -> str:
    """`due in 3d`, `OVERDUE by 2d`, `verify from 2026-12-19`; nothing where nothing is."""
    due = row.item.due
    if row.verify_at is not None:
        if now < row.verify_at:
            return f"verify from {zoned(row.verify_at, timezone)[:10]}"
        return f"VERIFY since {zoned(row.verify_at, timezone)[:10]}"
    if due is None or row.item.state in {"done", "rejected"}:
        return ""
    if now > due:
        return f"OVERDUE by {brief(Kind.DURATION, now - due)}"
    return f"due in {brief(Kind.DURATION, due - now)}"


def write_dossier(dossier: Dossier, output: str, out: Output) -> str:
    """One item, the reasons for its place, and its history; `output` is text or json."""
    if output == "json":
        data = {
            "at": moment(dossier.at),
            **row_data(dossier.row),
            "terms": [{"name": term.name, "value": round(term.value, 3)} for term in dossier.terms],
            "events": [
                {
                    "id": event.id,
                    "at": moment(event.occurred),
                    "actor": clean(event.actor),
                    "kind": event.kind,
                }
                for event in dossier.events
            ],
        }
        return json_text(data)
    return "".join(f"{one}\n" for one in _dossier(dossier, out))


def write_decided(row: Row, output: str, now: float, timezone: str, *, dry_run: bool = False) -> str:
    """The item as it is now; `output` is text or json."""
    item = row.item
    if output == "json":
        data = {"dry_run": dry_run, **row_data(row)}
        return json_text(data)
    verb = "would be" if dry_run else "is"
    notes = [item.priority, row.place or "effort unknown", due_words(row, now, timezone)]
    about = ", ".join(note for note in notes if note)
    before = "" if item.baseline is None or item.state != "started" else _before(item)
    return f"{item.subject} {verb} {row.standing}: {line(item.title)} ({about})\n{before}"


def _before(item: Item) -> str:
    return f"before: {_value(item.baseline)} by {line(item.measure or '')}\n"


def write_verdict(row: Row, verdict: Verdict, output: str) -> str:
    """What a measurement came to; `output` is text or json."""
    item = row.item
    if output == "json":
        told_ = {"outcome": verdict.outcome, "words": clean(verdict.words)}
        data = {**row_data(row), "outcome": told_}
        return json_text(data)
    return f"{item.subject} {verdict.outcome}: {line(verdict.words)} ({line(item.measure or '')})\n"


def row_data(row: Row) -> dict[str, Any]:
    """Everything of an item, ready for JSON."""
    item = row.item
    fields = {name: clean(_plain(value)) for name, value in item._asdict().items()}
    times = {name: _moment(getattr(item, name)) for name in fields if name in TIMES}
    links = [{"relation": relation, "other": clean(other)} for relation, other in item.links]
    return {
        "item": item.subject,
        **fields,
        **times,
        "links": links,
        "quadrant": row.place,
        "urgency": round(row.urgency, 3),
        "proven": item.proven,
        "verify_at": _moment(row.verify_at),
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _csv(stock: Stock) -> str:
    import csv
    import io

    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for one in stock.rows:
        data = row_data(one)
        data["tags"], data["services"] = " ".join(data["tags"]), " ".join(data["services"])
        data["verdict"] = data["verdict"]["outcome"] if data["verdict"] else ""
        rows.writerow([cell(data[name]) for name in COLUMNS])
    return target.getvalue()


def _dossier(dossier: Dossier, out: Output) -> Iterator[str]:
    row, zone = dossier.row, dossier.timezone
    item = row.item
    yield f"{item.subject}  {row.standing}  {line(item.title)}"
    for name in _DETAILS:
        if value := getattr(item, name):
            shown = worded(value) if name == "effort" else field(name, value, zone)
            yield f"  {name:<10} {shown}"
    for name in _TIMES:
        if (at := getattr(item, name)) is not None:
            yield f"  {name:<10} {zoned(at, zone)}"
    yield from _proof(item, row, zone)
    yield ""
    yield f"urgency {row.urgency:.2f}, the sum of"
    for term in dossier.terms:
        yield f"  {term.value:>+7.2f}  {line(term.name)}"
    yield ""
    for event in dossier.events:
        text = f"{zoned(event.occurred, zone)}  {line(event.actor)}  {told(event, zone)}"
        yield shorten(text, out.width) if out.width else text


def _proof(item: Item, row: Row, timezone: str) -> Iterator[str]:
    if item.measure is None:
        yield "  measure    none, so that nothing can show that it helped"
        return
    yield f"  measure    {line(item.measure)}"
    if item.baseline is not None:
        yield f"  before     {_value(item.baseline)}"
    if item.verdict is not None:
        yield f"  after      {_value(item.verdict['after'])}"
        yield f"  verdict    {item.verdict['outcome']}: {line(item.verdict['words'])}"
    elif row.verify_at is not None:
        yield f"  verify     from {zoned(row.verify_at, timezone)}: opsctl backlog verify {item.number}"


def _value(stored: Any) -> str:
    from opsctl.formats.metrics import shown

    if stored["value"] is None:
        return f"no data: {line(stored['reason'])}"
    limits = [shown(stored[name], stored["unit"]) for name in ("low", "high") if stored[name] is not None]
    about = f", {' to '.join(limits)}" if limits else ""
    return f"{shown(stored['value'], stored['unit'])} (n={stored['n']}{about})"
