"""`opsctl incident open|ack|mitigate|resolve|close|reopen|escalate|merge`: what moves an incident on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.console import asked
from opsctl.commands.deciding import desk_at, words
from opsctl.commands.incident_desk import Name, decide, named, said_of, show_similar, the
from opsctl.commands.options import At, DryRun, Format, Reason, Text, Where

if TYPE_CHECKING:
    from opsctl.commands.deciding import Desk

Service = Annotated[
    list[str] | None, typer.Option("-s", "--service", metavar="SERVICE", help="Affected; repeatable.")
]
Severity = Annotated[
    str | None,
    typer.Option("--severity", metavar="SEV", help="sev1 to sev4; by default as its tier proposes."),
]
Role = Annotated[
    list[str] | None, typer.Option("--role", metavar="ROLE=PERSON", help="As commander=alice; repeatable.")
]
Tag = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Repeatable.")]
Runbook = Annotated[
    str | None, typer.Option("--runbook", metavar="NAME", help="The emergency procedure to follow.")
]
_OPEN = """Examples:

\b
  opsctl incident open "API returns 500s" -s api
  opsctl incident open "Queue stuck" --severity 2 --role commander=alice --at "10 minutes ago"
  opsctl incident open "Slow pages" -s web --impact-started 14:54 --detected 14:55 --at 15:01

Without --severity, the tier of the affected services proposes it.
"""
_RESOLVE = """Examples:

\b
  opsctl incident resolve 7 "the cache is back"
  opsctl incident resolve 7 --at 16:30 --impact-ended 16:00
  opsctl incident resolve 7 --force --reason "the check itself is broken"

Refused while a check of its services has not been up for `incidents: {healthy_for: ...}`.
"""


def register(group: typer.Typer) -> None:
    """Add the commands to the group `incident`."""
    group.command("open", epilog=_OPEN)(open_)
    group.command()(ack)
    group.command()(mitigate)
    group.command(epilog=_RESOLVE)(resolve)
    group.command()(close)
    group.command()(reopen)
    group.command()(escalate)
    group.command()(merge)


def open_(
    title: Annotated[list[str] | None, typer.Argument(help="What is wrong.", metavar="[TITLE]...")] = None,
    service: Service = None,
    severity: Severity = None,
    at: At = None,
    impact_started: Annotated[
        str | None, typer.Option("--impact-started", metavar="TIME", help="When users began to feel it.")
    ] = None,
    detected: Annotated[
        str | None, typer.Option("--detected", metavar="TIME", help="When it was seen; as --at by default.")
    ] = None,
    role: Role = None,
    runbook: Runbook = None,
    tag: Tag = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Declare an incident; on a terminal, what is missing is asked for."""
    from opsctl.asking import roles_named, severity_named
    from opsctl.responding import Declaration, open_incident

    desk = desk_at(where, output, dry_run=dry_run, light=runbook is None)
    declared = Declaration(
        title=asked(desk.world, words(title), "what is wrong", 'write opsctl incident open "what is wrong"'),
        services=tuple(service or (_services_asked(desk) if title is None else ())),
        severity=None if severity is None else severity_named(severity),
        at=desk.moment(at, "--at"),
        impact_started=desk.moment(impact_started, "--impact-started"),
        detected=desk.moment(detected, "--detected"),
        roles=roles_named(role or ()),
        runbook=runbook,
        tags=tuple(tag or ()),
    )
    case = decide(desk, lambda ledger: open_incident(ledger, desk.workspace, declared))
    show_similar(desk, case)


def _services_asked(desk: Desk) -> list[str]:
    """The services that a person names who has also been asked what is wrong; none where they name none."""
    known = ", ".join(desk.workspace.services)
    said = asked(desk.world, None, f"which services ({known}; none by Enter)", "name them by -s")
    return said.replace(",", " ").split()


def ack(
    incident: Name = None,
    text: Text = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="ROLE", help="Take a role, as commander.")
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Acknowledge it: somebody is on it."""
    from opsctl.responding import acknowledge

    desk = desk_at(where, output, dry_run=dry_run)
    incident, said = said_of(incident, text)
    when, name = desk.moment(at, "--at"), named(desk, incident)
    decide(desk, lambda ledger: acknowledge(ledger, desk.workspace, the(ledger, name), when, said, as_))


def mitigate(
    incident: Name = None,
    text: Text = None,
    at: At = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """The impact is stopped or small; the cause may still be there."""
    from opsctl import responding

    desk = desk_at(where, output, dry_run=dry_run)
    incident, said = said_of(incident, text)
    when, name = desk.moment(at, "--at"), named(desk, incident)
    decide(desk, lambda ledger: responding.mitigate(ledger, the(ledger, name), when, said))


def resolve(
    incident: Name = None,
    text: Text = None,
    at: At = None,
    impact_ended: Annotated[
        str | None, typer.Option("--impact-ended", metavar="TIME", help="As --at by default.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although checks are not well; with --reason.")
    ] = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """It is over; refused while the checks of its services are not well."""
    from opsctl import responding

    desk = desk_at(where, output, dry_run=dry_run)
    incident, said = said_of(incident, text)
    when, ended, name = (
        desk.moment(at, "--at"),
        desk.moment(impact_ended, "--impact-ended"),
        named(desk, incident),
    )
    forced = asked(desk.world, reason, "the reason", "add --reason TEXT to --force") if force else None
    decide(
        desk,
        lambda ledger: responding.resolve(
            ledger, desk.workspace, the(ledger, name), when, said, ended, forced
        ),
    )


def close(
    incident: Name = None,
    at: At = None,
    reason: Reason = None,
    false_alarm: Annotated[
        bool, typer.Option("--false-alarm", help="It was none, and counts in no figure; with --reason.")
    ] = False,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """It is done with: after its review, or without one for a --reason."""
    from opsctl import responding

    desk = desk_at(where, output, dry_run=dry_run)
    when, name = desk.moment(at, "--at"), named(desk, incident)
    decide(
        desk,
        lambda ledger: responding.close(
            ledger, desk.workspace, the(ledger, name), when, reason, false_alarm=false_alarm
        ),
    )


def reopen(
    incident: Name = None,
    text: Text = None,
    at: At = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """It has come back: a mitigated or resolved incident is on again."""
    from opsctl import responding

    desk = desk_at(where, output, dry_run=dry_run)
    when, name = desk.moment(at, "--at"), named(desk, incident, active=False)
    why = asked(desk.world, reason or words(text), "the reason", "add --reason TEXT")
    decide(desk, lambda ledger: responding.reopen(ledger, the(ledger, name), when, why))


def escalate(
    incident: Name = None,
    text: Text = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="SEV", help="The more serious one.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="PERSON", help="Who was called.")] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Make it more serious, call somebody, or both."""
    from opsctl import responding
    from opsctl.asking import severity_named

    desk = desk_at(where, output, dry_run=dry_run)
    name = named(desk, incident)
    worse = None if severity is None else severity_named(severity)
    why = asked(desk.world, reason or words(text), "the reason", "add --reason TEXT")
    decide(desk, lambda ledger: responding.escalate(ledger, the(ledger, name), worse, to, why))


def merge(
    incident: Annotated[str, typer.Argument(help="The one that ends, as INC-8.")],
    into: Annotated[str, typer.Argument(help="The one that goes on, as INC-7.")],
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Two incidents are one: the first goes on as the second, with its services and its timeline."""
    from opsctl import responding

    desk = desk_at(where, output, dry_run=dry_run)
    decide(
        desk,
        lambda ledger: responding.merge(ledger, the(ledger, incident), the(ledger, into)),
    )
