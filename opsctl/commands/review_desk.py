"""What the commands on reviews do with files: write the draft, have it edited, take it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.commands.console import emit
from opsctl.errors import UsageError
from opsctl.prose import count, line

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.commands.deciding import Desk


def begin(desk: Desk, name: str, owner: str | None) -> Path:
    """Write the draft of a review, or bring new data into the one that is there."""
    from opsctl import reviewing
    from opsctl.acting import acting
    from opsctl.drafts import refresh
    from opsctl.examining import examine
    from opsctl.formats.review_draft import draft, parts
    from opsctl.proofreading import text_of_file
    from opsctl.writing import write_whole

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        incident = reviewing.over(reviewing.incident_named(ledger.db, name))
        file = reviewing.file_of(desk.workspace, incident)
        shown = str(file.relative_to(desk.workspace.root))
        facts = examine(ledger.db, desk.workspace, incident, desk.world.now)
        old = text_of_file(file) if file.exists() else None
        # Before anything is kept: a draft that is damaged changes nothing.
        new = draft(facts, owner or ledger.actor.name) if old is None else refresh(old, parts(facts), shown)
        review = reviewing.begin(ledger, desk.workspace, incident, owner or ledger.actor.name)
        if not desk.dry_run:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, new)
    verb = "would be" if desk.dry_run else "is"
    what = "written" if old is None else "unchanged" if old == new else "brought up to date"
    emit(desk.world, f"{review.subject} of {line(review.owner or '')} {verb} {what}: {shown}\n")
    desk.world.stderr.write(
        f"next: opsctl review edit {incident.number}, then opsctl review submit {incident.number}\n"
    )
    return file


def edit(desk: Desk, name: str) -> int:
    """Have a draft edited; answer 0 where lint finds nothing afterwards, and else 1."""
    from opsctl.acting import actor_of
    from opsctl.formats.reviews import write_proofs
    from opsctl.proofreading import proofread

    file = _draft(desk, name)
    if not desk.world.interactive:
        raise UsageError(f"no editor can be opened here; edit the file: {file}")
    if not file.exists():
        begin(desk, name, actor_of(desk.world).name)
    _open_editor(desk, file)
    proofs = proofread(desk.workspace.root, desk.world.environ, [str(file)])
    emit(desk.world, write_proofs(proofs, "text"))
    found = sum(len(one.findings) for one in proofs)
    desk.world.stderr.write(f"{count('finding', found)}\n")
    return 1 if found else 0


def submit(desk: Desk, name: str) -> None:
    """Take in the review as it stands in its file."""
    from opsctl import reviewing
    from opsctl.acting import acting
    from opsctl.formats.reviews import write_submitted
    from opsctl.proofreading import text_of_file

    file = _draft(desk, name)
    if not file.exists():
        raise UsageError(f"there is no draft {file}; write one with `opsctl review start {line(name)}`")
    text, shown = text_of_file(file), str(file.relative_to(desk.workspace.root))
    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        incident = reviewing.incident_named(ledger.db, name)
        items = reviewing.submit(ledger, desk.workspace, incident, text, shown)
        owed = reviewing.owed_one(ledger.db, desk.workspace, ledger.get(incident.subject))
    emit(desk.world, write_submitted(owed, items, desk.output, desk.world.now, dry_run=desk.dry_run))


def waive(desk: Desk, name: str, reason: str) -> None:
    """Decide that no review is written."""
    from opsctl import reviewing
    from opsctl.acting import acting
    from opsctl.formats.reviews import write_submitted

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        incident = reviewing.incident_named(ledger.db, name)
        reviewing.waive(ledger, incident, reason)
        owed = reviewing.owed_one(ledger.db, desk.workspace, incident)
    emit(desk.world, write_submitted(owed, (), desk.output, desk.world.now, dry_run=desk.dry_run))


def _draft(desk: Desk, name: str) -> Path:
    from opsctl import reviewing
    from opsctl.store.opening import open_store

    with open_store(desk.workspace.store, write=False) as store, store.reading() as db:
        return reviewing.file_of(desk.workspace, reviewing.incident_named(db, name))


def _open_editor(desk: Desk, file: Path) -> None:
    import shlex
    import subprocess

    said = desk.world.environ.get("VISUAL") or desk.world.environ.get("EDITOR")
    if not said:
        raise UsageError(f"neither VISUAL nor EDITOR names an editor; set one, or edit the file: {file}")
    try:
        code = subprocess.call([*shlex.split(said), str(file)])
    except (OSError, ValueError) as error:
        raise UsageError(f"the editor `{line(said)}` cannot be started: {error}") from error
    if code:
        raise UsageError(f"the editor `{line(said)}` ended with {code}; the file is as it left it: {file}")
