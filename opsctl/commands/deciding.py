"""What the commands that decide something on incidents share: who, where, when, and what is shown after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from opsctl.commands.options import emit, one_of, open_workspace
from opsctl.errors import UsageError
from opsctl.prose import line, shorten, ticked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from opsctl.caseload import Case
    from opsctl.definitions import Workspace
    from opsctl.ledger.incident import Incident
    from opsctl.store.ledger import Ledger
    from opsctl.world import World

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When it happened; now by default.")]
Name = Annotated[
    str | None,
    typer.Argument(help="As INC-7 or 7; by default the only active one.", metavar="[INCIDENT]"),
]
Text = Annotated[list[str] | None, typer.Argument(help="In your words.", metavar="[TEXT]...")]


class Desk(NamedTuple):
    """One command on incidents: the machine, the workspace, and how the answer is shown."""

    world: World
    workspace: Workspace
    output: str
    dry_run: bool

    def moment(self, text: str | None, option: str) -> float | None:
        """The time that an option says, in UTC epoch seconds; UsageError for any other text."""
        from opsctl.moments import moment

        return None if text is None else moment(text, self.world.now, self.workspace.timezone, option)

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

    def incident(self, ledger: Ledger, name: str | None) -> Incident:
        """The incident that a name means, or the only active one; UsageError where there is none."""
        from opsctl.caseload import found

        return found(ledger.db, name)

    def show_similar(self, case: Case) -> None:
        """Name the past incidents that are most like this one, for people."""


def desk_at(where: Path | None, output: str, *, dry_run: bool) -> Desk:
    """The desk of a command; UsageError for an output that there is not."""
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json"))
    world = this_world()
    return Desk(world, open_workspace(where, world.environ, light=True), output, dry_run)


def words(text: Sequence[str] | None) -> str | None:
    """A text that needs no quotes: its words, or None where there are none."""
    return " ".join(text) if text else None


def named(desk: Desk, name: str | None, *, active: bool = True) -> str | None:
    """The name, or which one a person means where several are active; None for the only one.

    With `active` False nothing can be meant by default. Raises UsageError where nobody can be asked.
    """
    from opsctl.caseload import Wanted, caseload
    from opsctl.commands.options import asked, reader_of
    from opsctl.formats.incidents import write_list

    if name is not None or (active and not desk.world.interactive):
        return name
    load = caseload(desk.workspace, Wanted(everything=not active), desk.world.now)
    if active and sum(one.incident.active for one in load.cases) <= 1:
        return None
    if desk.world.interactive:
        desk.world.stderr.write(write_list(load, "text", reader_of(desk.world)))
    return asked(desk.world, None, "which incident", "name it, as INC-7") or None


def decide(desk: Desk, decision: Callable[[Ledger], Incident]) -> Case:
    """Decide in one transaction, and show what stands then."""
    from opsctl.acting import acting
    from opsctl.caseload import case_of
    from opsctl.formats.decided import write

    with acting(desk.workspace, desk.world, dry_run=desk.dry_run) as ledger:
        case = case_of(ledger.db, desk.workspace, decision(ledger))
    shown = write(case, desk.output, desk.world.now, desk.workspace.timezone, dry_run=desk.dry_run)
    emit(desk.world, shown)
    return case
