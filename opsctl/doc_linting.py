"""What is wrong with documents: links that lead nowhere, front matter, and reviews that are owed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from opsctl.front_matter import page_of
from opsctl.knowledge import document_named, matches, standing_of_documents
from opsctl.link_checking import dead_links, ground_of
from opsctl.markdown_links import marks_of
from opsctl.outcome import Kind
from opsctl.prose import line
from opsctl.store.opening import open_store
from opsctl.units import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.knowledge import Known
    from opsctl.link_checking import Ground
    from opsctl.markdown_links import Marks

_LARGEST = 2_000_000


class Finding(NamedTuple):
    """Something wrong, at a place that counts from 1; what is no `error` is a warning.

    `rule` is `link`, `anchor`, `front-matter`, `review` or `glob`.
    """

    file: str
    line: int
    column: int
    rule: str
    message: str
    error: bool = True


class Linted(NamedTuple):
    """What was found in so many documents."""

    documents: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are more than warnings."""
        return sum(one.error for one in self.findings)


def lint(workspace: Workspace, names: Sequence[str], now: float) -> Linted:
    """What is wrong with the documents that are named, or with all, at `now` in UTC epoch seconds.

    Raises UsageError for a name of no document, and StoreError where the store cannot be read.
    """
    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = standing_of_documents(workspace, db, now)
    named = [document_named(found, workspace.root, name) for name in names]
    # Each once, however often it was named.
    chosen = list({one.path: one for one in named}.values()) if names else found
    ground = ground_of(workspace.root, cache(_marks_at))
    findings = [one for known in chosen for one in sorted(_of(known, ground))]
    return Linted(len(chosen), (*([] if names else _empty_globs(workspace)), *findings))


def _marks_at(path: Path) -> Marks | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return _marks(path.read_bytes().decode("utf-8", "replace"))
    except OSError:
        return None


def _marks(text: str) -> Marks:
    return marks_of(page_of(text).visible)


def _empty_globs(workspace: Workspace) -> Iterator[Finding]:
    for glob in workspace.docs:
        if next(matches(workspace.root, glob.text), None) is None:
            words = f"`{line(glob.text)}` matches no Markdown file; correct or remove it"
            place = glob.problem(words)
            yield Finding(place.file, place.line, place.column, "glob", words, error=False)


def _of(known: Known, ground: Ground) -> Iterator[Finding]:
    file = line(known.path)
    for problem in known.document.problems:
        yield Finding(file, problem.line, problem.column, "front-matter", problem.message)
    words = _owed(known)
    if words:
        yield Finding(file, 1, 1, "review", words)
    for dead in dead_links(ground, known.path, _marks(known.document.text)):
        yield Finding(file, *dead)


def _owed(known: Known) -> str:
    """Why the document is to be reviewed; empty where it is not, and where nobody can tell when."""
    way = f"read it, then `opsctl docs review {line(known.path)}`"
    if known.state == "never":
        return f"never reviewed; {way}"
    ago = f"{line(known.reviewed_by or '')} reviewed it {brief(Kind.DURATION, known.age or 0.0)} ago"
    if known.state == "changed":
        return f"the text was changed since {ago}; {way}"
    if known.state == "stale" and known.review_every is not None:
        return f"{ago}, and it is due every {brief(Kind.DURATION, known.review_every)}; {way}"
    return ""
