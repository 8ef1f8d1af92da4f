"""Which documents a workspace owns, how each stands, and the reviews that show it."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

from opsctl.composing import Problem
from opsctl.documents import LARGEST, PASSED_OVER, sections_of
from opsctl.errors import RefusedError, UsageError
from opsctl.front_matter import Page, compose_front, page_of
from opsctl.limits import Between, Name, NotEmpty, OneOrMore, Seconds
from opsctl.places import FAILED, Reading
from opsctl.prose import line, shorten, suggestion
from opsctl.reading import read
from opsctl.store.ledger import records

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from opsctl.composing import Node, Source
    from opsctl.definitions import Workspace
    from opsctl.ledger.document import Reviewed
    from opsctl.store.ledger import Ledger

_DAY = 86400.0
# What opsctl reads of a front matter; other tools may have keys of their own there.
_KEYS: Mapping[str, Any] = {
    "owner": Annotated[str, NotEmpty()],
    "review_every": Annotated[Seconds, Between(_DAY, 3660 * _DAY)],
    "title": Annotated[str, NotEmpty()],
    "tags": Annotated[tuple[Name, ...], OneOrMore()],
}
_REQUIRED = {"owner": "owner: platform", "review_every": "review_every: 90d"}


STATES = ("reviewed", "stale", "changed", "never")


class Document(NamedTuple):
    """A document as its file is; `sha256` is of the text below its front matter.

    `review_every` is seconds, `text` all of the file. `problems` are those of the front matter, or why the
    file cannot be read.
    """

    path: str
    title: str
    owner: str | None
    review_every: float | None
    tags: tuple[str, ...]
    sha256: str
    text: str
    problems: tuple[Problem, ...]


class Known(NamedTuple):
    """How a document stands. Durations are seconds, times UTC epoch seconds.

    `state` is `reviewed`, `stale` (its time is over), `changed` (its text is another than the one that was
    reviewed) or `never`. `age` is since the last review; `due` is when the next one is, None where it is now,
    whatever the time.
    """

    path: str
    title: str
    owner: str | None
    review_every: float | None
    state: str
    age: float | None
    reviewed_by: str | None
    due: float | None
    last: Reviewed | None
    document: Document


def documents(workspace: Workspace) -> list[Document]:
    """The documents that the globs of the workspace mean, in the order of their paths.

    A page that is a runbook is none: it is shown to be right by running it.
    """
    runbooks = {str(path.relative_to(workspace.root)) for path in workspace.files if path.suffix == ".md"}
    found = {path for glob in workspace.docs for path in matches(workspace.root, glob.text)}
    pages = ((path, _page(workspace.root / path)) for path in sorted(found))
    return [_document(path, page) for path, page in pages if not (path in runbooks and _is_runbook(page))]


def matches(root: Path, glob: str) -> Iterator[str]:
    """The Markdown files that a glob means, but for folders that are hidden or that tools fill.

    A glob that names such a folder means what is in it.
    """
    named = set(glob.split("/"))
    for path in root.glob(glob):
        inner = path.relative_to(root)
        skipped = (name for name in inner.parts[:-1] if name.startswith(".") or name in PASSED_OVER)
        if inner.suffix.lower() == ".md" and named.issuperset(skipped) and path.is_file():
            yield str(inner)


def standing_of_documents(
    workspace: Workspace, db: sqlite3.Connection, now: float, only: Collection[str] | None = None
) -> list[Known]:
    """How every document stands at `now` (UTC epoch seconds), or those whose paths are in `only`."""
    if not workspace.docs or (only is not None and not only):
        return []
    reviews = {one.path: one for one in records(db, "DOC")}
    found = (one for one in documents(workspace) if only is None or one.path in only)
    return [standing(one, reviews.get(line(one.path)), now) for one in found]


def standing(document: Document, last: Reviewed | None, now: float) -> Known:
    """How a document stands by its last review; where nobody says `review_every`, no review lasts."""
    every, due = document.review_every, None
    if last is None:
        state = "never"
    elif last.sha256 != document.sha256:
        state = "changed"
    else:
        due = last.at + (every or 0.0)
        state = "stale" if now >= due else "reviewed"
    return Known(
        path=document.path,
        title=document.title,
        owner=document.owner,
        review_every=every,
        state=state,
        age=None if last is None else max(0.0, now - last.at),
        reviewed_by=last.by if last else None,
        due=due,
        last=last,
        document=document,
    )


def document_named(found: Sequence[Known], root: Path, name: str) -> Known:
    """The document of a path, seen from the current folder or the root; UsageError where it is none."""
    by_path = {one.path: one for one in found}
    for path in (os.path.relpath(name, root), os.path.normpath(name)):
        if path in by_path:
            return by_path[path]
    hint = suggestion(name, by_path) or "; `opsctl docs list` shows them all"
    raise UsageError(f"`{line(shorten(name, 100))}` is no document of `docs:`{hint}")


def keep(ledger: Ledger, document: Document, by: str, note: str) -> Reviewed:
    """Keep that somebody has read the document as it is; RefusedError where its front matter is wrong."""
    if document.problems:
        raise RefusedError(f"{document.problems[0]}; it can be reviewed then")
    path = line(document.path)
    before = next((one for one in records(ledger.db, "DOC") if one.path == path), None)
    subject = before.subject if before else ledger.name("DOC")
    body = {"path": path, "sha256": document.sha256, "by": by, "note": note}
    ledger.append("document.reviewed", subject, body)
    return cast("Reviewed", ledger.get(subject))


def _page(path: Path) -> Page | str:
    """The page, or in words why it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            return "larger than 2 MB; split it into several documents"
        return page_of(path.read_bytes().decode("utf-8", "surrogateescape"))
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _is_runbook(page: Page | str) -> bool:
    return isinstance(page, Page) and any(one.startswith("runbook:") for one in page.front)


def _document(path: str, page: Page | str) -> Document:
    shown = line(path)
    if isinstance(page, str):
        return Document(path, shown, None, None, (), "", "", (Problem(shown, 1, 1, page),))
    text = "\n".join(page.body).strip("\n")
    said, problems = _front_matter(page, shown)
    heading = next((one.headings[-1] for one in sections_of(text) if one.headings), shown)
    return Document(
        path=path,
        title=said.get("title", heading),
        owner=said.get("owner"),
        review_every=said.get("review_every"),
        tags=said.get("tags", ()),
        sha256=sha256(text.encode("utf-8", "surrogateescape")).hexdigest(),
        text="\n".join(page.lines),
        problems=tuple(problems),
    )


def _front_matter(page: Page, file: str) -> tuple[dict[str, Any], list[Problem]]:
    """What the front matter says, and all that is wrong with it."""
    if not page.end:
        words = "no front matter; begin the file with `---`, `owner: NAME`, `review_every: 90d`, `---`"
        return {}, [Problem(file, 1, 1, words)]
    node, source, problems = compose_front(page, file)
    if problems:
        return {}, problems
    reading = Reading(source)
    pairs = [] if node is None else [(key, value) for key, value in node.value if key.value in _KEYS]
    said = {key.value: read(_KEYS[key.value], value, reading) for key, value in pairs}
    others = [] if node is None else [key for key, _ in node.value if key.value not in _KEYS]
    missing = [name for name in _REQUIRED if name not in said]
    problems = [*reading.problems, *_missing(missing, others, source)]
    return {name: value for name, value in said.items() if value is not FAILED}, problems


def _missing(missing: Sequence[str], others: Sequence[Node], source: Source) -> Iterator[Problem]:
    """What has to be said and is not; beside a key that may have been meant for it."""
    from difflib import get_close_matches

    for name in missing:
        near = get_close_matches(name, [one.value for one in others], n=1, cutoff=0.8)
        for key in others:
            if near and key.value == near[0]:
                yield source.at(key, f"unknown key `{line(key.value)}`; did you mean `{name}`?")
        if not near:
            yield source.problem(0, 0, f"missing key `{name}` in the front matter; add `{_REQUIRED[name]}`")
