"""CSV for spreadsheets: a text that a spreadsheet would run as a formula gets a leading apostrophe."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from opsctl.formats.summary import as_data
from opsctl.prose import line

if TYPE_CHECKING:
    from opsctl.formats import Output
    from opsctl.records import CheckRun

COLUMNS = (
    "check",
    "service",
    "owner",
    "tier",
    "state",
    "since",
    "seen",
    "at",
    "cause",
    "message",
    "latency",
    "attempts",
    "explained_by",
    "target",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(run: CheckRun, _out: Output) -> str:
    """The run as CSV (RFC 4180), a row for each check, below a row of names."""
    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for one in run.checked:
        data = as_data(one)
        rows.writerow([cell(data[column]) for column in COLUMNS])
    return target.getvalue()


def cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    text = line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
