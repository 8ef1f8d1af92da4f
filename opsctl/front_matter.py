"""The front matter of a Markdown page: the YAML between two lines of dashes at its top."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.composing import Source, compose

if TYPE_CHECKING:
    from opsctl.composing import Node, Problem

_MARK = "---"


class Page(NamedTuple):
    """The lines of a page; `end` is the index of the line that closes its front matter, 0 without one."""

    lines: tuple[str, ...]
    end: int

    @property
    def front(self) -> tuple[str, ...]:
        """The lines of the front matter."""
        return self.lines[1 : self.end]

    @property
    def body(self) -> tuple[str, ...]:
        """The lines below the front matter; all of them where there is none."""
        return self.lines[self.end + 1 :] if self.end else self.lines

    @property
    def visible(self) -> tuple[str, ...]:
        """All lines, those of the front matter empty, so that each keeps its number."""
        return (*("" for _ in self.lines[: len(self.lines) - len(self.body)]), *self.body)


def page_of(text: str) -> Page:
    """A page taken apart; line ends of Windows and a byte order mark make no difference."""
    lines = tuple(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    if lines[0].rstrip() != _MARK:
        return Page(lines, 0)
    return Page(lines, next((at for at, one in enumerate(lines[1:], 1) if one.rstrip() == _MARK), 0))


def compose_front(page: Page, file: str) -> tuple[Node | None, Source, list[Problem]]:
    """The front matter as a mapping whose places are those of the page, its source, and its problems.

    None without a problem where it says nothing.
    """
    source = Source(file, page.lines)
    if all(not one.strip() or one.lstrip().startswith("#") for one in page.front):
        return None, source, []
    node, found, problems = compose(("\n" + "\n".join(page.front)).encode("utf-8", "surrogatepass"), file)
    if node is not None and node.id != "mapping":
        problems = [*problems, found.at(node, "the front matter must be a mapping; write `owner: NAME`")]
        node = None
    return node, source, problems
