"""Load a workspace: everything it declares, or every problem in all its files."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from opsctl.composing import Problem, compose
from opsctl.declared import DeclaredCheck, DeclaredService, Part, Root, Terms
from opsctl.definitions import CheckDefinition, Retention, Service, Workspace
from opsctl.errors import WorkspaceInvalidError
from opsctl.expectations import root
from opsctl.finding import FILE, INCLUDED, PAGE, matching
from opsctl.places import FAILED, Reading
from opsctl.plain_files import NotPlainError, check_plain
from opsctl.prose import line
from opsctl.reading import read
from opsctl.references import (
    cycles,
    dangling,
    duplicates,
    empty_groups,
    empty_windows,
    timezone,
    unfit_globs,
    unknown_pasts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opsctl.expectations import Expectation
    from opsctl.places import Located
    from opsctl.practices import Practices
    from opsctl.windows import Window

# Without one of these bytes a file holds no services, however the key is written.
_NEEDED = (b"services", b"maintenance", b"\\")
_File = TypeVar("_File")
_MOST_FILES = 1000


def load_workspace(
    folder: Path,
    environ: Mapping[str, str],
    *,
    light: bool = False,
    read_bytes: Callable[[Path], bytes] = Path.read_bytes,
) -> Workspace:
    """Read every file of the workspace in `folder`; WorkspaceInvalidError with every problem of them all.

    With `light` only what checks need is read: services and settings. A mistake in a checklist must keep
    nobody from looking at what is down, and cron should not read procedures every minute.
    """
    problems: list[Problem] = []
    read_part = partial(_read_file, folder, problems, read_bytes, light=light)
    top = read_part(Root, folder / FILE)
    included = _included(folder, top, problems)
    parts = [part for part in (top, *(read_part(Part, path) for path in included)) if part is not None]
    problems.extend(_conflicts(parts))
    practices = None
    if not light:
        from opsctl.practices import gather

        practices = gather(folder, parts, problems)
    if top is not None:
        problems.extend(_unusable(top))
    if problems or top is None:
        raise WorkspaceInvalidError(sorted(problems, key=lambda one: (one.file != FILE, *one[:3])))
    workspace = _workspace(folder, environ, top, parts, included, practices)
    if misfits := [*_misfits(workspace, parts, light=light)]:
        raise WorkspaceInvalidError(misfits)
    return workspace


def _services_of(parts: Sequence[Part]) -> list[tuple[Located, DeclaredService | None]]:
    return [pair for part in parts for pair in part.services]


def _windows_of(parts: Sequence[Part]) -> list[tuple[Located, Window | None]]:
    return [pair for part in parts for pair in part.maintenance]


def _conflicts(parts: Sequence[Part]) -> Iterator[Problem]:
    """What the files say that cannot be so together."""
    declared = _services_of(parts)
    yield from duplicates(declared)
    yield from dangling(declared)
    depends = {place.text: service.depends_on for place, service in declared if service is not None}
    yield from cycles(depends, "dependency cycle")
    yield from duplicates(_windows_of(parts), "maintenance window")


def _unusable(top: Root) -> Iterator[Problem]:
    if top.timezone is not None:
        yield from timezone(top.timezone)
    yield from unfit_globs(top.docs)


def _misfits(workspace: Workspace, parts: Sequence[Part], *, light: bool) -> Iterator[Problem]:
    """What names nothing that the workspace has."""
    services = {place.text: service for place, service in _services_of(parts) if service is not None}
    yield from empty_groups(workspace, services)
    yield from unknown_pasts(workspace, services)
    yield from empty_windows(workspace, _windows_of(parts))
    if not light:
        from opsctl.naming import misnamed

        yield from misnamed(workspace)


def _workspace(
    folder: Path,
    environ: Mapping[str, str],
    top: Root,
    parts: Sequence[Part],
    included: Sequence[Path],
    practices: Practices | None,
) -> Workspace:
    return Workspace(
        name=top.name,
        root=folder,
        store=folder / (environ.get("OPSCTL_DB") or top.store),
        timezone=top.timezone.text if top.timezone else "UTC",
        services={
            place.text: _service(place.text, service, top.defaults.check)
            for place, service in _services_of(parts)
            if service is not None
        },
        files=(folder / FILE, *included),
        include=INCLUDED if top.include is None else tuple(glob.text for glob in top.include),
        retention=Retention(top.retention.passes, top.retention.failures, top.retention.rollups),
        incidents=top.incidents,
        reviews=top.reviews,
        backlog=top.backlog,
        roles=top.roles,
        signers=top.signers,
        docs=top.docs,
        maintenance={place.text: window for place, window in _windows_of(parts) if window is not None},
        **(practices._asdict() if practices else {}),
    )


def _read_file(
    folder: Path,
    problems: list[Problem],
    read_bytes: Callable[[Path], bytes],
    type_: type[_File],
    path: Path,
    *,
    light: bool,
) -> _File | None:
    if light and path.suffix == PAGE:
        return None
    name = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    try:
        check_plain(path)
        data = read_bytes(path)
    except (NotPlainError, OSError) as error:
        why = f"it {error}" if isinstance(error, NotPlainError) else error.strerror
        problems.append(Problem(name, 1, 1, f"cannot be read: {why}"))
        return None
    if light and type_ is Part and not any(word in data for word in _NEEDED):
        return None
    value, found = _understood(type_, data, name, light=light)
    problems.extend(found)
    return value


def _understood(
    type_: type[_File], data: bytes, name: str, *, light: bool
) -> tuple[_File | None, Sequence[Problem]]:
    """What the file of this name says, and every problem of it; always the same for the same bytes."""
    if name.endswith(PAGE):
        from opsctl.markdown_runbooks import compose_page

        node, source, found = compose_page(data, name)
    else:
        node, source, found = compose(data, name)
    if node is None:
        return None, found
    reading = Reading(source, light=light)
    value = read(type_, node, reading)
    return None if value is FAILED else value, [*found, *reading.problems]


def _included(folder: Path, top: Root | None, problems: list[Problem]) -> list[Path]:
    declared = top.include if top is not None else None
    globs = (
        INCLUDED if declared is None else [glob.text for glob in declared if _fits(folder, glob, problems)]
    )
    paths = matching(folder, globs)
    if len(paths) > _MOST_FILES:
        problems.append(Problem(FILE, 1, 1, f"{len(paths)} files are included; at most {_MOST_FILES} can be"))
        return []
    return paths


def _fits(folder: Path, glob: Located, problems: list[Problem]) -> bool:
    try:
        if next(folder.glob(glob.text), None) is not None:
            return True
        words = f"`{line(glob.text)}` matches no file; correct or remove it"
    except (ValueError, NotImplementedError):
        words = f"`{line(glob.text)}` is not a glob below the workspace; write `folder/*.yaml`"
    problems.append(glob.problem(words))
    return False


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
        remedy=terms.remedy,
        excused=terms.expect_survivor,
    )


def _first(own: Any, default: Any, builtin: Any) -> Any:
    return own if own is not None else default if default is not None else builtin
