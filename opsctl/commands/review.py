"""`opsctl review`: post-incident reviews from the draft to the actions that follow."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import asked, emit, none_found, one_of, opened, reader_of
from opsctl.commands.deciding import desk_at, words
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Format, Text, Where

EPILOG = """Examples:

\b
  opsctl review start 7            writes the draft, or brings new data into it
  opsctl review edit 7             in $EDITOR, and lints it afterwards
  opsctl review lint               every draft; exits 1 with findings
  opsctl review lint reviews/INC-7.md -o github
  opsctl review submit 7           its actions become backlog items, the incident is closed
  opsctl review list --overdue     exits 1 where one is overdue
  opsctl review show 7 -o markdown
  opsctl review waive 7 --reason "a planned test"

7, INC-7 and PIR-7 mean the same.
"""
_Name = Annotated[
    str, typer.Argument(autocompletion=recorded("INC"), help="As INC-7, PIR-7 or 7.", metavar="INCIDENT")
]
_LINT = """Examples:

\b
  opsctl review lint                      every draft of the workspace
  opsctl review lint 7
  opsctl review lint docs/*.md -o json    any files, without a workspace too
  opsctl review lint --rules

<!-- opsctl:allow RULE: reason --> in the line, or in one of its own above it, excuses a finding.
"""


def register(app: typer.Typer) -> None:
    """Add the group `review` to the application."""
    group = add_group(
        app,
        "review",
        "Post-incident reviews: draft them from the data, lint and submit them, and see what is due.",
        EPILOG,
    )
    group.command()(start)
    group.command()(edit)
    group.command(epilog=_LINT)(lint)
    group.command()(submit)
    group.command()(waive)
    group.command("list")(list_)
    group.command()(show)


def start(
    incident: _Name,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Who writes it; you by default.")
    ] = None,
    dry_run: DryRun = False,
    where: Where = None,
) -> None:
    """Write a draft from the data; where there is one, bring new data into it and leave the rest alone."""
    from opsctl.commands.review_desk import begin

    desk = desk_at(where, "text", dry_run=dry_run)
    begin(desk, incident, owner)


def edit(incident: _Name, where: Where = None) -> None:
    """Open the draft in $VISUAL or $EDITOR, and lint it afterwards."""
    from opsctl.commands.review_desk import edit as edited

    raise typer.Exit(edited(desk_at(where, "text", dry_run=False), incident))


def lint(
    names: Annotated[
        list[str] | None, typer.Argument(help="Files, or incidents as INC-7.", metavar="[FILE|INCIDENT]...")
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules.")] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or github.")
    ] = "text",
    where: Where = None,
) -> None:
    """Find blame, whys that stop too early, actions that nobody owns, and figures that are missing."""
    from opsctl.formats.reviews import write_proofs, write_rules
    from opsctl.proofreading import proofread
    from opsctl.prose import count
    from opsctl.world import this_world

    one_of("--output", output, ("text", "json", "github"))
    world = this_world()
    if rules:
        emit(world, write_rules(output))
        return
    proofs = proofread(where, world.environ, names or ())
    emit(world, write_proofs(proofs, output))
    found = sum(len(one.findings) for one in proofs)
    if output == "text":
        world.stderr.write(f"{count('finding', found)} in {count('review', len(proofs))}\n")
    raise typer.Exit(1 if found else 0)


def submit(incident: _Name, dry_run: DryRun = False, output: Format = "text", where: Where = None) -> None:
    """Keep the review as it is written, make its actions backlog items, and close the incident."""
    from opsctl.commands.review_desk import submit as submitted

    submitted(desk_at(where, output, dry_run=dry_run), incident)


def waive(
    incident: _Name,
    text: Text = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why none is written.")
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Decide that no review is written, for a reason."""
    from opsctl.commands.review_desk import waive as waived

    desk = desk_at(where, output, dry_run=dry_run)
    waived(desk, incident, asked(desk.world, reason or words(text), "the reason", "add --reason TEXT"))


def list_(
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what is overdue; exits 1 where something is.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is submitted or waived.")] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or csv.")
    ] = "text",
    where: Where = None,
) -> None:
    """List the reviews that are owed, with when they are due."""
    from opsctl.formats.reviews import write_list
    from opsctl.reviewing import reviews

    world, workspace = opened(where, output, ("text", "json", "csv"))
    found = reviews(workspace, world.now, everything=everything, overdue=overdue)
    emit(world, write_list(found, output, reader_of(world)))
    if output == "text" and not found.owed:
        noun = "review" if everything else "review is owed"
        none = none_found(noun, everything=everything)
        world.stderr.write("no review is overdue\n" if overdue else none)
    raise typer.Exit(1 if overdue and found.owed else 0)


def show(
    incident: _Name,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or markdown.")
    ] = "text",
    where: Where = None,
) -> None:
    """Show a review as it was submitted, with what became of its actions."""
    from opsctl.formats.reviews import write_one
    from opsctl.reviewing import review_of

    world, workspace = opened(where, output, ("text", "json", "markdown"))
    owed, items = review_of(workspace, incident)
    emit(world, write_one(owed, items, output, world.now, workspace.timezone))
