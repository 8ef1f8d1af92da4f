"""`opsctl gate`: whether a deploy may go on, by exit code."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.commands.completing import declared
from opsctl.commands.console import one_of
from opsctl.commands.options import Environment, Reason, Where

EPILOG = """Examples:

\b
  opsctl gate pre-deploy --subject "$GIT_SHA" --env prod
  opsctl gate pre-deploy --subject v1.4.2 -o github
  opsctl gate pre-deploy --subject v1.4.2 --wait 10m
  opsctl gate explain pre-deploy --subject v1.4.2       the smallest set of actions that opens it
  opsctl gate pre-deploy --subject v1.4.2 --at "friday 18:00" --no-record
  opsctl gate replay pre-deploy                         recorded decisions by today's checklist
  opsctl gate value pre-deploy                          what each item was good for

Exits 0 where it is open, 1 where an item fails, 3 where one is unknown, 4 where a person is waited for.
It never asks. An override needs a reason, is loud, and makes a backlog item.
"""


def register(app: typer.Typer) -> None:
    """Add `gate` to the application."""
    app.command(epilog=EPILOG)(gate)


def gate(
    words: Annotated[
        list[str],
        typer.Argument(
            autocompletion=declared("checklists"),
            help="Which; first what to do, where not to decide.",
            metavar="[explain|replay|value] CHECKLIST",
        ),
    ],
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="REF", help="A commit or a version.")
    ] = None,
    environment: Environment = None,
    service: Annotated[
        list[str] | None,
        typer.Option("-s", "--service", metavar="SERVICE", help="What it is about; repeatable."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Judge as of another time: freezes, expiries.")
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="LENGTH", help="Look again until it opens, so long at most."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many decisions to judge again.")] = 100,
    override: Annotated[bool, typer.Option("--override", help="Go on all the same; with --reason.")] = False,
    reason: Reason = None,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Whether to keep the decision.")
    ] = True,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="text, json, junit, github or markdown.")
    ] = "text",
    where: Where = None,
) -> None:
    """Evaluate a checklist for a subject, and let the exit code say whether it may go on."""
    from opsctl.commands import gate_desk

    verb, checklist = gate_desk.meant(words)
    if verb in {"replay", "value"}:
        gate_desk.only_looks_back(verb, (subject, environment, service, at, wait, reason, override or None))
        gate_desk.look_back(where, checklist, output, limit=limit, replay=verb == "replay")
        return
    formats = ("text", "json") if verb == "explain" else ("text", "json", "junit", "github", "markdown")
    one_of("--output", output, formats)
    asked = gate_desk.Question(checklist, subject, environment, service, at, wait, override, reason, record)
    raise typer.Exit(gate_desk.answer(where, asked, output, explain=verb == "explain"))
