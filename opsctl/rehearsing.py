"""A dry run that tells the truth: what reads is done, what changes is shown, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.capturing import captured
from opsctl.parameters import check_environment, hidden_in, values_of
from opsctl.secrets import Secrets
from opsctl.step_kinds import Done, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opsctl.definitions import Workspace
    from opsctl.runbooks import Runbook, Step
    from opsctl.world import World


class Shown(NamedTuple):
    """A step of a dry run: `done` is how a read went, None where it was not done."""

    step: str
    type: str
    effect: str
    words: str
    done: Done | None


def rehearse(
    workspace: Workspace,
    world: World,
    runbook: Runbook,
    said: Mapping[str, str],
    emit: Callable[[bytes], None],
    environment: str | None = None,
) -> Iterator[Shown]:
    """Every step in its order; UsageError for parameters and an environment that do not fit."""
    values = dict(values_of(runbook.procedure, said))
    check_environment(runbook, environment)
    hidden = hidden_in(runbook)
    secrets = Secrets(world.environ, workspace.root)
    for name in hidden:
        secrets.hide(values.get(name, ""))
    for step in runbook.procedure.steps:
        words = secrets.mask(step.kind.describe({**values, **dict.fromkeys(hidden, "***")}))
        done = None
        # A wait shows nothing but that time passes.
        if step.effect == "read" and not step.kind.ASKS and step.type != "wait":
            done = _read(workspace, world, secrets, hidden, step, values, emit, environment)
            values |= _taken(step, done)
        # What a change would have said is not known, and stands as its name.
        values |= {name: f"<{name}>" for name in (*step.terms.capture, *_asked(step)) if name not in values}
        yield Shown(step.id, step.type, step.effect, words, done)


def _read(
    workspace: Workspace,
    world: World,
    secrets: Secrets,
    hidden: frozenset[str],
    step: Step,
    values: Mapping[str, str],
    emit: Callable[[bytes], None],
    environment: str | None,
) -> Done:
    scene = Scene(
        workspace=workspace,
        world=world,
        secrets=secrets,
        root=workspace.root,
        environ=world.environ,
        values=values,
        hidden=hidden,
        run="dry run",
        step=step.id,
        incident=None,
        environment=environment,
        drill=True,
        timeout=step.terms.timeout,
        within=0.0,
        answer=None,
        emit=emit,
        perform=lambda _step, name, _values: Done("skipped", f"{name} stands inside another step"),
    )
    try:
        return step.kind.perform(scene)
    except Exception as error:  # noqa: BLE001 - whatever a step stumbles over is how it went
        return Done("failed", f"{type(error).__name__}: {secrets.mask(str(error))[:200]}")


def _taken(step: Step, done: Done) -> dict[str, str]:
    try:
        return captured(step.terms.capture, str(done.captured.get("stdout", "")))
    except ValueError:
        return {}


def _asked(step: Step) -> list[str]:
    kind: Any = step.kind
    return [str(kind.name)] if step.type in {"ask", "choose"} else []
