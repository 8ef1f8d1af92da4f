"""`opsctl checklist`: look at checklists, give one's word, make exceptions, and carry words elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.commands.completing import declared, parts_of, recorded
from opsctl.commands.console import asked, emit, one_of, opened
from opsctl.commands.deciding import desk_at, words
from opsctl.commands.groups import add_group
from opsctl.commands.options import At, DryRun, Environment, Format, Out, Reason, Text, Where

EPILOG = """Examples:

\b
  opsctl checklist show pre-deploy
  opsctl checklist run pre-deploy --subject v1.4.2        answers what is manual, one after the other
  opsctl checklist sign pre-deploy notified --subject v1.4.2 --evidence "mail to all at 14:00"
  opsctl checklist na pre-deploy rollback --subject v1.4.2 --reason "no schema change"
  opsctl checklist waive pre-deploy tests --reason "flaky on arm" --owner bob --expires 3d
  opsctl checklist status pre-deploy --subject v1.4.2
  opsctl checklist export pre-deploy --out words.jsonl --key ~/.ssh/id_ed25519
  opsctl checklist import words.jsonl
"""
Checklist = Annotated[
    str, typer.Argument(autocompletion=declared("checklists"), help="Which.", metavar="CHECKLIST")
]
Item = Annotated[
    str, typer.Argument(autocompletion=parts_of("checklists"), help="Which item.", metavar="ITEM")
]
Subject = Annotated[str | None, typer.Option("--subject", metavar="REF", help="A commit or a version.")]


def register(app: typer.Typer) -> None:
    """Add the group `checklist` to the application."""
    group = add_group(
        app, "checklist", "Checklists: what must hold, who said so, and what is excepted.", EPILOG
    )
    for command in (show, run, sign, waive, na, revoke, status, history, lint, export):
        group.command()(command)
    group.command("list")(list_)
    group.command("import")(import_)


def list_(output: Format = "text", where: Where = None) -> None:
    """List the checklists of the workspace."""
    from opsctl.formats.checklists import write_list

    world, workspace = opened(where, output, ("text", "json"), light=False)
    emit(world, write_list(workspace.checklists, output))


def show(checklist: Checklist, output: Format = "text", where: Where = None) -> None:
    """Show a checklist with its items."""
    from opsctl.formats.checklists import write_one
    from opsctl.gating import checklist_named

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = checklist_named(workspace, checklist)
    emit(world, write_one(checklist, found, output))


def run(
    checklist: Checklist, subject: Subject = None, environment: Environment = None, where: Where = None
) -> None:
    """Go through a checklist on a terminal: what is manual is asked for, one item after the other."""
    from opsctl.commands.checklist_desk import walk

    raise typer.Exit(
        walk(desk_at(where, "text", dry_run=False, light=False), checklist, subject, environment)
    )


def sign(
    checklist: Checklist,
    item: Item,
    subject: Subject = None,
    environment: Environment = None,
    evidence: Annotated[str | None, typer.Option("--evidence", metavar="TEXT", help="What shows it.")] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Where it can be seen.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Kept with its hash.")] = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Give your word that an item holds for a subject."""
    from opsctl.commands.checklist_desk import signed, target
    from opsctl.signing import evidence_of
    from opsctl.signing import sign as give

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    about, when = target(desk, subject, environment), desk.moment(at, "--at")
    kept = evidence_of(evidence, url, file)
    signed(desk, lambda ledger: give(ledger, desk.workspace, checklist, item, about, kept, when))


def waive(
    checklist: Checklist,
    item: Item,
    reason: Reason = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Who ends the need.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="TIME", help="As 3d or friday.")] = None,
    subject: Subject = None,
    environment: Environment = None,
    end: Annotated[str | None, typer.Option("--end", metavar="WVR", help="End this one, in place.")] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Except an item for a time; an improvement is added that ends the need."""
    from opsctl.commands.checklist_desk import waived
    from opsctl.signing import Exemption, end_waiver
    from opsctl.signing import waive as except_

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    why = asked(desk.world, reason, "the reason", "add --reason TEXT")
    if end is not None:
        waived(desk, lambda ledger: end_waiver(ledger, checklist, item, end, why))
        return
    whose = asked(desk.world, owner, "the owner", "add --owner NAME")
    until = desk.deadline(asked(desk.world, expires, "when it expires", "add --expires 3d"), "--expires")
    said = Exemption(why, whose, until or 0.0, subject, environment)
    waived(desk, lambda ledger: except_(ledger, desk.workspace, checklist, item, said))


def na(
    checklist: Checklist,
    item: Item,
    text: Text = None,
    reason: Reason = None,
    subject: Subject = None,
    environment: Environment = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Say that an item does not apply to a subject, and why."""
    from opsctl.commands.checklist_desk import signed, target
    from opsctl.signing import declare_not_applicable

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    about = target(desk, subject, environment)
    why = asked(desk.world, reason or words(text), "the reason", "add --reason TEXT")
    signed(desk, lambda ledger: declare_not_applicable(ledger, desk.workspace, checklist, item, about, why))


def revoke(
    signoff: Annotated[
        str, typer.Argument(autocompletion=recorded("SGN"), help="As SGN-4 or 4.", metavar="SIGNOFF")
    ],
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Take a word back: it counts no more from now on."""
    from opsctl.commands.checklist_desk import signed
    from opsctl.signing import take_back

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    why = asked(desk.world, reason, "the reason", "add --reason TEXT")
    signed(desk, lambda ledger: take_back(ledger, signoff, why))


def status(
    checklist: Checklist,
    subject: Subject = None,
    environment: Environment = None,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show how a checklist stands for a subject; nothing is kept."""
    from opsctl.commands.gate_desk import Question, answer

    one_of("--output", output, ("text", "json"))
    question = Question(checklist, subject, environment, None, None, None, False, None, False)
    raise typer.Exit(answer(where, question, output, explain=False))


def history(checklist: Checklist, output: Format = "text", where: Where = None) -> None:
    """Show who said what when, what was excepted, and what the gate decided."""
    from opsctl.commands.checklist_desk import told

    told(desk_at(where, output, dry_run=False, light=False), checklist)


def lint(output: Format = "text", where: Where = None) -> None:
    """Find items that never failed, that are always waived, too many manual ones, and roles nobody has."""
    from opsctl.formats.checklists import write_findings
    from opsctl.list_linting import findings

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = findings(workspace)
    emit(world, write_findings(found, output))
    raise typer.Exit(1 if found else 0)


def export(
    checklist: Checklist,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Sign each line with this SSH key.")
    ] = None,
    out: Out = None,
    where: Where = None,
) -> None:
    """Write the sign-offs of a checklist as JSON lines, so that another machine can count them."""
    from opsctl.signoff_files import export_signoffs

    desk = desk_at(where, "text", dry_run=False, light=False)
    emit(desk.world, export_signoffs(desk.workspace, desk.world.environ, checklist, key), out)


def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines of `checklist export`.")],
    dry_run: DryRun = False,
    where: Where = None,
) -> None:
    """Take sign-offs in; with `signers:` in the workspace, only those with a signature it allows."""
    from opsctl.commands.checklist_desk import taken_in

    taken_in(desk_at(where, "text", dry_run=dry_run, light=False), file)
