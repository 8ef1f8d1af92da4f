"""`opsctl backlog start|done|verify`: the loop from a baseline to the proof that it helped."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.backlog_desk import Name, keep, prove
from opsctl.commands.deciding import desk_at, words
from opsctl.commands.options import At, DryRun, Format, Text, Where

_VERIFY = """Examples:

\b
  opsctl backlog verify 12
  opsctl backlog verify 13 --value 4     where people count

Exits 0 where it improved, 1 where it did not, 3 where there is not enough to say.
"""


def register(group: typer.Typer) -> None:
    """Add the commands to the group `backlog`."""
    group.command()(start)
    group.command()(done)
    group.command(epilog=_VERIFY)(verify)


def start(
    item: Name,
    baseline: Annotated[
        float | None, typer.Option("--baseline", metavar="NUMBER", help="What people count now.")
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Begin with an item; what its measure says now is kept as the baseline."""
    from opsctl import improving

    desk = desk_at(where, output, dry_run=dry_run)
    row = keep(
        desk, lambda ledger: improving.start(ledger, desk.workspace, improving.found(ledger, item), baseline)
    )
    if row.item.measure is None:
        desk.world.stderr.write("it names no measure, so that nothing can show that it helped\n")


def done(
    item: Name,
    text: Text = None,
    spent: Annotated[
        str | None, typer.Option("--spent", metavar="WORK", help="As 3h, or 2d of 8 hours.")
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """It is done; whether it helped is shown by `verify`."""
    from opsctl import improving
    from opsctl.hours import hours

    desk = desk_at(where, output, dry_run=dry_run)
    when, work = desk.moment(at, "--at"), None if spent is None else hours(spent, "--spent")
    keep(
        desk, lambda ledger: improving.finish(ledger, improving.found(ledger, item), when, work, words(text))
    )


def verify(
    item: Name,
    value: Annotated[
        float | None, typer.Option("--value", metavar="NUMBER", help="What people count now.")
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Measure again, and say whether it improved, with how much is known."""
    from opsctl import improving

    desk = desk_at(where, output, dry_run=dry_run)
    raise typer.Exit(
        prove(
            desk,
            lambda ledger: improving.verify(ledger, desk.workspace, improving.found(ledger, item), value),
        )
    )
