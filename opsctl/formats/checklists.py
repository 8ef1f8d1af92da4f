"""Checklists, their sign-offs and waivers, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.table import table
from opsctl.prose import count, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.checklists import Checklist, Item
    from opsctl.formats import Output
    from opsctl.ledger.gate import Gate
    from opsctl.ledger.signoff import Signoff
    from opsctl.ledger.waiver import Waiver


def write_list(checklists: Mapping[str, Checklist], output: str) -> str:
    """Every checklist in a line; `output` is text or json."""
    if output == "json":
        rows = [{"checklist": name, **_about(one)} for name, one in checklists.items()]
        return json_text({"checklists": rows})
    width = max((len(name) for name in checklists), default=0)
    return "".join(
        f"{name:<{width}}  {count('item', len(one.items)):<9}  {line(one.title)}\n"
        for name, one in checklists.items()
    )


def write_one(name: str, checklist: Checklist, output: str) -> str:
    """A checklist with its items; `output` is text or json."""
    if output == "json":
        items = [_item(identity, one) for identity, one in checklist.items.items()]
        document = {"checklist": name, **_about(checklist), "list": items}
        return json_text(document)
    return "".join(f"{text}\n" for text in _lines(name, checklist))


def write_history(
    signoffs: Sequence[Signoff],
    waivers: Sequence[Waiver],
    gates: Sequence[Gate],
    output: str,
    timezone: str,
    now: float,
    out: Output,
) -> str:
    """Who said what when, and what the gate decided; `output` is text or json."""
    if output == "json":
        document = {
            "signoffs": [signoff_data(one) for one in signoffs],
            "waivers": [waiver_data(one) for one in waivers],
            "decisions": [gate_head(one) for one in gates],
        }
        return json_text(document)
    rows = [(one.at, _signed(one, timezone)) for one in signoffs]
    rows += [(one.given, _waived(one, timezone, now)) for one in waivers]
    rows += [(one.decided, _decided(one)) for one in gates]
    return table([(zoned(at, timezone), *text.split("\t")) for at, text in sorted(rows)], out)


def signoff_data(one: Signoff) -> dict[str, Any]:
    """Everything of a sign-off, ready for JSON."""
    fields = {name: clean(value) for name, value in one._asdict().items()}
    return {
        "signoff": one.subject,
        **fields,
        "at": moment(one.at),
        "revoked": None if one.revoked is None else moment(one.revoked),
    }


def waiver_data(one: Waiver) -> dict[str, Any]:
    """Everything of a waiver, ready for JSON."""
    fields = {name: clean(value) for name, value in one._asdict().items()}
    times = {name: getattr(one, name) for name in ("given", "expires", "ended")}
    return {"waiver": one.subject, **fields, **{name: at and moment(at) for name, at in times.items()}}


def gate_head(one: Gate) -> dict[str, Any]:
    """A decision without what it stood on, ready for JSON."""
    return {
        "gate": one.subject,
        "checklist": one.checklist,
        "subject": clean(one.subject_ref),
        "verdict": one.verdict,
        "decided": moment(one.decided),
        "environment": clean(one.environment),
        "override": clean(dict(one.override)) if one.override else None,
    }


def write_signed(one: Signoff, output: str, *, dry_run: bool = False) -> str:
    """What somebody said; `output` is text or json."""
    if output == "json":
        return json_text({"dry_run": dry_run, **signoff_data(one)})
    verb = "would be" if dry_run else "is"
    said = "signed" if one.outcome == "signed" else "n/a"
    what = "taken back" if one.revoked is not None else said
    about = f"by {line(one.who)} for {line(one.subject_ref)}{_where(one.environment)} ({one.subject})"
    return f"{one.checklist}/{one.item} {verb} {what} {about}\n"


def write_waived(one: Waiver, output: str, timezone: str, *, dry_run: bool = False) -> str:
    """A waiver; `output` is text or json."""
    if output == "json":
        return json_text({"dry_run": dry_run, **waiver_data(one)})
    verb = "would be" if dry_run else "is"
    if one.ended is not None:
        return f"{one.subject} {verb} ended\n"
    until = f"until {zoned(one.expires, timezone)} for {line(one.owner)}"
    return f"{one.checklist}/{one.item} {verb} waived {until} ({one.subject}, {one.backlog})\n"


def write_findings(findings: Sequence[tuple[str, str]], output: str) -> str:
    """What lint finds, as checklist and words; `output` is text or json."""
    if output == "json":
        rows = [{"checklist": name, "message": words} for name, words in findings]
        return json_text({"findings": rows})
    return "".join(f"{name}: {words}\n" for name, words in findings)


def _about(one: Checklist) -> dict[str, Any]:
    return {
        "title": clean(one.title),
        "text": clean(one.text),
        "kind": one.kind,
        "pause_point": clean(one.pause_point),
        "owner": clean(one.owner),
        "items": len(one.items),
    }


def _item(name: str, one: Item) -> dict[str, Any]:
    terms = one.terms
    return {
        "id": name,
        "text": clean(terms.text),
        "type": one.type,
        "required": terms.required,
        "warn": terms.warn,
        "shadow": terms.shadow,
        "manual": one.kind.MANUAL,
        "digest": one.digest,
    }


def _lines(name: str, one: Checklist) -> Iterator[str]:
    yield f"{name}  {line(one.title)} ({one.kind})"
    if one.text:
        yield f"  {line(one.text)}"
    if one.pause_point:
        yield f"  used: {line(one.pause_point)}"
    for number, (identity, item) in enumerate(one.items.items(), 1):
        notes = [name for name in ("warn", "shadow") if getattr(item.terms, name)]
        notes += [] if item.terms.required else ["optional"]
        # Who opens a checklist wants to know whom to ask.
        notes += [f"signed by {item.kind.role}"] if item.type == "sign" else []  # type: ignore[attr-defined]
        tail = f"  ({', '.join(notes)})" if notes else ""
        box = "[ ]" if item.kind.MANUAL else "   "
        yield f"  {number:>2}. {box} {identity:<16}  {item.type:<9}  {line(item.terms.text)}{tail}"


def _signed(one: Signoff, timezone: str) -> str:
    shown = one.evidence.get("text") or one.evidence.get("url") or one.evidence.get("file")
    notes = [f"{one.outcome} by {line(one.who)} for {line(one.subject_ref)}{_where(one.environment)}"]
    notes += [line(str(shown))] if shown else []
    notes += [f"taken back {zoned(one.revoked, timezone)}"] if one.revoked is not None else []
    notes += [line(one.reason)] if one.reason else []
    return f"{one.subject}\t{one.item}\t{', '.join(notes)}"


def _waived(one: Waiver, timezone: str, now: float) -> str:
    state = "ended" if one.ended is not None else "EXPIRED" if one.expires <= now else "until"
    where = (f" for {line(one.subject_ref)}" if one.subject_ref else "") + _where(one.environment)
    about = f"waived{where} by {line(one.by)} for {line(one.owner)}, {state} {zoned(one.expires, timezone)}"
    return f"{one.subject}\t{one.item}\t{about}: {line(one.reason)}"


def _decided(one: Gate) -> str:
    override = f", OVERRIDDEN by {line(str(one.override['who']))}" if one.override else ""
    about = f"{one.verdict} for {line(one.subject_ref)}{_where(one.environment)}"
    return f"{one.subject}\t{one.checklist}\t{about}{override}"


def _where(environment: str | None) -> str:
    return f" in {line(environment)}" if environment else ""
