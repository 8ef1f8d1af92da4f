"""The event log, as text, JSON, NDJSON or CSV."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import clean, moment, zoned
from opsctl.formats.telling import told
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.event_log import Looked
    from opsctl.formats import Output
    from opsctl.store.entries import Entry

COLUMNS = (
    "id", "command", "recorded", "occurred", "actor", "host", "kind", "subject", "what", "words",
    "undone_by", "body", "digest",
)  # fmt: skip


def write(looked: Looked, output: str, out: Output) -> str:
    """The events that were found; `output` is text, json, ndjson or csv."""
    if output == "json":
        events = [entry_data(entry, looked.timezone) for entry in looked.entries]
        return json_text({**_head(looked), "events": events})
    if output == "ndjson":
        data = (entry_data(entry, looked.timezone) for entry in looked.entries)
        records = [{"type": "log", **_head(looked)}, *({"type": "event", **one} for one in data)]
        return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
    if output == "csv":
        return _csv(looked)
    lines = _terminal(looked, out, out.width) if out.width else _pipe(looked)
    return "".join(f"{one}\n" for one in lines)


def entry_data(entry: Entry, timezone: str) -> dict[str, Any]:
    """Everything of an event, ready for JSON; `what` is it in words."""
    event = entry.event
    return {
        "id": event.id,
        "command": event.command,
        "recorded": moment(event.recorded),
        "occurred": moment(event.occurred),
        "actor": clean(event.actor),
        "host": clean(event.host),
        "words": clean(event.words),
        "kind": clean(event.kind),
        "subject": clean(event.subject),
        "what": told(event, timezone),
        "body": clean(dict(event.body)),
        "undone_by": entry.undone_by,
        "digest": entry.digest,
    }


def _head(looked: Looked) -> dict[str, Any]:
    return {"format_version": "1.0", "workspace": clean(looked.workspace), "total": looked.total}


def _csv(looked: Looked) -> str:
    import csv
    import io

    from opsctl.formats.csv_rows import cell

    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for entry in looked.entries:
        data = entry_data(entry, looked.timezone)
        data["body"] = json.dumps(data["body"], ensure_ascii=False, allow_nan=False)
        rows.writerow([cell(data[column]) for column in COLUMNS])
    return target.getvalue()


def _pipe(looked: Looked) -> Iterator[str]:
    """Command, recorded, occurred, who, what, and what undid it: one event a line."""
    for entry in looked.entries:
        event = entry.event
        recorded, occurred = (
            zoned(at, looked.timezone, seconds=True) for at in (event.recorded, event.occurred)
        )
        cells = [str(event.command), recorded, occurred, line(event.actor), told(event, looked.timezone)]
        yield "\t".join([*cells, *([_undone(entry)] if entry.undone_by else [])])


def _terminal(looked: Looked, out: Output, width: int) -> Iterator[str]:
    """A heading for each command, and its events below it."""
    for _, group in groupby(looked.entries, key=lambda entry: entry.event.command):
        entries = list(group)
        first = entries[0]
        heading = f"command {first.event.command}  {zoned(first.event.recorded, looked.timezone)}"
        who = shorten(line(first.event.actor), 40)
        mark = f"  ({_undone(first)})" if first.undone_by else ""
        yield _painted(f"{heading}  {who}{mark}", "2" if first.undone_by else "1", out)
        for entry in entries:
            yield _painted(f"    {_event(entry, looked.timezone, width - 4)}", _struck(entry), out)


def _event(entry: Entry, timezone: str, room: int) -> str:
    event = entry.event
    at = _happened(event.recorded, event.occurred, timezone)
    return shorten(told(event, timezone), max(20, room - len(at))) + at


def _happened(recorded: float, occurred: float, timezone: str) -> str:
    """When it happened, where that is not when it was recorded."""
    if recorded == occurred:
        return ""
    then, now = zoned(occurred, timezone, seconds=True), zoned(recorded, timezone, seconds=True)
    same_day = then[:10] == now[:10]
    return (
        f" (at {then[11:16] if same_day else then[:16]})" if then[:16] != now[:16] else f" (at {then[11:19]})"
    )


def _undone(entry: Entry) -> str:
    return f"undone by command {entry.undone_by}"


def _struck(entry: Entry) -> str:
    return "2;9" if entry.undone_by else ""


def _painted(text: str, code: str, out: Output) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if out.colour and code else text
