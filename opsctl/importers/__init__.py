"""Checks of other tools as opsctl's own: one file each, one line here each.

Each says for every line what it became or why not, and points out what could not fail where it came from.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOOLS = ("gatus", "goss")


class Note(NamedTuple):
    """What became of a line: `lost` where nothing did. `open` says how it passed there when it must not."""

    where: str
    text: str
    lost: bool = False
    open: str = ""


class Imported(NamedTuple):
    """Services as their YAML says them, and a note on every line that was read."""

    services: Mapping[str, Any]
    notes: tuple[Note, ...]


class ForeignError(ValueError):
    """The file is none of that tool's; its words say why."""


def importer(tool: str) -> Callable[[Any], Imported]:
    """What takes the data of one of `TOOLS`; ForeignError where the data is not as that tool has it."""
    return cast("Callable[[Any], Imported]", import_module(f"opsctl.importers.{tool}").take)


def name_of(text: str, taken: Mapping[str, object] | None = None) -> str:
    """A name that opsctl allows, as near to the text as can be, and none that is `taken`."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:56] or "unnamed"
    number, name = 2, plain
    while taken is not None and name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def quoted(text: str) -> str:
    """A text as an expectation writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
