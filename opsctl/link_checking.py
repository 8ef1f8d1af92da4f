"""Where the links of a document lead nowhere: files and headings that are not there; never the network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opsctl.markdown_links import slug
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opsctl.markdown_links import Link, Marks

# An address, and what a site generator fills in.
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|.*(?:\{\{|\{%)")


class Dead(NamedTuple):
    """A link that leads nowhere, at a place that counts from 1; `rule` is `link` or `anchor`."""

    line: int
    column: int
    rule: str
    message: str


class Ground(NamedTuple):
    """Where links may lead: `root` is the workspace, `top` the repository that it is part of.

    `marks` are the links and anchors of a Markdown file, None where it cannot be read.
    """

    root: Path
    top: Path
    marks: Callable[[Path], Marks | None]


def ground_of(root: Path, marks: Callable[[Path], Marks | None]) -> Ground:
    """The ground of a workspace; one that is no part of a repository is its own."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    return Ground(root, top, marks)


def dead_links(ground: Ground, path: str, marks: Marks) -> Iterator[Dead]:
    """The dead links of the document at `path`, seen from the root of the workspace."""
    own = ground.root / path
    for one in marks.links:
        found = _dead(ground, own, one)
        if found is not None:
            yield Dead(one.line, one.column, *found)


def _dead(ground: Ground, own: Path, link: Link) -> tuple[str, str] | None:
    if link.label:
        return "link", f"nothing defines the reference `{_quoted(link.label)}`; add `[...]: target`"
    target = link.target.strip()
    if not target:
        return "link", "the link is empty; say where it leads"
    if _ELSEWHERE.match(target):
        return None
    from urllib.parse import unquote

    file, _, anchor = target.partition("#")
    file = unquote(file.partition("?")[0])
    place = _place(ground, own, file) if file else own
    if not place.is_relative_to(ground.top):
        return "link", f"`{_quoted(file)}` leads out of the workspace"
    if not _exists(place):
        return "link", f"`{_quoted(file)}` is not there"
    return _without_anchor(ground, own, place, unquote(anchor))


def _place(ground: Ground, own: Path, file: str) -> Path:
    """The file that is meant; one that begins with `/` is seen from the workspace or the repository."""
    if not file.startswith("/"):
        return Path(os.path.normpath(own.parent / file))
    here, there = (Path(os.path.normpath(folder / file.lstrip("/"))) for folder in (ground.root, ground.top))
    return here if here.is_relative_to(ground.top) and _exists(here) else there


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        # A name that no file can have.
        return False


def _without_anchor(ground: Ground, own: Path, place: Path, anchor: str) -> tuple[str, str] | None:
    if anchor in {"", "top"} or place.suffix.lower() != ".md":
        return None
    marks = ground.marks(place)
    if marks is None or anchor in marks.anchors:
        return None
    where = "this document" if place == own else f"`{_quoted(os.path.relpath(place, ground.root))}`"
    likely = slug(anchor)
    hint = f"; did you mean `#{_quoted(likely)}`?" if likely in marks.anchors else ""
    return "anchor", f"no heading of {where} has the anchor `#{_quoted(anchor)}`{hint}"


def _quoted(text: str) -> str:
    return shorten(line(text), 100)
