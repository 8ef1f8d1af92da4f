"""A runbook: a procedure that a tired person can run, leave, resume and undo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from opsctl.capturing import Capture, Variable
from opsctl.digests import digest, plain
from opsctl.filling import names
from opsctl.kinds import Family, kinded_schema, place_of, read_kinded
from opsctl.limits import Between, Doc, Name, NotEmpty, OneOrMore, Seconds
from opsctl.places import FAILED, Located
from opsctl.prose import suggestion
from opsctl.reading import ReadWith, read
from opsctl.secrets import Template
from opsctl.step_kinds import STEPS, step_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.composing import Node, Problem
    from opsctl.places import Reading
    from opsctl.step_kinds import Effect
    from opsctl.step_kinds import Step as Kind

_Words = Annotated[tuple[str, ...], OneOrMore()]
_PLAIN = (str, int, float, type(None), Template, Located)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a run is told at its start."""

    text: Annotated[str, Doc("What to fill in, for people.")] = ""
    pattern: Annotated[re.Pattern[str] | None, Doc("What the whole value must match.")] = None
    values: Annotated[tuple[str, ...], Doc("The values that are allowed.")] = ()
    default: Annotated[str | None, Doc("The value where none is given.")] = None
    required: Annotated[bool, Doc("Whether a value is needed.")] = True
    secret: Annotated[bool, Doc("Whether the value is masked everywhere and never stored.")] = False


def _read_inner(node: Node, reading: Reading) -> Any:
    return read_step(node, reading)


def _inner_schema() -> dict[str, Any]:
    return {"type": "object"}


Inner = Annotated[Any, ReadWith(_read_inner, _inner_schema)]
"""A step inside a step: what undoes it, what shows that it is done."""


@dataclass(frozen=True, kw_only=True)
class StepTerms:
    """Everything of a step but what it does."""

    id: Annotated[Name | None, Doc("Its name in this runbook; steps without one are numbered.")] = None
    text: Annotated[str, Doc("What it is for, for people.")] = ""
    when: Annotated[
        _Words, Doc('Expectations over values, as `host == "a"`; skipped where one does not hold.')
    ] = ()
    unless: Annotated[Inner, Doc("A step that reads; where it succeeds, this one is already done.")] = None
    creates: Annotated[str | None, Doc("A path; where it exists, the step is already done.")] = None
    verify: Annotated[Inner, Doc("A step that reads and shows that this one has worked.")] = None
    timeout: Annotated[Seconds, Between(0.01, 604_800), Doc("What bounds it.")] = 300.0
    within: Annotated[
        Seconds | None,
        Between(0.01, 604_800),
        Doc("How long `check` and `wait` wait for what they look for."),
    ] = None
    retries: Annotated[int, Between(0, 100), Doc("How often to try again.")] = 0
    retry_delay: Annotated[Seconds, Between(0, 3600), Doc("The pause before another attempt.")] = 5.0
    on_failure: Annotated[Literal["stop", "continue", "rollback", "ask"], Doc("What then.")] = "stop"
    effect: Annotated[Literal["read", "change"] | None, Doc("Whether it changes anything.")] = None
    undo: Annotated[Inner, Doc("The step that takes this one back.")] = None
    role: Annotated[str | None, Doc("Who does it.")] = None
    needs: Annotated[str | None, Doc("Who has to approve it before: a role, or anyone.")] = None
    minutes: Annotated[float | None, Between(0, 10_000), Doc("How long it should take a person.")] = None
    capture: Annotated[Mapping[Variable, Capture], Doc("Values to take from the output.")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Step:
    """One step of a runbook."""

    place: Located
    id: str
    type: str
    kind: Kind
    terms: StepTerms
    digest: str

    @property
    def effect(self) -> Effect:
        """Whether it changes anything."""
        return self.terms.effect or self.kind.EFFECT


FAMILY = Family("step kind", "run: [systemctl, restart, api]", STEPS, step_named, StepTerms)


def read_step(node: Node, reading: Reading) -> Any:
    """A mapping with the key of one step kind, and its terms, as a Step; its id may still be empty."""
    found = read_kinded(FAMILY, node, reading)
    if found is FAILED:
        return FAILED
    return Step(found.place, found.terms.id or "", found.type, found.kind, found.terms, digest(plain(node)))


def step_schema() -> dict[str, Any]:
    """The JSON Schema of one step."""
    return kinded_schema(FAMILY)


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """A runbook as its file says."""

    title: Annotated[str, NotEmpty(), Doc("What people call it.")]
    text: Annotated[str, Doc("What it is for and when to use it.")] = ""
    owner: Annotated[str | None, Doc("The team or person that answers for it.")] = None
    services: Annotated[tuple[Name, ...], OneOrMore(), Doc("The services that it is for.")] = ()
    tags: Annotated[tuple[Name, ...], Doc("Words to select it by.")] = ()
    environments: Annotated[_Words, Doc("Where it may run; anywhere where none is named.")] = ()
    parameters: Annotated[Mapping[Variable, Parameter], Doc("What a run is told at its start.")] = field(
        default_factory=dict
    )
    drill_every: Annotated[Seconds | None, Between(3600, 10**9), Doc("How old its proof may be.")] = None
    scripts: Annotated[tuple[str, ...], OneOrMore(), Doc("Files that it relies on, for its freshness.")] = ()
    steps: Annotated[
        tuple[Annotated[Step, ReadWith(read_step, step_schema)], ...], NotEmpty(), Doc("The steps, in order.")
    ]


@dataclass(frozen=True)
class Runbook:
    """A runbook with what identifies it: `digest` is of all it says, `file` where it says so."""

    id: str
    file: str
    digest: str
    procedure: Procedure


def read_runbook(node: Node, reading: Reading) -> Any:
    """A runbook's mapping as a Procedure whose steps all have an id, with the digest of what it says."""
    procedure = read(Procedure, node, reading)
    if procedure is FAILED:
        return FAILED
    steps: list[Step] = []
    first: dict[str, Step] = {}
    for number, step in enumerate(procedure.steps, start=1):
        named = step if step.id else Step(step.place, f"step-{number}", *_rest(step))
        other = first.setdefault(named.id, named)
        if other is not named:
            reading.problems.append(
                named.place.problem(
                    f"step `{named.id}` is there twice, first on line {other.place.line + 1}; rename one"
                )
            )
        steps.append(named)
    reading.problems.extend(_unknown_values(procedure, steps))
    return Read(place_of(node, reading), _with_steps(procedure, tuple(steps)), digest(plain(node)))


def _unknown_values(procedure: Procedure, steps: list[Step]) -> Iterator[Problem]:
    """Every value that a step fills in and that no parameter and no step before it gives."""
    known = set(procedure.parameters)
    for step in steps:
        own = known | {str(getattr(step.kind, "name", ""))} if step.type == "each" else known
        try:
            wanted = {name for text in _texts((step.kind, step.terms)) for name in names(text)}
        except ValueError as error:
            yield step.place.problem(str(error))
            continue
        for name in sorted(wanted - own):
            hint = suggestion(name, known) or "; add it to `parameters`, or capture it in a step before"
            yield step.place.problem(f"step `{step.id}` fills in `{name}`, which nothing gives{hint}")
        known |= set(step.terms.capture)
        if step.type in {"ask", "choose"}:
            known.add(str(step.kind.name))  # type: ignore[attr-defined]  # both name what they ask for


def _texts(value: Any) -> Iterator[str]:
    """Every text that stands in a definition, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Located):
        return
    elif isinstance(value, Template):
        yield value.text
    elif is_dataclass(value):
        for one in fields(value):
            yield from _texts(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _texts(one)


def inside(value: Any) -> Iterator[Step]:
    """The steps that stand inside a step, however deep."""
    parts: Any = ()
    if isinstance(value, Step):
        parts = (value.kind, value.terms)
    elif is_dataclass(value):
        parts = (getattr(value, one.name) for one in fields(value))
    elif isinstance(value, tuple):
        parts = value
    for part in parts:
        if isinstance(part, Step):
            yield part
        # Most of a definition is plain values, and each command walks through all of it.
        if not isinstance(part, _PLAIN):
            yield from inside(part)


@dataclass(frozen=True)
class Read:
    """A runbook that was read, before it has its name."""

    place: Located
    procedure: Procedure
    digest: str


def _rest(step: Step) -> tuple[str, Kind, StepTerms, str]:
    return step.type, step.kind, step.terms, step.digest


def _with_steps(procedure: Procedure, steps: tuple[Step, ...]) -> Procedure:
    from dataclasses import replace

    return replace(procedure, steps=steps)
