"""What the files of a workspace may say: each a frozen dataclass whose fields are its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from opsctl.checks import KINDS, Check, kind_named
from opsctl.definitions import Retention, Tier
from opsctl.expectations import Expectation, ExpectationError, parse
from opsctl.kinds import Family, kinded_schema, read_kinded
from opsctl.limits import Between, Doc, Matching, Name, NotEmpty, OneOrMore, Seconds
from opsctl.places import FAILED, Located, Reading, locate
from opsctl.reading import ReadWith, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opsctl.composing import Node

Expectations = Annotated[tuple[Located, ...] | None, OneOrMore(), NotEmpty()]
Attempts = Annotated[int, Between(0, 10), Doc("How often to try again where no answer came.")]
Streak = Annotated[int, Between(1, 100)]
RunbookId = Annotated[Located, Matching(r"[a-z0-9][a-z0-9._-]*", "a runbook's id")]


def _section(module: str, name: str) -> ReadWith:
    """A section whose dataclass is imported where a file has the section, as each costs at every start."""

    def declared() -> type:
        found: type = getattr(import_module(module), name)
        return found

    def schema() -> dict[str, Any]:
        from opsctl.schema import reference

        return reference(declared())

    return ReadWith(lambda node, reading: read(declared(), node, reading), schema)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a check is run and when its results count."""

    timeout: Annotated[Seconds | None, Between(0.001, 3600), Doc("What bounds one attempt, as `10s`.")] = None
    retries: Attempts | None = None
    retry_delay: Annotated[Seconds | None, Between(0, 600), Doc("The pause before another attempt.")] = None
    retry_on: Annotated[
        Literal["transport", "any"] | None, Doc("Try again where no answer came, or after any failure.")
    ] = None
    fail_after: Annotated[Streak | None, Doc("Failures in a row before it counts as an outage.")] = None
    ok_after: Annotated[Streak | None, Doc("Passes in a row before an outage has ended.")] = None
    every: Annotated[
        Seconds | None,
        Between(1, 31_536_000),
        Doc("How often results are expected; twice this long one counts."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CheckTerms(Terms):
    """Everything of a check but what it looks at."""

    expect: Annotated[Expectations, Doc("What must hold for it to be up.")] = None
    warn: Annotated[Expectations, Doc("What must hold for it not to be degraded.")] = None
    title: Annotated[str | None, Doc("What people call it.")] = None
    runbook: Annotated[RunbookId | None, Doc("What to do when it is down: the name of a runbook.")] = None
    expect_survivor: Annotated[
        Mapping[Name, str], Doc("Faults of `check --prove` that it need not catch, each with the reason.")
    ] = field(default_factory=dict)
    remedy: Annotated[
        Any, _section("opsctl.policies", "Remedy"), Doc("A runbook that is run when it is down.")
    ] = None


class DeclaredCheck(NamedTuple):
    """A check as its file says, its expectations parsed, defaults not yet applied."""

    place: Located
    type: str
    kind: Check
    expect: tuple[Expectation, ...]
    warn: tuple[Expectation, ...]
    terms: CheckTerms


CHECKS = Family("check type", "http: https://example.com/health", KINDS, kind_named, CheckTerms)


def read_check(node: Node, reading: Reading) -> Any:
    """A mapping with the key of one check type, and its terms, as a DeclaredCheck."""
    found = read_kinded(CHECKS, node, reading)
    if found is FAILED:
        return FAILED
    expect, warn = _expectations(found.kind, found.terms, reading)
    return DeclaredCheck(found.place, found.type, found.kind, expect, warn, found.terms)


def _expectations(
    kind: Check, terms: CheckTerms, reading: Reading
) -> tuple[tuple[Expectation, ...], tuple[Expectation, ...]]:
    own = getattr(kind, "expectations", None)
    expect, warn = own() if own else (kind.EXPECT, ())
    return (
        _parse(kind, terms.expect, reading)
        if terms.expect is not None
        else _parse_texts(kind, tuple(expect)),
        _parse(kind, terms.warn, reading) if terms.warn is not None else _parse_texts(kind, tuple(warn)),
    )


def _parse(kind: Check, texts: Sequence[Located], reading: Reading) -> tuple[Expectation, ...]:
    parsed = []
    for located in texts:
        try:
            parsed.append(parse(located.text, kind.SUBJECTS))
        except ExpectationError as error:
            reading.problems.append(located.problem(str(error), error.column))
    return tuple(parsed)


def _parse_texts(kind: Check, texts: tuple[str, ...]) -> tuple[Expectation, ...]:
    return tuple(parse(text, kind.SUBJECTS) for text in texts)


def _practices(module: str, name: str, special: str = "", *, checks: bool = False) -> ReadWith:
    """A section of definitions by id, as (place, definition or None) pairs.

    `special` is the module's own function to read one, where the fields of the dataclass do not say it all.
    Unless `checks` need it, it is passed over where only what they need is read.
    """

    def declared() -> type:
        found: type = getattr(import_module(module), name)
        return found

    def schema() -> dict[str, Any]:
        from opsctl.schema import reference

        return {"type": "object", "additionalProperties": reference(declared())}

    def reader(node: Node, reading: Reading) -> Any:
        if reading.light and not checks:
            return ()
        own = getattr(import_module(module), special) if special else None
        return _read_definitions(own or partial(read, declared()), node, reading)

    return ReadWith(reader, schema)


def _read_definitions(reader: Callable[[Node, Reading], Any], node: Node, reading: Reading) -> Any:
    if node.id != "mapping":
        return reading.fail(node, "expected a mapping of definitions by id")
    found = []
    for key, value in node.value:
        name = read(Name, key, reading)
        definition = reader(value, reading)
        if name is not FAILED:
            found.append((locate(key, reading), None if definition is FAILED else definition))
    return tuple(found)


def check_schema() -> dict[str, Any]:
    """The JSON Schema of one check."""
    return kinded_schema(CHECKS)


@dataclass(frozen=True, kw_only=True)
class DeclaredService:
    """A service as its file says."""

    title: Annotated[str | None, Doc("What people call it.")] = None
    owner: Annotated[str | None, Doc("The team or person that answers for it.")] = None
    tier: Annotated[Tier, Doc("How much depends on it.")] = "normal"
    tags: Annotated[tuple[Name, ...], Doc("Words to select it by, as `tag:WORD`.")] = ()
    depends_on: Annotated[tuple[Located, ...], OneOrMore(), Doc("Services that it cannot work without.")] = ()
    runbook: Annotated[RunbookId | None, Doc("What to do when it is down: the name of a runbook.")] = None
    incidents: Annotated[
        Any, _section("opsctl.policies", "Opening"), Doc("Incidents that its checks open by themselves.")
    ] = None
    objectives: Annotated[
        Any, _section("opsctl.policies", "Objectives"), Doc("What is promised of it, for reports.")
    ] = None
    checks: Annotated[
        Mapping[Name, Annotated[DeclaredCheck, ReadWith(read_check, check_schema)]],
        NotEmpty(),
        Doc("The service's checks, by name."),
    ]


def _read_services(node: Node, reading: Reading) -> Any:
    return _read_definitions(partial(read, DeclaredService), node, reading)


def _services_schema() -> dict[str, Any]:
    from opsctl.schema import reference

    return {"type": "object", "additionalProperties": reference(DeclaredService)}


Services = Annotated[
    tuple[tuple[Located, DeclaredService | None], ...],
    ReadWith(_read_services, _services_schema),
    Doc("What we operate, by id."),
]


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What holds where a definition says nothing else."""

    check: Annotated[Terms, Doc("For every check.")] = field(default_factory=Terms)


@dataclass(frozen=True, kw_only=True)
class DeclaredRetention:
    """How long the store keeps what; `opsctl db prune` deletes the rest."""

    passes: Annotated[Seconds, Between(3600, 10**10), Doc("Results of passes.")] = Retention().passes
    failures: Annotated[Seconds, Between(3600, 10**10), Doc("Results of failures.")] = Retention().failures
    rollups: Annotated[Seconds, Between(3600, 10**10), Doc("Hourly figures and outages.")] = (
        Retention().rollups
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Failures outlive passes, and figures outlive both."""
        if not self.passes <= self.failures <= self.rollups:
            yield "failures", "failures are kept at least as long as passes, and rollups as long as failures"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Any file of a workspace but its root."""

    services: Services = ()
    checklists: Annotated[
        Any, _practices("opsctl.checklists", "Checklist"), Doc("Statements that must hold, by id.")
    ] = ()
    runbooks: Annotated[
        Any, _practices("opsctl.runbooks", "Procedure", "read_runbook"), Doc("Procedures by id.")
    ] = ()
    routines: Annotated[
        Any, _practices("opsctl.routines", "Plan", "read_routine"), Doc("What is due at times, by id.")
    ] = ()
    freezes: Annotated[
        Any, _practices("opsctl.freezes", "Freeze"), Doc("When changes are refused, by id.")
    ] = ()
    maintenance: Annotated[
        Any, _practices("opsctl.windows", "Window", checks=True), Doc("When checks do not count, by id.")
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Root(Part):
    """`opsctl.yaml`, the root of a workspace."""

    version: Annotated[Literal[1], Doc("The version of this format.")]
    name: Annotated[str, NotEmpty(), Doc("What is operated here.")]
    timezone: Annotated[Located | None, Doc("The zone of schedules and reports, as `Europe/Berlin`.")] = None
    store: Annotated[str, NotEmpty(), Doc("The store's file; the variable OPSCTL_DB overrides it.")] = (
        ".opsctl/opsctl.db"
    )
    include: Annotated[tuple[Located, ...] | None, Doc("Globs of further files.")] = None
    defaults: Annotated[Defaults, Doc("What holds where nothing else is said.")] = field(
        default_factory=Defaults
    )
    retention: Annotated[DeclaredRetention, Doc("How long the store keeps what.")] = field(
        default_factory=DeclaredRetention
    )

    incidents: Annotated[Any, _section("opsctl.policies", "Incidents"), Doc("How incidents are handled.")] = (
        None
    )
    reviews: Annotated[
        Any, _section("opsctl.policies", "Reviews"), Doc("How post-incident reviews are written.")
    ] = None
    backlog: Annotated[
        Any, _section("opsctl.policies", "Backlog"), Doc("How improvements are planned and proven.")
    ] = None

    docs: Annotated[
        tuple[Located, ...],
        OneOrMore(),
        Doc("Globs of the documents that are owned and reviewed, as `docs/**/*.md`."),
    ] = ()

    roles: Annotated[
        Mapping[Name, tuple[str, ...]],
        Doc("Who may act in a role; one that is not listed is open to all."),
    ] = field(default_factory=dict)
    signers: Annotated[
        str | None,
        NotEmpty(),
        Doc("A file of allowed signers (ssh-keygen); imported sign-offs need one then."),
    ] = None

    SHORTHAND: ClassVar[str] = ""
