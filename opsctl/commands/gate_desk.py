"""What `opsctl gate` does with its flags: evaluate, wait, explain, look back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from opsctl.commands.console import emit, open_workspace, opened, reader_of
from opsctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.gatekeeping import Asked, Decision
    from opsctl.world import World


class Question(NamedTuple):
    """What was typed."""

    checklist: str
    subject: str | None
    environment: str | None
    services: list[str] | None
    at: str | None
    wait: str | None
    override: bool
    reason: str | None
    record: bool


def meant(words: Sequence[str]) -> tuple[str, str]:
    """What is to be done, and with which checklist; UsageError for other words."""
    verb = words[0] if len(words) > 1 else "decide"
    if len(words) > 2 or verb not in {"decide", "explain", "replay", "value"}:
        raise UsageError(
            f"`{verb}` is nothing a gate does; write `opsctl gate [explain|replay|value] CHECKLIST`"
        )
    return verb, words[-1]


def only_looks_back(verb: str, given: Sequence[object]) -> None:
    """UsageError where options of a decision are given to what only looks at past ones."""
    if any(one is not None and one != [] for one in given):
        words = "leave --subject, --env, --service, --at, --wait, --override and --reason out"
        raise UsageError(f"`gate {verb}` looks at the decisions that are recorded; {words}")


def answer(where: Path | None, question: Question, output: str, *, explain: bool) -> ExitCode:
    """Evaluate the gate, show the decision, and answer the exit code for it."""
    from opsctl.formats.gates import write, write_explanation
    from opsctl.gatekeeping import decide
    from opsctl.gating import exit_code
    from opsctl.world import this_world

    world = this_world()
    workspace = open_workspace(where, world.environ)
    asked = _asked(question, workspace, world, explain=explain)
    if question.wait is None:
        decision = decide(workspace, world, asked)
    else:
        decision = _wait(workspace, world, asked, question.wait)
    if explain:
        emit(world, write_explanation(decision, output, workspace.timezone))
    else:
        emit(world, write(decision, output, workspace.timezone, reader_of(world)))
    verdict = decision.evaluation.verdict
    if decision.override is not None and verdict.open:
        world.stderr.write(f"opsctl: the gate was {verdict} and is OVERRIDDEN: {decision.override}\n")
        return ExitCode.YES
    return exit_code(verdict)


def look_back(where: Path | None, checklist: str, output: str, *, limit: int, replay: bool) -> None:
    """Show what today's checklist makes of recorded decisions, or what its items were good for."""
    from opsctl import gatekeeping
    from opsctl.formats.gates import write_replay, write_worth

    world, workspace = opened(where, output, ("text", "json"), light=False)
    if replay:
        emit(world, write_replay(gatekeeping.replay(workspace, checklist, limit), output))
    else:
        emit(world, write_worth(gatekeeping.worth(workspace, checklist), output))


def _asked(question: Question, workspace: Workspace, world: World, *, explain: bool) -> Asked:
    from opsctl.gatekeeping import Asked
    from opsctl.moments import moment

    if question.subject is None:
        raise UsageError("what it is about is missing; add --subject with a commit or a version")
    if question.wait is not None and question.at is not None:
        raise UsageError("waiting changes nothing about another time; leave --wait or --at out")
    _check_override(question, explain=explain)
    at = question.at
    as_of = None if at is None else moment(at, world.now, workspace.timezone, "--at", ahead=True)
    return Asked(
        question.checklist,
        question.subject,
        question.environment,
        tuple(question.services or ()),
        as_of,
        question.reason if question.override else None,
        # Neither a question nor another time is a decision.
        question.record and not explain and as_of is None,
    )


def _check_override(question: Question, *, explain: bool) -> None:
    """An override has a reason and is kept; UsageError for one that nobody could look at afterwards."""
    if not question.override:
        if question.reason is not None:
            raise UsageError("--reason is the reason of an override; add --override, or leave it out")
        return
    if explain:
        raise UsageError("`explain` decides nothing, so there is nothing to override; leave --override out")
    if not question.reason:
        raise UsageError("an override needs `--reason TEXT`; say why it may go on all the same")
    if question.at is not None:
        raise UsageError("an override is for now; leave --at out")
    if not question.record:
        raise UsageError("an override is kept, so that somebody looks at it; leave --no-record out")


def _wait(workspace: Workspace, world: World, asked: Asked, length: str) -> Decision:
    from opsctl.gatekeeping import wait
    from opsctl.gating import summary
    from opsctl.outcome import Kind
    from opsctl.units import parse

    try:
        patience = parse(Kind.DURATION, length)
    except ValueError as error:
        raise UsageError(f"--wait `{length}`: {error}") from error
    began = time.monotonic()

    def note(decision: Decision) -> None:
        if world.stderr.isatty():
            spent = round(time.monotonic() - began)
            world.stderr.write(f"\r\x1b[K{spent} s: {summary(decision.evaluation)}")
            world.stderr.flush()

    try:
        return wait(workspace, world, asked, patience, note)
    finally:
        if world.stderr.isatty():
            world.stderr.write("\r\x1b[K")
