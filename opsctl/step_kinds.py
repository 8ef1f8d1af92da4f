"""The kinds of runbook steps: one file each, one line here each.

A kind is a frozen dataclass whose fields are its YAML, with the words for what it would do and the one
function that does it. It is imported only when a runbook uses it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from opsctl.definitions import Workspace
    from opsctl.outcome import Value
    from opsctl.secrets import Secrets
    from opsctl.world import World

STEPS: Mapping[str, str] = {
    "run": "RunStep",
    "shell": "ShellStep",
    "http": "HttpStep",
    "check": "CheckStep",
    "confirm": "ConfirmStep",
    "ask": "AskStep",
    "choose": "ChooseStep",
    "note": "NoteStep",
    "wait": "WaitStep",
    "notify": "NotifyStep",
    "incident": "IncidentStep",
    "checklist": "ChecklistStep",
    "runbook": "RunbookStep",
    "parallel": "ParallelStep",
    "each": "EachStep",
}

Effect = Literal["read", "change"]
Outcome = Literal["ok", "failed", "waiting", "unknown", "skipped"]


class Answer(NamedTuple):
    """What a person said to a question of a step: who, when (UTC epoch seconds), and what."""

    who: str
    at: float
    value: str


class Scene(NamedTuple):
    """What a step is given: all it may know beside its own fields.

    `values` are the parameters and what was captured so far, as texts; `hidden` the names of those that are
    secret. `answer` is what a person said to this step's question, where somebody has. `emit` takes output as
    it comes. `timeout` (seconds) bounds the step, `within` how long it waits for what it looks for. `perform`
    does a step that stands inside this one.
    """

    workspace: Workspace
    world: World
    secrets: Secrets
    root: Path
    environ: Mapping[str, str]
    values: Mapping[str, str]
    hidden: frozenset[str]
    run: str
    step: str
    incident: str | None
    environment: str | None
    drill: bool
    timeout: float
    within: float | None
    answer: Answer | None
    emit: Callable[[bytes], None]
    perform: Callable[[Any, str, Mapping[str, str]], Done]


class Done(NamedTuple):
    """How a step went. `waiting` has a `question` for a person; `unknown` is neither done nor failed.

    One that failed has `acted` all the same where only its `verify` does not hold, and where it was ended or
    lost on its way, so that it may have done what it was to do. It is `sure` where what it
    looked at says no; else it could not look, and nothing is known of that.
    `head` and `tail` are the start and the end of its output as text, `left_out` the bytes between them.
    """

    outcome: Outcome
    message: str = ""
    exit_code: int | None = None
    head: str = ""
    tail: str = ""
    left_out: int = 0
    captured: Mapping[str, Value] = {}
    question: str = ""
    acted: bool = False
    sure: bool = False


class Step(Protocol):
    """What every kind is; see CONTRIBUTING.md for adding one."""

    SHORTHAND: ClassVar[str]
    """The field that a plain text or list in place of the mapping fills; empty where there is none."""
    EFFECT: ClassVar[Effect]
    """What it does to the world where the step does not say: `read` runs in a dry run, `change` does not."""
    ASKS: ClassVar[bool]
    """Whether a person answers it."""
    NAMES: ClassVar[Mapping[str, str]] = {}
    """Which fields name a `check`, `checklist` or `runbook`, which have to be there when it is loaded."""

    def describe(self, values: Mapping[str, str]) -> str:
        """What it would do, in one line with the values filled in; secrets stay as they are written."""
        ...

    def perform(self, scene: Scene) -> Done:
        """Do it once, within `scene.timeout` seconds; never raises for what its target does."""
        ...


def step_named(name: str) -> Any:
    """The class of the kind called `name`, one of `STEPS`; KeyError for any other name."""
    return getattr(import_module(f"opsctl.steps.{name}"), STEPS[name])
