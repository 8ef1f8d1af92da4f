"""Take backlog items in from CSV or JSON: every row is checked before one is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.errors import OpsctlError, UsageError
from opsctl.hours import hours
from opsctl.improving import Fields, add, edit, found
from opsctl.moments import deadline
from opsctl.prose import count, line, shorten, suggestion, ticked
from opsctl.strict_json import RepeatedKeyError, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TextIO

    from opsctl.definitions import Workspace
    from opsctl.ledger.item import Item
    from opsctl.store.ledger import Ledger

# What a file may say of an item; the rest of an export follows from other things and is passed over.
_TAKEN = (
    "title", "priority", "impact", "effort", "owner", "due", "tags", "services", "source", "measure", "text",
)  # fmt: skip
_PASSED_OVER = frozenset(
    {
        *(
            "item",
            "number",
            "state",
            "quadrant",
            "urgency",
            "verdict",
            "spent",
            "iteration",
            "proven",
            "links",
        ),
        *("added", "started", "finished", "verified", "verify_at", "baseline", "reason"),
    }
)
_MOST_SHOWN = 20
_LARGEST = 50_000_000


class Row(NamedTuple):
    """One item of a file: where it stands there, and what is said of it."""

    place: str
    values: Mapping[str, Any]


class Taken(NamedTuple):
    """What came of a file: items that are new, changed, and as they were."""

    added: tuple[Item, ...]
    changed: tuple[Item, ...]
    same: int


def read(name: str, stream: TextIO) -> list[Row]:
    """The rows of a file, which is JSON where it begins with a bracket, and else CSV.

    Raises UsageError where it cannot be read as either.
    """
    try:
        text = stream.read(_LARGEST + 1)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8; save it as UTF-8") from error
    if len(text) > _LARGEST:
        raise UsageError(f"{name} is larger than 50 MB; split it")
    text = text.removeprefix("\ufeff")
    rows = list(_json(name, text) if text.lstrip()[:1] in {"[", "{"} else _csv(name, text))
    if not rows:
        raise UsageError(
            f"{name} holds no items; its first line names columns, as {ticked(_TAKEN[:3], 'and')}"
        )
    return rows


def take_in(ledger: Ledger, workspace: Workspace, rows: Sequence[Row]) -> Taken:
    """Add the rows, and change those that name an item that is there.

    Raises UsageError with every problem of them all; nothing is kept then.
    """
    taken = Taken((), (), 0)
    problems: list[str] = []
    for row in rows:
        try:
            taken = _take(ledger, workspace, row, taken)
        except OpsctlError as error:
            problems.append(f"{row.place}: {error}")
    if problems:
        shown = "\n".join(problems[:_MOST_SHOWN])
        more = len(problems) - _MOST_SHOWN
        rest = f"\nand {more} more" if more > 0 else ""
        raise UsageError(f"{count('row', len(problems))} cannot be taken, so none was:\n{shown}{rest}")
    return taken


def _take(ledger: Ledger, workspace: Workspace, row: Row, taken: Taken) -> Taken:
    fields = _fields(row.values, ledger.recorded, workspace.timezone)
    name = row.values.get("item")
    if not name:
        return taken._replace(added=(*taken.added, add(ledger, workspace, fields)))
    item = found(ledger, str(name))
    changes = _differing(item, fields)
    if changes == Fields():
        return taken._replace(same=taken.same + 1)
    return taken._replace(changed=(*taken.changed, edit(ledger, workspace, item, changes)))


def _differing(item: Item, fields: Fields) -> Fields:
    given = {name: value for name, value in fields._asdict().items() if name != "clear"}
    changed = {
        name: value
        for name, value in given.items()
        if value is not None and _rounded(value) != _rounded(getattr(item, name))
    }
    return Fields(**changed)


def _rounded(value: Any) -> Any:
    """A value as an export shows it: texts in one line, numbers and times to the millisecond."""
    if isinstance(value, str):
        return line(value)
    return round(value, 3) if isinstance(value, float) else value


def _fields(values: Mapping[str, Any], now: float, timezone: str) -> Fields:
    given = {name: value for name in _TAKEN if (value := values.get(name)) not in (None, "", [], ())}
    found_: dict[str, Any] = {}
    for name, value in given.items():
        if name in {"tags", "services"}:
            found_[name] = _words(name, value)
        elif name == "effort":
            found_[name] = hours(str(value), name)
        elif name == "due":
            found_[name] = deadline(_text(name, value), now, timezone, name)
        else:
            found_[name] = _text(name, value)
    return Fields(**found_)


def _words(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(name, one) for one in value)
    return tuple(_text(name, value).replace(",", " ").split())


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"`{name}` is {line(shorten(json.dumps(value), 40))} and should be a text")
    return value


def _csv(name: str, text: str) -> Iterator[Row]:
    import csv
    import io

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        _known(f"{name}:1", header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise UsageError(
                    f"{name}:{reader.line_num}: {len(cells)} cells below {len(header)} names; "
                    "quote what holds a comma"
                )
            yield Row(f"{name}:{reader.line_num}", dict(zip(header, map(_bare, cells), strict=True)))
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: this is no CSV: {error}") from error


def _bare(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _json(name: str, text: str) -> Iterator[Row]:
    try:
        document = read_json(text, None)
    except RepeatedKeyError as error:
        raise UsageError(f"{name} is {error}; keep one") from error
    except RecursionError as error:
        raise UsageError(f"{name} is no list of items, as it is nested too deep") from error
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from error
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise UsageError(f'{name} holds no list of items; write `[{{"title": ...}}]`')
    for number, one in enumerate(items, 1):
        place = f"{name}: item {number}"
        _known(place, list(one))
        yield Row(place, one)


def _known(place: str, names: Sequence[str]) -> None:
    for one in names:
        if one not in _TAKEN and one not in _PASSED_OVER:
            hint = suggestion(one, _TAKEN) or f"; there are {ticked(_TAKEN, 'and')}"
            raise UsageError(f"{place}: `{line(shorten(one, 40))}` is no column{hint}")
