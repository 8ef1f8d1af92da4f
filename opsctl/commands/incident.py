"""`opsctl incident`: the group, and what reads: `list`, `show` and `timeline`."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands import incident_decisions, incident_words
from opsctl.commands.console import emit, none_found, opened, reader_of
from opsctl.commands.groups import add_group
from opsctl.commands.incident_desk import Name
from opsctl.commands.options import Where

EPILOG = """Examples:

\b
  opsctl incident open "API returns 500s" -s api --at 14:54
  opsctl incident ack 7
  opsctl incident update 7 "failover started"
  opsctl incident mitigate 7 "traffic moved" --at "5 minutes ago"
  opsctl incident resolve 7 "the cache is back"
  opsctl incident list --overdue          exits 1 where something is overdue
  opsctl incident show 7 -o markdown
  opsctl incident timeline 7              with the numbers that `note --amend` takes
  opsctl incident escalate 7 --severity 1 --to bob --reason "it spreads"
  opsctl incident merge 8 7               8 goes on as 7
  opsctl incident reopen 7 --reason "errors again"
  opsctl incident close 7 --false-alarm --reason "the probe was wrong"

INC-7, inc7 and 7 mean the same; without a name, the only active incident is meant. Times are of the
workspace's zone: 14:54, 10m, "10 minutes ago", 2026-11-21T14:54Z. `opsctl undo` takes back the last.
"""
_Document = Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or markdown.")]


def register(app: typer.Typer) -> None:
    """Add the group `incident` to the application."""
    group = add_group(
        app, "incident", "Incidents: open them, say how they stand, end them, and see what is due.", EPILOG
    )
    incident_decisions.register(group)
    incident_words.register(group)
    group.command("list")(list_)
    group.command()(show)
    group.command()(timeline)


def list_(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only open, resolved ...; repeatable."),
    ] = None,
    severity: Annotated[
        list[str] | None, typer.Option("--severity", metavar="SEV", help="Only sev1 ...; repeatable.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option("-s", "--service", metavar="SERVICE", help="Only of it; repeatable.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only with it; repeatable.")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only where you have a role.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only those that began since.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those on which nothing is due any more.")
    ] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what is overdue; exits 1 where something is.")
    ] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json or csv.")
    ] = "text",
    where: Where = None,
) -> None:
    """List the incidents that are on or owe a review, with what is due and what is overdue."""
    from opsctl.acting import actor_of
    from opsctl.asking import severity_named, states_named, wanted_since
    from opsctl.caseload import Wanted, caseload
    from opsctl.formats.incidents import write_list
    from opsctl.selecting import known_services

    world, workspace = opened(where, output, ("text", "json", "csv"))
    wanted = Wanted(
        states=states_named(state or ()),
        severities=tuple(map(severity_named, severity or ())),
        services=tuple(service or ()),
        tags=tuple(tag or ()),
        person=actor_of(world).name if mine else None,
        began=wanted_since(since, world.now, workspace.timezone),
        everything=everything or since is not None,
        overdue=overdue,
    )
    load = caseload(workspace, wanted, world.now)
    if not load.cases:
        known_services(workspace.services, wanted.services)
    emit(world, write_list(load, output, reader_of(world)))
    if output == "text" and not load.cases:
        none = none_found("incident", everything=wanted.everything)
        world.stderr.write("nothing is overdue\n" if overdue else none)
    raise typer.Exit(1 if overdue and load.cases else 0)


def show(incident: Name = None, output: _Document = "text", where: Where = None) -> None:
    """Show all that is known of an incident: its times, what is due, and its timeline."""
    _tell(incident, output, where, whole=True)


def timeline(incident: Name = None, output: _Document = "text", where: Where = None) -> None:
    """Show what happened when, with the number of each entry, by which `note --amend` corrects it."""
    _tell(incident, output, where, whole=False)


def _tell(incident: str | None, output: str, where: Where, *, whole: bool) -> None:
    from opsctl.caseload import story
    from opsctl.formats.incidents import write_story

    world, workspace = opened(where, output, ("text", "json", "markdown"))
    found = story(workspace, incident, world.now)
    emit(world, write_story(found, output, reader_of(world), whole=whole))
