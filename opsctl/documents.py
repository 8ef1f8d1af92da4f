"""The Markdown of a workspace, section by section."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opsctl.headings import heading_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSED_OVER = frozenset({"node_modules", "venv", "env", "build", "dist", "site-packages", "__pycache__"})
LARGEST = 2_000_000
_MOST = 20_000
# What opsctl writes into a draft is known otherwise, and what stands in comments nobody reads.
_UNSAID = re.compile(r"<!-- opsctl:begin ([a-z-]+) -->.*?<!-- opsctl:end \1 -->|<!--.*?-->", re.DOTALL)
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")


class File(NamedTuple):
    """A Markdown file below the workspace; `stamp` changes when it does, `changed` is UTC epoch seconds."""

    path: str
    stamp: str
    changed: float


class Section(NamedTuple):
    """What stands below one heading: the line it begins at, the headings that lead there, and the text."""

    line: int
    headings: tuple[str, ...]
    text: str


def files(root: Path) -> Iterator[File]:
    """The Markdown files below `root`, but for hidden folders and those that tools fill."""
    number = 0
    for folder, names, found in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in PASSED_OVER)
        for name in sorted(found):
            if name.lower().endswith(".md") and number < _MOST:
                number += 1
                yield from _file(root, Path(folder, name))


def sections(path: Path) -> Iterator[Section]:
    """The sections of a file; none where it cannot be read or is larger than 2 MB."""
    try:
        if path.stat().st_size > LARGEST:
            return
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    yield from sections_of(text)


def sections_of(text: str) -> Iterator[Section]:
    """The sections of a text."""
    begun, headings, lines, fence = 1, [""] * 6, [], ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        heading = None if fence else heading_of(line)
        if heading is None:
            lines.append(line)
            continue
        yield from _section(begun, headings, lines)
        headings[heading.level - 1 :] = [heading.title, *[""] * (6 - heading.level)]
        begun, lines = number, []
    yield from _section(begun, headings, lines)


def _file(root: Path, path: Path) -> Iterator[File]:
    try:
        found = path.stat()
    except OSError:
        return
    shown = str(path.relative_to(root)).encode("utf-8", "replace").decode()
    yield File(shown, f"{found.st_mtime_ns}/{found.st_size}", found.st_mtime)


def _section(line: int, headings: list[str], lines: list[str]) -> Iterator[Section]:
    said = tuple(one for one in headings if one)
    text = _UNSAID.sub("", "\n".join(lines)).strip()
    # A heading with nothing below it says nothing, but for the title of the whole.
    if text or len(said) == 1:
        yield Section(line, said, text)
