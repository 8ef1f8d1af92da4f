"""Find and load a workspace: everything it declares, or every problem in all its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, cast

from opsctl.checks import KINDS, Check, kind_named
from opsctl.composing import Node, Problem, compose
from opsctl.definitions import CheckDefinition, Retention, Service, Tier, Workspace
from opsctl.errors import UsageError, WorkspaceInvalidError, WorkspaceMissingError
from opsctl.expectations import Expectation, ExpectationError, parse, root
from opsctl.limits import Between, Doc, Matching, Name, NotEmpty, OneOrMore, Seconds
from opsctl.prose import line, listed, shorten, suggestion, ticked
from opsctl.reading import FAILED, Located, Reading, ReadWith, locate, read, yaml_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


FILE = "opsctl.yaml"
INCLUDED = ("services/*.yaml",)
_File = TypeVar("_File")
_MOST_FILES = 1000

Expectations = Annotated[tuple[Located, ...] | None, OneOrMore(), NotEmpty()]
Attempts = Annotated[int, Between(0, 10), Doc("How often to try again where no answer came.")]
Streak = Annotated[int, Between(1, 100)]
RunbookId = Annotated[Located, Matching(r"[a-z0-9][a-z0-9._-]*", "a runbook's id")]


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
    runbook: Annotated[RunbookId | None, Doc("What to do when it is down: runbooks/ID.md.")] = None


class DeclaredCheck(NamedTuple):
    """A check as its file says, its expectations parsed, defaults not yet applied."""

    place: Located
    type: str
    kind: Check
    expect: tuple[Expectation, ...]
    warn: tuple[Expectation, ...]
    terms: CheckTerms


def read_check(node: Node, reading: Reading) -> Any:
    """A mapping with the key of one check type, and its terms, as a DeclaredCheck."""
    if node.id != "mapping":
        return reading.fail(
            node, "expected a mapping with a check type, as `http: https://example.com/health`"
        )
    found = [(key, value) for key, value in node.value if key.value in KINDS]
    terms_known = yaml_fields_of_terms()
    strange = [key for key, _ in node.value if key.value not in KINDS and key.value not in terms_known]
    for key in strange:
        reading.fail(key, unknown_check_key(key.value, terms_known))
    if len(found) != 1:
        if not strange:
            names = [key.value for key, _ in found]
            words = (
                f"{listed(names)} exclude each other; make each its own check"
                if names
                else f"the check type is missing; add one of {ticked(KINDS)}"
            )
            reading.fail(node, words)
        return FAILED
    type_, kind_node = found[0][0].value, found[0][1]
    kind = read(kind_named(type_), kind_node, reading)
    rest = [(key, value) for key, value in node.value if key.value in terms_known]
    terms = read(CheckTerms, without(node, rest), reading)
    if kind is FAILED or terms is FAILED or strange:
        return FAILED
    expect, warn = _expectations(kind, terms, reading)
    return DeclaredCheck(locate_start(node, reading), type_, kind, expect, warn, terms)


def without(node: Node, kept: list[tuple[Node, Node]]) -> Node:
    """A mapping node with only the pairs `kept`, at its old place."""
    from yaml.nodes import MappingNode

    shortened: Any = MappingNode(node.tag, kept, node.start_mark, node.end_mark)
    return cast("Node", shortened)


@cache
def yaml_fields_of_terms() -> frozenset[str]:
    """The keys of a check beside its type."""
    return frozenset(yaml_fields(CheckTerms))


def unknown_check_key(key: str, terms: frozenset[str]) -> str:
    """What to say of a key that is neither a check type nor a term."""
    known = [*KINDS, *sorted(terms)]
    hint = (
        suggestion(key, known)
        or f"; a check has one type ({listed(list(KINDS), 'or')}) and {listed(sorted(terms))}"
    )
    return f"unknown key `{line(shorten(str(key), 60))}`{hint}"


def locate_start(node: Node, reading: Reading) -> Located:
    """The place where a node starts."""
    return Located("", reading.source, node.start_mark.line, node.start_mark.column, exact=False)


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


def _section(module: str, name: str) -> ReadWith:
    """A section whose dataclass is imported where a file has the section, as each costs at every start."""

    def declared() -> type:
        found: type = getattr(import_module(module), name)
        return found

    def schema() -> dict[str, Any]:
        from opsctl.schema import reference

        return reference(declared())

    return ReadWith(lambda node, reading: read(declared(), node, reading), schema)


def check_schema() -> dict[str, Any]:
    """The JSON Schema of one check: its terms, and exactly one of the types."""
    from opsctl.schema import inline, reference

    terms = inline(CheckTerms)["properties"]
    return {
        "type": "object",
        "properties": {**{name: reference(kind_named(name)) for name in KINDS}, **terms},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in KINDS],
    }


@dataclass(frozen=True, kw_only=True)
class DeclaredService:
    """A service as its file says."""

    title: Annotated[str | None, Doc("What people call it.")] = None
    owner: Annotated[str | None, Doc("The team or person that answers for it.")] = None
    tier: Annotated[Tier, Doc("How much depends on it.")] = "normal"
    tags: Annotated[tuple[Name, ...], Doc("Words to select it by, as `tag:WORD`.")] = ()
    depends_on: Annotated[tuple[Located, ...], OneOrMore(), Doc("Services that it cannot work without.")] = ()
    runbook: Annotated[RunbookId | None, Doc("What to do when it is down: runbooks/ID.md.")] = None
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
    if node.id != "mapping":
        return reading.fail(node, "expected a mapping of services by id")
    found = []
    for key, value in node.value:
        name = read(Name, key, reading)
        service = read(DeclaredService, value, reading)
        if name is not FAILED:
            found.append((locate(key, reading), None if service is FAILED else service))
    return tuple(found)


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

    SHORTHAND: ClassVar[str] = ""


def find(directory: Path | None) -> Path:
    """The folder of the workspace that `directory` (or the current folder) is in, walking up.

    Raises WorkspaceMissingError where there is none, UsageError where `directory` is no folder.
    """
    if directory is not None and not directory.is_dir():
        raise UsageError(f"`{directory}` is not a folder; name one with `-C DIR`")
    start = (directory or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise WorkspaceMissingError(str(start))


def load_workspace(folder: Path, environ: Mapping[str, str]) -> Workspace:
    """Read every file of the workspace in `folder`; WorkspaceInvalidError with every problem of them all."""
    problems: list[Problem] = []
    top = _read_file(Root, folder, folder / FILE, problems)
    included = _included(folder, top, problems)
    parts = [part for path in included if (part := _read_file(Part, folder, path, problems)) is not None]
    declared = [pair for file in (top, *parts) if file is not None for pair in file.services]
    problems.extend(_duplicates(declared))
    services = {place.text: service for place, service in declared if service is not None}
    problems.extend(_dangling(folder, declared))
    problems.extend(_cycles(services))
    if top is not None and top.timezone is not None:
        problems.extend(_timezone(top.timezone))
    if problems or top is None:
        raise WorkspaceInvalidError(sorted(problems, key=lambda one: (one.file != FILE, *one[:3])))
    built = {name: _service(name, service, top.defaults.check) for name, service in services.items()}
    workspace = Workspace(
        name=top.name,
        root=folder,
        store=folder / (environ.get("OPSCTL_DB") or top.store),
        timezone=top.timezone.text if top.timezone else "UTC",
        services=built,
        files=(folder / FILE, *included),
        retention=Retention(top.retention.passes, top.retention.failures, top.retention.rollups),
        incidents=top.incidents,
        reviews=top.reviews,
        backlog=top.backlog,
    )
    problems = list(_empty_groups(workspace, services))
    if problems:
        raise WorkspaceInvalidError(problems)
    return workspace


def _read_file(type_: type[_File], folder: Path, path: Path, problems: list[Problem]) -> _File | None:
    name = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.append(Problem(name, 1, 1, f"cannot be read: {error.strerror}"))
        return None
    node, source, found = compose(data, name)
    problems.extend(found)
    if node is None:
        return None
    reading = Reading(source)
    value = read(type_, node, reading)
    problems.extend(reading.problems)
    return None if value is FAILED else value


def _included(folder: Path, top: Root | None, problems: list[Problem]) -> list[Path]:
    if top is not None and top.include is not None:
        found: dict[Path, None] = {}
        for glob in top.include:
            try:
                matches = sorted(folder.glob(glob.text))
            except (ValueError, NotImplementedError):
                problems.append(
                    glob.problem(
                        f"`{line(glob.text)}` is not a glob below the workspace; write `folder/*.yaml`"
                    )
                )
                continue
            if not matches:
                problems.append(glob.problem(f"`{line(glob.text)}` matches no file; correct or remove it"))
            found.update(dict.fromkeys(matches))
        paths = list(found)
    else:
        paths = [path for glob in INCLUDED for path in sorted(folder.glob(glob))]
    if len(paths) > _MOST_FILES:
        problems.append(Problem(FILE, 1, 1, f"{len(paths)} files are included; at most {_MOST_FILES} can be"))
        return []
    return [path for path in paths if path != folder / FILE]


def _duplicates(declared: Sequence[tuple[Located, DeclaredService | None]]) -> Iterator[Problem]:
    first: dict[str, Located] = {}
    for place, _ in declared:
        other = first.setdefault(place.text, place)
        if other is not place:
            where = f"{other.source.file}:{other.line + 1}:{other.column + 1}"
            yield place.problem(
                f"service `{place.text}` is defined twice; first at {where}; rename or remove one"
            )


def _dangling(folder: Path, declared: Sequence[tuple[Located, DeclaredService | None]]) -> Iterator[Problem]:
    known = {place.text for place, _ in declared}
    for service in (service for _, service in declared if service is not None):
        for target in service.depends_on:
            if target.text not in known:
                hint = suggestion(target.text, known)
                yield target.problem(
                    f"no service is called `{line(target.text)}`{hint or '; add it, or correct the name'}"
                )
        for runbook in (service.runbook, *(check.terms.runbook for check in service.checks.values())):
            if runbook is not None and not (folder / "runbooks" / f"{runbook.text}.md").is_file():
                written = [path.stem for path in (folder / "runbooks").glob("*.md")]
                yield runbook.problem(
                    f"no runbook is called `{line(runbook.text)}`"
                    + (suggestion(runbook.text, written) or f"; write runbooks/{line(runbook.text)}.md")
                )


def _cycles(services: Mapping[str, DeclaredService]) -> Iterator[Problem]:
    done: set[str] = set()
    for start in services:
        path: list[str] = []
        # Depth first with an explicit stack: a chain of a thousand services must not exhaust Python's.
        stack: list[tuple[str, Iterator[Located]]] = (
            [] if start in done else [(start, iter(services[start].depends_on))]
        )
        path = [start] if stack else []
        while stack:
            target = next(stack[-1][1], None)
            if target is None:
                done.add(stack.pop()[0])
                path.pop()
            elif target.text in path:
                around = [*path[path.index(target.text) :], target.text]
                yield target.problem(
                    f"dependency cycle: {' → '.join(around)}; remove one of these dependencies"
                )
            elif target.text in services and target.text not in done:
                stack.append((target.text, iter(services[target.text].depends_on)))
                path.append(target.text)


def _timezone(zone: Located) -> Iterator[Problem]:
    if zone.text == "UTC":
        return
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(zone.text)
    except (OSError, ValueError):
        hint = suggestion(zone.text, available_timezones())
        yield zone.problem(
            f"`{line(zone.text)}` is not a time zone{hint or '; write it as `Europe/Berlin` or `UTC`'}"
        )


def _service(name: str, service: DeclaredService, defaults: Terms) -> Service:
    return Service(
        id=name,
        title=service.title or name,
        owner=service.owner,
        tier=service.tier,
        tags=service.tags,
        depends_on=tuple(target.text for target in service.depends_on),
        runbook=service.runbook.text if service.runbook else None,
        incidents=service.incidents,
        objectives=service.objectives,
        checks=tuple(
            _check(f"{name}/{check_name}", check, service, defaults)
            for check_name, check in service.checks.items()
        ),
    )


@cache
def _wanted(expectations: tuple[Expectation, ...]) -> frozenset[str]:
    return frozenset(root(expectation) for expectation in expectations)


def _check(name: str, check: DeclaredCheck, service: DeclaredService, defaults: Terms) -> CheckDefinition:
    terms = check.terms
    runbook = terms.runbook or service.runbook

    return CheckDefinition(
        name=name,
        type=check.type,
        kind=check.kind,
        expect=check.expect,
        warn=check.warn,
        wanted=_wanted(check.expect + check.warn),
        timeout=_first(terms.timeout, defaults.timeout, 10.0),
        retries=_first(terms.retries, defaults.retries, 1),
        retry_delay=_first(terms.retry_delay, defaults.retry_delay, 0.5),
        retry_on=_first(terms.retry_on, defaults.retry_on, "transport"),
        fail_after=_first(terms.fail_after, defaults.fail_after, 1),
        ok_after=_first(terms.ok_after, defaults.ok_after, 1),
        every=_first(terms.every, defaults.every, 300.0),
        title=terms.title or "",
        runbook=runbook.text if runbook else None,
    )


def _first(own: Any, default: Any, builtin: Any) -> Any:
    return own if own is not None else default if default is not None else builtin


def _empty_groups(workspace: Workspace, services: Mapping[str, DeclaredService]) -> Iterator[Problem]:
    from opsctl.selecting import select

    known = workspace.checks()
    for name, (service, check) in known.items():
        if check.type != "group":
            continue
        place = services[service.id].checks[name.partition("/")[2]].place
        try:
            members = select(known, check.kind.members)  # type: ignore[attr-defined]  # a group has members
        except UsageError as error:
            yield place.problem(str(error))
            continue
        groups = [member for member in members if known[member][1].type == "group"]
        if groups:
            yield place.problem(f"a group cannot have a group as a member: {listed(groups)}; name the checks")
