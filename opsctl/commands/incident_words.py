"""`opsctl incident update|note|link`: what is said about an incident while it goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.completing import recorded
from opsctl.commands.console import asked
from opsctl.commands.deciding import desk_at
from opsctl.commands.incident_decisions import Role, Runbook, Service, Tag
from opsctl.commands.incident_desk import Name, decide, named, said_of, the
from opsctl.commands.options import At, DryRun, Format, Text, Where
from opsctl.ledger.incident import TIMES

_UPDATE = """Examples:

\b
  opsctl incident update 7 "failover started"
  opsctl incident update 7 --severity 2 -s web --role scribe=bob
  opsctl incident update 7 --time impact_started=14:54 --time detected=14:55

An update restarts the clock of the next one. `--role scribe=` takes a role away.
"""
_NOTE = """Examples:

\b
  opsctl incident note 7 "replica lag was 40 s" --at 14:58
  opsctl incident note 7 --amend 31 "replica lag was 4 s"

`opsctl incident timeline 7` shows the number of each entry; what stood there before is kept.
"""
_Named = Annotated[
    str, typer.Argument(autocompletion=recorded("INC"), help="As INC-7 or 7.", metavar="INCIDENT")
]
_LINK = """Examples:

\b
  opsctl incident link 7 INC-3
  opsctl incident link 7 OPS-12 --as "fixed by"
  opsctl incident link 7 https://git.example.com/shop/pull/81 --as "caused by"
"""


def register(group: typer.Typer) -> None:
    """Add the commands to the group `incident`."""
    group.command(epilog=_UPDATE)(update)
    group.command(epilog=_NOTE)(note)
    group.command(epilog=_LINK)(link)


def update(
    incident: Name = None,
    text: Text = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="A better title.")] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="SEV", help="sev1 to sev4, up or down.")
    ] = None,
    service: Service = None,
    tag: Tag = None,
    runbook: Runbook = None,
    role: Role = None,
    time: Annotated[
        list[str] | None,
        typer.Option("--time", metavar="NAME=TIME", help="Correct impact_started, detected ...; repeatable."),
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Say how it stands, and correct what is known of it."""
    from opsctl.asking import roles_named, severity_named
    from opsctl.incident_updates import Changes
    from opsctl.incident_updates import update as updated

    desk = desk_at(where, output, dry_run=dry_run, light=runbook is None)
    incident, said = said_of(incident, text)
    name = named(desk, incident)
    changes = Changes(
        text=said,
        title=title,
        severity=None if severity is None else severity_named(severity),
        services=tuple(service or ()),
        tags=tuple(tag or ()),
        runbook=runbook,
        roles=roles_named(role or ()),
        times=desk.times(time or (), TIMES),
    )
    if changes == Changes():
        changes = changes._replace(
            text=asked(desk.world, None, "how it stands", "write it after the incident, or see --help")
        )
    when = desk.moment(at, "--at")
    decide(desk, lambda ledger: updated(ledger, desk.workspace, the(ledger, name), changes, when))


def note(
    incident: Name = None,
    text: Text = None,
    amend: Annotated[
        int | None, typer.Option("--amend", metavar="N", min=1, help="Correct this entry of the timeline.")
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Keep a note in the timeline, or correct an entry of it."""
    from opsctl import incident_updates

    desk = desk_at(where, output, dry_run=dry_run)
    incident, said = said_of(incident, text)
    when, name = desk.moment(at, "--at"), named(desk, incident)
    if amend is not None:
        decide(desk, lambda ledger: incident_updates.amend(ledger, the(ledger, name), amend, said, when))
        return
    kept = asked(desk.world, said, "the note", "write it after the incident")
    decide(desk, lambda ledger: incident_updates.note(ledger, the(ledger, name), kept, when))


def link(
    incident: _Named,
    other: Annotated[str, typer.Argument(help="INC-3, OPS-12, a commit, a change or an address.")],
    relation: Annotated[
        str, typer.Option("--as", metavar="RELATION", help="As 'caused by' or 'duplicate of'.")
    ] = "related to",
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Note what it has to do with: another incident, a backlog item, a change, a page."""
    from opsctl import incident_updates

    desk = desk_at(where, output, dry_run=dry_run)
    decide(desk, lambda ledger: incident_updates.link(ledger, the(ledger, incident), relation, other))
