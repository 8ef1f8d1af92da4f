"""What a workspace declares beside its services: checklists, runbooks, routines, freezes; what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.finding import PAGES
from opsctl.references import duplicates, without_runbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from opsctl.checklists import Checklist
    from opsctl.composing import Problem
    from opsctl.declared import Part
    from opsctl.freezes import Freeze
    from opsctl.routines import Routine
    from opsctl.runbooks import Runbook


class Practices(NamedTuple):
    """Everything by id, in the order of the files."""

    checklists: Mapping[str, Checklist]
    runbooks: Mapping[str, Runbook]
    freezes: Mapping[str, Freeze]
    routines: Mapping[str, Routine]


def gather(folder: Path, parts: Sequence[Part], problems: list[Problem]) -> Practices:
    """The practices of all files; what is wrong across them is added to `problems`."""
    checklists = _section(parts, "checklists", "checklist", problems)
    freezes = _section(parts, "freezes", "freeze", problems)
    runbooks = _runbooks(parts, problems)
    written = {*runbooks, *(path.stem for path in folder.glob(PAGES))}
    problems.extend(without_runbook([pair for part in parts for pair in part.services], written))
    return Practices(checklists, runbooks, freezes, _routines(parts, problems))


def _section(parts: Sequence[Part], name: str, noun: str, problems: list[Problem]) -> dict[str, Any]:
    pairs = [pair for part in parts for pair in getattr(part, name)]
    problems.extend(duplicates(pairs, noun))
    return {place.text: definition for place, definition in pairs if definition is not None}


def _runbooks(parts: Sequence[Part], problems: list[Problem]) -> dict[str, Runbook]:
    found = _section(parts, "runbooks", "runbook", problems)
    if not found:
        return {}
    from opsctl.runbooks import Runbook

    return {
        name: Runbook(name, one.place.source.file, one.digest, one.procedure) for name, one in found.items()
    }


def _routines(parts: Sequence[Part], problems: list[Problem]) -> dict[str, Routine]:
    found = _section(parts, "routines", "routine", problems)
    if not found:
        return {}
    from opsctl.routines import named

    return {name: named(name, one) for name, one in found.items()}
