"""What undoing a command takes back and changes, as text or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.telling import TIMES, changed_fields, field, told
from opsctl.prose import count, line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.formats import Output
    from opsctl.ledger.events import Event
    from opsctl.store.undoing import Change
    from opsctl.undo import Taking

# More than anybody reads before answering a question.
_MOST = 20


def write(taking: Taking, output: str, out: Output) -> str:
    """What is undone; `output` is text or json."""
    if output == "json":
        return json_text(_document(taking))
    lines = _terminal(taking, out.width, out) if out.width else _pipe(taking)
    return "".join(f"{one}\n" for one in lines)


def done(taking: Taking) -> str:
    """One line that says what was done, and how to go back on it."""
    return f"command {taking.undo.command} is undone; `opsctl undo {taking.by}` brings it back\n"


def _terminal(taking: Taking, width: int, out: Output) -> Iterator[str]:
    undo, zone = taking.undo, taking.timezone
    for heading, events in (("takes back", undo.events), ("brings back", undo.restored)):
        for command in dict.fromkeys(event.command for event in events):
            own = [event for event in events if event.command == command]
            yield f"{heading} command {command} of {line(own[0].actor)}, {zoned(own[0].recorded, zone)}"
            yield from _some([f"    {shorten(told(event, zone), width - 4)}" for event in own], "event")
    changes = [one for change in undo.changes for one in _changes(change, zone)]
    yield "changes" if changes else "changes nothing else"
    arrow = "->" if out.ascii else "→"
    names = max((len(subject) for subject, *_ in changes), default=0)
    fields = max((len(name) for _, name, *_ in changes), default=0)
    room = max(10, (width - names - fields - 12) // 2)
    yield from _some(
        [
            f"    {subject:<{names}}  {name:<{fields}}  "
            + (f"{shorten(before, room)} {arrow} {shorten(after, room)}" if name else f"{before}{after}")
            for subject, name, before, after in changes
        ],
        "change",
    )


def _some(lines: Sequence[str], noun: str) -> list[str]:
    left = len(lines) - _MOST
    return [*lines] if left <= 0 else [*lines[:_MOST], f"    and {count(f'more {noun}', left)}"]


def _pipe(taking: Taking) -> Iterator[str]:
    """One event or changed field a line: what is done with it, the subject, the field, before, after."""
    undo, zone = taking.undo, taking.timezone
    for verb, events in (("takes back", undo.events), ("brings back", undo.restored)):
        for event in events:
            recorded = zoned(event.recorded, zone, seconds=True)
            yield f"{verb}\t{event.command}\t{recorded}\t{line(event.actor)}\t{told(event, zone)}"
    for change in undo.changes:
        for one in _changes(change, zone):
            yield "\t".join(("changes", *(text for text in one if text)))


def _changes(change: Change, zone: str) -> Iterator[tuple[str, str, str, str]]:
    """Subject, field, before and after of all that differs; a subject that comes or goes is one line."""
    subject = line(change.subject)
    if change.before is None or change.after is None:
        if change.before is not change.after:
            yield subject, "", "comes back" if change.before is None else "is gone", ""
        return
    for name in changed_fields(change.before, change.after):
        before, after = (field(name, getattr(one, name), zone) for one in (change.before, change.after))
        yield subject, name.replace("_", " "), before, after


def _document(taking: Taking) -> dict[str, Any]:
    undo, zone = taking.undo, taking.timezone
    return {
        "workspace": clean(taking.workspace),
        "command": undo.command,
        "undone_by": taking.by,
        "takes_back": [_event(event, zone) for event in undo.events],
        "brings_back": [_event(event, zone) for event in undo.restored],
        "changes": [
            {
                "subject": clean(change.subject),
                "field": name,
                "before": _value(change.before, name),
                "after": _value(change.after, name),
            }
            for change in undo.changes
            if change.before is not None or change.after is not None
            for name in changed_fields(change.before, change.after)
        ],
    }


def _event(event: Event, zone: str) -> dict[str, Any]:
    return {
        "id": event.id,
        "command": event.command,
        "recorded": moment(event.recorded),
        "occurred": moment(event.occurred),
        "actor": clean(event.actor),
        "kind": event.kind,
        "subject": clean(event.subject),
        "what": told(event, zone),
    }


def _value(record: Any, name: str) -> Any:
    value = None if record is None else getattr(record, name)
    if name in TIMES and value is not None:
        return moment(value)
    # Through JSON, as tuples are lists there.
    return clean(json.loads(json.dumps(value)))
