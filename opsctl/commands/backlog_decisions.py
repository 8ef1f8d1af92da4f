"""`opsctl backlog add|edit|prioritise|plan|reject`: what is to be done, how much it matters, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.commands.backlog_desk import Name, keep
from opsctl.commands.backlog_desk import plan as carry
from opsctl.commands.completing import recorded
from opsctl.commands.console import asked
from opsctl.commands.deciding import desk_at, words
from opsctl.commands.options import DryRun, Format, Reason, Text, Where

if TYPE_CHECKING:
    from opsctl.commands.deciding import Desk
    from opsctl.improving import Fields

_Priority = Annotated[
    str | None, typer.Option("--priority", metavar="PRIORITY", help="critical, high, medium or low.")
]
_Impact = Annotated[
    str | None, typer.Option("--impact", metavar="IMPACT", help="high or low; by the priority by default.")
]
_Effort = Annotated[str | None, typer.Option("--effort", metavar="WORK", help="As 4h, or 2d of 8 hours.")]
_Owner = Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Who sees to it.")]
_Due = Annotated[str | None, typer.Option("--due", metavar="TIME", help="As 2026-12-24, friday or 'in 2w'.")]
_Tag = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="One word; repeatable.")]
_Service = Annotated[
    list[str] | None, typer.Option("-s", "--service", metavar="SERVICE", help="What it improves; repeatable.")
]
_Source = Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="As INC-7, or a word.")]
_Measure = Annotated[
    str | None, typer.Option("--measure", metavar="MEASURE", help="What will show that it helped.")
]
_Text = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="What there is to say.")]
_ADD = """Examples:

\b
  opsctl backlog add "Alert on replica lag" --priority high --effort 4h
  opsctl backlog add "Faster failover" --measure "time-to-recover service:db 90d" --due "in 3w"
  opsctl backlog add "Fewer tickets" --measure 'manual less "tickets a week"'

Measures: availability SERVICE 28d; p95 SERVICE/CHECK 7d; incidents tag:T service:S sev1 28d;
time-to-detect, -acknowledge, -mitigate, -recover or -resolve; manual less|more "what is counted".
"""
_PLAN = """Examples:

\b
  opsctl backlog plan                                   what each iteration carries
  opsctl backlog plan --new "Sprint 12" --starts monday --capacity 160h
  opsctl backlog plan 12 13 --iteration next
  opsctl backlog plan 12 --iteration none
"""


def register(group: typer.Typer) -> None:
    """Add the commands to the group `backlog`."""
    group.command(epilog=_ADD)(add)
    group.command()(edit)
    group.command()(prioritise)
    group.command(epilog=_PLAN)(plan)
    group.command()(reject)


def add(
    title: Annotated[
        list[str] | None, typer.Argument(help="What is to be better.", metavar="[TITLE]...")
    ] = None,
    priority: _Priority = None,
    impact: _Impact = None,
    effort: _Effort = None,
    owner: _Owner = None,
    due: _Due = None,
    tag: _Tag = None,
    service: _Service = None,
    source: _Source = None,
    measure: _Measure = None,
    text: _Text = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Propose an improvement."""
    from opsctl import improving

    desk = desk_at(where, output, dry_run=dry_run)
    named = asked(desk.world, words(title), "what is to be better", 'write opsctl backlog add "what"')
    fields = _fields(desk, named, text, priority, impact, effort, owner, due, tag, service, source, measure)
    keep(desk, lambda ledger: improving.add(ledger, desk.workspace, fields))


def edit(
    item: Name,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="A better title.")] = None,
    priority: _Priority = None,
    impact: _Impact = None,
    effort: _Effort = None,
    owner: _Owner = None,
    due: _Due = None,
    tag: _Tag = None,
    service: _Service = None,
    source: _Source = None,
    measure: _Measure = None,
    text: _Text = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", metavar="FIELD", help="Empty it, as owner; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Correct what is known of an item; tags and services are replaced."""
    from opsctl import improving
    from opsctl.commands.console import one_of

    desk = desk_at(where, output, dry_run=dry_run)
    fields = _fields(desk, title, text, priority, impact, effort, owner, due, tag, service, source, measure)
    cleared = tuple(one_of("--clear", name, improving.CLEARABLE) for name in clear or ())
    keep(
        desk,
        lambda ledger: improving.edit(
            ledger, desk.workspace, improving.found(ledger, item), fields._replace(clear=cleared)
        ),
    )


def prioritise(
    item: Name,
    priority: Annotated[
        str | None, typer.Argument(help="critical, high, medium or low.", metavar="[PRIORITY]")
    ] = None,
    impact: _Impact = None,
    effort: _Effort = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Decide how much an item matters: its priority, its impact, its effort."""
    from opsctl import improving

    desk = desk_at(where, output, dry_run=dry_run)
    fields = _fields(desk, None, None, priority, impact, effort, None, None, None, None, None, None)
    keep(desk, lambda ledger: improving.prioritise(ledger, improving.found(ledger, item), fields, reason))


def plan(
    items: Annotated[
        list[str] | None,
        typer.Argument(autocompletion=recorded("OPS"), help="As OPS-12 or 12.", metavar="[ITEM]..."),
    ] = None,
    iteration: Annotated[
        str | None, typer.Option("--iteration", metavar="ITR", help="ITR-3, current, next or none.")
    ] = None,
    new: Annotated[str | None, typer.Option("--new", metavar="TITLE", help="Begin an iteration.")] = None,
    starts: Annotated[str | None, typer.Option("--starts", metavar="TIME", help="Of the new one.")] = None,
    ends: Annotated[
        str | None, typer.Option("--ends", metavar="TIME", help="Of the new one; as its length by default.")
    ] = None,
    capacity: Annotated[
        str | None, typer.Option("--capacity", metavar="WORK", help="Hours of everybody in the new one.")
    ] = None,
    share: Annotated[
        float | None, typer.Option("--share", metavar="PERCENT", min=0, max=100, help="For improvements.")
    ] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Take items into an iteration; without any, show what each carries against its share."""
    from opsctl.errors import UsageError
    from opsctl.moments import moment
    from opsctl.planning import New, Plan

    desk = desk_at(where, output, dry_run=dry_run)
    if new is None and (starts or ends or capacity or share is not None):
        raise UsageError('only a new iteration starts, ends and has a capacity; add `--new "Sprint 12"`')
    begun = None
    if new is not None:
        said = asked(desk.world, starts, "when it starts", "add --starts monday")
        held = asked(desk.world, capacity, "its capacity", "add --capacity 160h")
        began = moment(said, desk.world.now, desk.workspace.timezone, "--starts", ahead=True)
        begun = New(new, began, desk.moment(ends, "--ends", ahead=True), held, share)
    carry(desk, Plan(tuple(items or ()), iteration, begun))


def reject(
    item: Name,
    text: Text = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why not.")] = None,
    dry_run: DryRun = False,
    output: Format = "text",
    where: Where = None,
) -> None:
    """Decide against an item, for a reason."""
    from opsctl import improving

    desk = desk_at(where, output, dry_run=dry_run)
    why = asked(desk.world, reason or words(text), "the reason", "add --reason TEXT")
    keep(desk, lambda ledger: improving.reject(ledger, improving.found(ledger, item), why))


def _fields(
    desk: Desk,
    title: str | None,
    text: str | None,
    priority: str | None,
    impact: str | None,
    effort: str | None,
    owner: str | None,
    due: str | None,
    tag: list[str] | None,
    service: list[str] | None,
    source: str | None,
    measure: str | None,
) -> Fields:
    from opsctl.hours import hours
    from opsctl.improving import Fields

    return Fields(
        title=title,
        text=text,
        priority=priority,
        impact=impact,
        effort=None if effort is None else hours(effort, "--effort"),
        owner=owner,
        due=desk.deadline(due, "--due"),
        tags=None if tag is None else tuple(tag),
        services=None if service is None else tuple(service),
        source=source,
        measure=measure,
    )
