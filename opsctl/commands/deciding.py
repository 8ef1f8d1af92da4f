"""What the commands that decide something share: where they act, when, and how they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opsctl.commands.console import opened
from opsctl.errors import UsageError
from opsctl.prose import line, shorten, ticked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.world import World


class Desk(NamedTuple):
    """One command that decides: the machine, the workspace, and how the answer is shown."""

    world: World
    workspace: Workspace
    output: str
    dry_run: bool

    def moment(self, text: str | None, option: str, *, ahead: bool = False) -> float | None:
        """The time that an option says, in UTC epoch seconds; UsageError for any other text."""
        from opsctl.moments import moment

        if text is None:
            return None
        return moment(text, self.world.now, self.workspace.timezone, option, ahead=ahead)

    def deadline(self, text: str | None, option: str) -> float | None:
        """The time by which an option says that something is due; UsageError for any other text."""
        from opsctl.moments import deadline

        return None if text is None else deadline(text, self.world.now, self.workspace.timezone, option)

    def times(self, texts: Sequence[str], names: Collection[str]) -> dict[str, float]:
        """`detected=14:55` as names and times; UsageError for any other text."""
        found = {}
        for text in texts:
            name, _, said = text.partition("=")
            if name.replace("-", "_") not in names or not said:
                raise UsageError(
                    f"--time `{line(shorten(text, 40))}` sets no time; write NAME=TIME, of {ticked(names)}"
                )
            at = self.moment(said, f"--time {name}")
            assert at is not None  # noqa: S101 - there is a text
            found[name.replace("-", "_")] = at
        return found


def desk_at(where: Path | None, output: str, *, dry_run: bool = False, light: bool = True) -> Desk:
    """The desk of a command; UsageError for an output that there is not."""
    world, workspace = opened(where, output, ("text", "json"), light=light)
    return Desk(world, workspace, output, dry_run)


def words(text: Sequence[str] | None) -> str | None:
    """A text that needs no quotes: its words, or None where there are none."""
    return " ".join(text) if text else None
