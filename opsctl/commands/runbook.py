"""`opsctl runbook`: run procedures, leave and resume them, and know whether they still work."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.completing import declared, recorded
from opsctl.commands.console import asked, emit, one_of, open_workspace, opened, reader_of
from opsctl.commands.deciding import desk_at
from opsctl.commands.groups import add_group
from opsctl.commands.options import DryRun, Environment, Format, Reason, Where

EPILOG = """Examples:

\b
  opsctl runbook run restart-api --set host=web1 --incident INC-7
  opsctl runbook run restart-api --set host=web1 --dry-run     reads are done, changes are shown
  opsctl runbook resume RUN-3
  opsctl runbook show RUN-3                                    what each step did and printed
  opsctl runbook approve RUN-3 switch                          by somebody else
  opsctl runbook answer RUN-3 look yes
  opsctl runbook settle RUN-3 switch done                      what a crash left unknown
  opsctl runbook drill restart-api --set host=web1
  opsctl runbook freshness                                     exits 1 where one is not proven

Exits 0 where it is done, 1 where it failed or was undone, 3 where nobody knows, 4 where it waits.
"""
Name = Annotated[
    str, typer.Argument(autocompletion=declared("runbooks"), help="Which runbook.", metavar="RUNBOOK")
]
Run = Annotated[str, typer.Argument(autocompletion=recorded("RUN"), help="As RUN-3 or 3.", metavar="RUN")]
Step = Annotated[str, typer.Argument(help="Which step.", metavar="STEP")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; repeatable.")
]


def register(app: typer.Typer) -> None:
    """Add the group `runbook` to the application."""
    group = add_group(
        app, "runbook", "Runbooks: procedures that can be run, left, resumed, undone and practised.", EPILOG
    )
    for command in (show, render, lint, run, drill, resume, abort, answer, approve, settle, runs, freshness):
        group.command()(command)
    group.command("list")(list_)


def list_(output: Format = "text", where: Where = None) -> None:
    """List the runbooks of the workspace."""
    from opsctl.formats.runbooks import write_list

    world, workspace = opened(where, output, ("text", "json"), light=False)
    emit(world, write_list(workspace.runbooks, output))


def show(
    runbook: Annotated[
        str,
        typer.Argument(
            autocompletion=declared("runbooks"), help="Which runbook, or a run as RUN-3.", metavar="RUNBOOK"
        ),
    ],
    output: Format = "text",
    where: Where = None,
) -> None:
    """Show a runbook with its steps, or a run with what each of them printed."""
    from opsctl.commands.runbook_desk import tell

    one_of("--output", output, ("text", "json"))
    # No runbook is called so: names are in lower case.
    if runbook.startswith("RUN-"):
        tell(desk_at(where, output, dry_run=False, light=False), runbook)
    else:
        _show(runbook, output, where)


def render(runbook: Name, where: Where = None) -> None:
    """Print a runbook as a page to read, in Markdown."""
    _show(runbook, "markdown", where)


def lint(output: Format = "text", where: Where = None) -> None:
    """Find what makes runbooks fail when they must work: changes nothing verifies, proof that is missing."""
    from opsctl.formats.runbooks import write_findings
    from opsctl.runbook_linting import findings

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = findings(workspace, world.now)
    emit(world, write_findings(found, output))
    raise typer.Exit(1 if found else 0)


def run(
    runbook: Name,
    set_: Set = None,
    environment: Environment = None,
    incident: Annotated[str | None, typer.Option("--incident", metavar="INC", help="What it is for.")] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Run a procedure, step by step; without a terminal it stops where a person is needed."""
    from opsctl.commands.runbook_desk import begin, rehearse

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    if dry_run:
        rehearse(desk, runbook, set_ or (), environment, incident)
        return
    raise typer.Exit(begin(desk, runbook, set_ or (), environment, incident, drill=False))


def drill(
    runbook: Name,
    set_: Set = None,
    environment: Environment = None,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Run a procedure to practise it: proof that it works, and never part of an incident."""
    from opsctl.commands.runbook_desk import begin

    desk = desk_at(where, output, dry_run=False, light=False)
    raise typer.Exit(begin(desk, runbook, set_ or (), environment, None, drill=True))


def resume(
    run: Run,
    set_: Set = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Although the runbook was changed since.")
    ] = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Go on with a run exactly where it stopped."""
    from opsctl.commands.runbook_desk import resume as go_on

    desk = desk_at(where, output, dry_run=False, light=False)
    raise typer.Exit(go_on(desk, run, set_ or (), changed=changed))


def abort(
    run: Run,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """End a run for good; nothing is undone by that. Exits 1, as an aborted run did not work."""
    from opsctl import procedures
    from opsctl.commands.runbook_desk import told

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    why = asked(desk.world, reason, "the reason", "add --reason TEXT")
    told(desk, lambda ledger: procedures.abort(ledger, run, why))
    raise typer.Exit(1)


def answer(
    run: Run,
    step: Step,
    value: Annotated[str, typer.Argument(help="What you say, as yes.", metavar="VALUE")],
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Answer the question that a run waits for; `resume` goes on then."""
    from opsctl import procedures
    from opsctl.commands.runbook_desk import told

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    told(desk, lambda ledger: procedures.answer(ledger, desk.workspace, run, step, value))


def approve(
    run: Run, step: Step, dry_run: DryRun = False, output: Format = "text", where: Where = None
) -> None:
    """Approve a step of somebody else's run; `resume` goes on then."""
    from opsctl import procedures
    from opsctl.commands.runbook_desk import told

    desk = desk_at(where, output, dry_run=dry_run, light=False)
    told(desk, lambda ledger: procedures.approve(ledger, desk.workspace, run, step))


def settle(
    run: Run,
    step: Step,
    outcome: Annotated[str, typer.Argument(help="done or not-done.", metavar="OUTCOME")],
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Say what became of a step that a crash left unknown; `resume` goes on then."""
    from opsctl import procedures
    from opsctl.commands.runbook_desk import told

    one_of("OUTCOME", outcome, ("done", "not-done"))
    desk = desk_at(where, output, dry_run=dry_run, light=False)
    told(desk, lambda ledger: procedures.settle(ledger, desk.workspace, run, step, done=outcome == "done"))


def runs(
    runbook: Annotated[
        str | None,
        typer.Argument(autocompletion=declared("runbooks"), help="Only of this one.", metavar="[RUNBOOK]"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """List the runs that are not over, the newest first."""
    from opsctl import procedures
    from opsctl.formats.runbooks import write_runs

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = procedures.runs(workspace, runbook, everything=everything)
    emit(world, write_runs(found, output, workspace.timezone, reader_of(world)))


def freshness(output: Format = "text", where: Where = None) -> None:
    """Show the proof that each runbook works: when it was run as it is now, by whom, and what changed."""
    from opsctl.formats.runbooks import write_freshness
    from opsctl.freshness import freshness as proof

    world, workspace = opened(where, output, ("text", "json"), light=False)
    found = proof(workspace, world.now)
    emit(world, write_freshness(found, output, reader_of(world)))
    raise typer.Exit(0 if all(one.state == "proven" for one in found) else 1)


def _show(runbook: str, output: str, where: Where) -> None:
    from opsctl.formats.runbooks import write_one
    from opsctl.procedures import runbook_named
    from opsctl.world import this_world

    world = this_world()
    emit(world, write_one(runbook_named(open_workspace(where, world.environ), runbook), output))
