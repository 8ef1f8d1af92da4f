"""Lint checklists by what they say and by what their gates decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.attesting import ANYONE
from opsctl.prose import count
from opsctl.store.attested import decisions
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.checklists import Checklist
    from opsctl.definitions import Workspace
    from opsctl.ledger.gate import Gate

# Beyond so many, people stop to read each (Gawande, The Checklist Manifesto).
_MOST_MANUAL = 9
# Fewer decisions say nothing of an item.
_ENOUGH = 20


def findings(workspace: Workspace) -> list[tuple[str, str]]:
    """What is wrong, as the name of a checklist and words; StoreError where the store cannot be read."""
    found: list[tuple[str, str]] = []
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        for name, checklist in workspace.checklists.items():
            gates = decisions(db, name, 500)
            found += [(name, words) for words in (*_written(workspace, checklist), *_lived(checklist, gates))]
    return found


def _written(workspace: Workspace, checklist: Checklist) -> Iterator[str]:
    manual = [name for name, one in checklist.items.items() if one.kind.MANUAL]
    if len(manual) > _MOST_MANUAL:
        words = "split it, or let opsctl check some"
        yield f"{count('manual item', len(manual))}, more than {_MOST_MANUAL}; {words}"
    if not any(one.terms.required and not one.terms.shadow for one in checklist.items.values()):
        yield "no item is required, so it is never open; make one required"
    for name in manual:
        kind = checklist.items[name].kind
        role = getattr(kind, "role", ANYONE)
        if role != ANYONE and role not in workspace.roles:
            yield f"{name}: nobody is named for the role {role}, so anybody may claim it; add it to `roles:`"
        people = workspace.roles.get(role, ())
        if role in workspace.roles and len(people) < getattr(kind, "count", 1):
            yield f"{name}: {count('signature', kind.count)} of {role} are asked for, who are {len(people)}"  # type: ignore[attr-defined]


def _lived(checklist: Checklist, gates: Sequence[Gate]) -> Iterator[str]:
    for name in checklist.items:
        verdicts = [str(one["verdict"]) for gate in gates for one in gate.items if one["id"] == name]
        if len(verdicts) < _ENOUGH:
            continue
        if set(verdicts) <= {"pass", "n/a"}:
            yield f"{name}: it never failed in {len(verdicts)} decisions; is it still needed?"
        elif set(verdicts) <= {"waived", "n/a"}:
            yield f"{name}: it was waived in all of {len(verdicts)} decisions; mend it, or take it out"
