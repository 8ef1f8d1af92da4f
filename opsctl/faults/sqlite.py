"""How a database file fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.faults import Fault, slow
from opsctl.outcome import Cause, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


def faults(kind: Any, timeout: float) -> Iterator[Fault]:
    """Those of the file, and of what a query finds in it."""
    for name, cause, text in (
        ("missing", Cause.MISSING, "the file is not there"),
        ("locked", Cause.TIMEOUT, "somebody keeps it locked"),
        ("no-database", Cause.PROTOCOL, "the file is no database"),
    ):
        yield Fault(name, text, failure=Failure(cause, text))
    if not kind.query:
        yield Fault(
            "corrupt", "pages are damaged", {"integrity": "row 3 is missing"}, cure='integrity == "ok"'
        )
        return
    gone = frozenset({"value", "row"})
    yield Fault("no-rows", "the query finds nothing", {"rows": 0}, gone, cure="rows > 0")
    # What the columns are called is the query's business.
    row: dict[str, Any] = {"rows": 1, "row": {}}
    yield Fault("null", "the query finds NULL", {**row, "value": None}, cure="value > 0")
    yield Fault("zero", "the query finds 0", {**row, "value": 0}, cure="value > 0")
    yield slow(timeout)
