"""What there is to say of a store, as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.formats.json_text import json_text
from opsctl.formats.summary import moment, short_moment
from opsctl.outcome import Kind
from opsctl.units import brief

if TYPE_CHECKING:
    from opsctl.store.upkeep import Info


def write_info(info: Info, output: str) -> str:
    """The store's facts; `output` is text or json."""
    if output == "json":
        first, last = (moment(at) if at is not None else None for at in (info.first, info.last))
        facts = {**info._asdict(), "path": str(info.path), "first": first, "last": last}
        return json_text(facts)
    results = (
        f"{short_moment(info.first)} to {short_moment(info.last)}"
        if info.first is not None and info.last is not None
        else "none"
    )
    lines = [
        f"path     {info.path}",
        f"size     {brief(Kind.SIZE, info.size)}, of it free {brief(Kind.SIZE, info.free)}",
        f"schema   {info.schema}",
        f"journal  {info.journal}, SQLite {info.sqlite}",
        f"results  {results}",
        f"events   {info.events}",
        f"head     {info.head}",
        *(f"rows     {number} {table}" for table, number in info.rows.items()),
    ]
    return "\n".join(lines) + "\n"
