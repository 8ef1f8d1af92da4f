"""A line of Markdown as a heading: one place for it, in time that grows with the line and no more."""

from __future__ import annotations

from typing import NamedTuple

_DEEPEST = 6


class Heading(NamedTuple):
    """A heading that begins with so many `#`."""

    level: int
    title: str


def heading_of(line: str) -> Heading | None:
    """The heading that a line is; None for any other line."""
    bare = line.lstrip(" ")
    title = bare.lstrip("#")
    level = len(bare) - len(title)
    if len(line) - len(bare) > 3 or not 1 <= level <= _DEEPEST or title[:1] not in {"", " ", "\t"}:
        return None
    title = title.strip()
    # Those at its end are no part of it, where a space stands before them.
    short = title.rstrip("#")
    return Heading(level, short.rstrip() if short[-1:] in {"", " ", "\t"} else title)
