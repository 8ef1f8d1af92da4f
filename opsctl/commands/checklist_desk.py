"""What the commands on checklists share: the subject, one transaction, and what is shown after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commands.console import emit, reader_of
from opsctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsctl.commands.deciding import Desk
    from opsctl.item_kinds import Target
    from opsctl.ledger.signoff import Signoff
    from opsctl.ledger.waiver import Waiver
    from opsctl.store.ledger import Ledger


def target(desk: Desk, subject: str | None, environment: str | None) -> Target:
    """The target that is meant; UsageError where none is named."""
    from opsctl.targeting import target_of

    if subject is None:
        raise UsageError("what it is about is missing; add --subject with a commit or a version")
    return target_of(desk.workspace, desk.world.environ, subject, environment, ())


def signed(desk: Desk, decision: Callable[[Ledger], Signoff]) -> None:
    """Keep somebody's word, and show it."""
    from opsctl.acting import acting
    from opsctl.formats.checklists import write_signed

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        kept = decision(ledger)
    emit(desk.world, write_signed(kept, desk.output, dry_run=desk.dry_run))


def waived(desk: Desk, decision: Callable[[Ledger], Waiver]) -> None:
    """Keep an exception, and show it."""
    from opsctl.acting import acting
    from opsctl.formats.checklists import write_waived

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        kept = decision(ledger)
    emit(desk.world, write_waived(kept, desk.output, desk.workspace.timezone, dry_run=desk.dry_run))


def told(desk: Desk, checklist: str) -> None:
    """Show who said what, what was excepted and what was decided."""
    from opsctl.formats.checklists import write_history
    from opsctl.gating import checklist_named
    from opsctl.store.attested import decisions, signoffs, waivers
    from opsctl.store.opening import open_store

    checklist_named(desk.workspace, checklist)
    with open_store(desk.workspace.store, write=False) as store, store.reading() as db:
        words, exceptions = signoffs(db, checklist), waivers(db, checklist)
        gates = decisions(db, checklist, 100)
    timezone, now = desk.workspace.timezone, desk.world.now
    out = reader_of(desk.world)
    emit(desk.world, write_history(words, exceptions, gates, desk.output, timezone, now, out))


def walk(desk: Desk, checklist: str, subject: str | None, environment: str | None) -> int:
    """Show each item; ask for what a person says; answer the exit code of the whole.

    Raises UsageError where nobody can be asked: a gate decides without.
    """
    from opsctl.commands.gate_desk import Question, answer
    from opsctl.gating import checklist_named
    from opsctl.signing import evidence_of, sign

    about = target(desk, subject, environment)
    definition = checklist_named(desk.workspace, checklist)
    manual = {name: one for name, one in definition.items.items() if one.kind.MANUAL}
    if manual and not desk.world.interactive:
        raise UsageError(f"nobody can be asked here; use `opsctl gate {checklist}`, which never asks")
    for number, (name, item) in enumerate(manual.items(), 1):
        desk.world.stderr.write(
            f"{number}/{len(manual)} {name}: {item.terms.text}\n  y signs, Enter leaves it: "
        )
        desk.world.stderr.flush()
        if desk.world.stdin.readline().strip().lower() in {"y", "yes"}:
            wants = getattr(item.kind, "evidence", False)
            shown = _evidence(desk) if wants else None
            kept = evidence_of(shown, None, None)
            signed(desk, lambda ledger, name=name, kept=kept: sign(  # type: ignore[misc]
                ledger, desk.workspace, checklist, name, about, kept, None
            ))  # fmt: skip
    question = Question(checklist, subject, environment, None, None, None, False, None, False)
    return answer(desk.workspace.root, question, "text", explain=False)


def taken_in(desk: Desk, file: Path) -> None:
    """Take in the words of a file, and say how many counted."""
    from opsctl.acting import acting
    from opsctl.signoff_files import import_signoffs

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        kept, known = import_signoffs(ledger, desk.workspace, desk.world.environ, file)
    would = "would be " if desk.dry_run else ""
    emit(desk.world, f"{len(kept)} {would}taken in, {known} known already\n")


def _evidence(desk: Desk) -> str:
    desk.world.stderr.write("  evidence: ")
    desk.world.stderr.flush()
    return desk.world.stdin.readline().strip()
