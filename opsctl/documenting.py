"""What `opsctl docs` does: choose documents, keep that they were read, and say what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.acting import acting, text_of
from opsctl.doc_linting import lint
from opsctl.errors import ExitCode, UsageError
from opsctl.knowledge import document_named, keep, standing_of_documents
from opsctl.outcome import Kind
from opsctl.prose import line, shorten
from opsctl.store.opening import open_store
from opsctl.units import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.definitions import Workspace
    from opsctl.doc_linting import Linted
    from opsctl.knowledge import Known
    from opsctl.ledger.document import Reviewed
    from opsctl.world import World


def all_of_them(workspace: Workspace, now: float) -> list[Known]:
    """How every document stands; UsageError where the workspace names none.

    Raises StoreError where the store cannot be read.
    """
    _require_some(workspace)
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        return standing_of_documents(workspace, db, now)


def chosen(workspace: Workspace, now: float, state: str | None, owner: str | None) -> list[Known]:
    """The documents in a state and of an owner; what is None selects nothing out."""
    return [
        one
        for one in all_of_them(workspace, now)
        if state in {None, one.state} and owner in {None, one.owner}
    ]


def one_of_them(workspace: Workspace, name: str, now: float) -> Known:
    """The document of a path; UsageError where it is none."""
    return document_named(all_of_them(workspace, now), workspace.root, name)


def linted(workspace: Workspace, names: Sequence[str], now: float) -> Linted:
    """What is wrong with the documents; UsageError where the workspace names none."""
    _require_some(workspace)
    return lint(workspace, names, now)


def lint_code(found: Linted) -> ExitCode:
    """1 with findings, 3 where there is no document to look at: nothing was shown."""
    if found.errors:
        return ExitCode.NO
    return ExitCode.YES if found.documents else ExitCode.UNKNOWN


def review(
    workspace: Workspace, world: World, names: Sequence[str], by: str | None, note: str, *, dry_run: bool
) -> list[Reviewed]:
    """Keep that somebody (by default who runs this) has read the documents as they are now, all or none.

    Raises UsageError for a name of no document, and RefusedError where a front matter is wrong.
    """
    _require_some(workspace)
    who = None if by is None else line(text_of(by, "--reviewed-by"))
    with acting(workspace, world, dry_run=dry_run) as ledger:
        found = standing_of_documents(workspace, ledger.db, world.now)
        named = {one.path: one for one in (document_named(found, workspace.root, name) for name in names)}
        return [keep(ledger, one.document, who or ledger.actor.name, note.strip()) for one in named.values()]


def due_within(workspace: Workspace, now: float, within: str | None) -> list[Known]:
    """The documents whose review is due now, or within a length of time as `14d`; what is due first first."""
    ahead = 0.0 if within is None else _length(within)
    found = [one for one in all_of_them(workspace, now) if one.due is None or one.due <= now + ahead]
    return sorted(found, key=lambda one: (one.due or 0.0, one.path))


def due_code(found: Sequence[Known], now: float) -> ExitCode:
    """1 where a review is due now."""
    return ExitCode.NO if any(one.due is None or one.due <= now for one in found) else ExitCode.YES


def _require_some(workspace: Workspace) -> None:
    if not workspace.docs:
        raise UsageError('the workspace names no documents; add `docs: ["docs/**/*.md"]` to opsctl.yaml')


def _length(text: str) -> float:
    try:
        length = parse(Kind.DURATION, text)
    except ValueError as error:
        raise UsageError(f"--within `{line(shorten(text, 40))}`: {error}") from error
    if length < 0:
        raise UsageError(f"--within `{line(shorten(text, 40))}` is in the past; write it as 14d")
    return length
