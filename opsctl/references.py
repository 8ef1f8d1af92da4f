"""Whether what the files name is there: a problem for each name that is taken, dangling or in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from opsctl.errors import UsageError
from opsctl.prose import line, listed, suggestion
from opsctl.zones import unknown_zone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from opsctl.composing import Problem
    from opsctl.declared import DeclaredService
    from opsctl.definitions import Workspace
    from opsctl.places import Located
    from opsctl.windows import Window


def duplicates(declared: Sequence[tuple[Located, object]], noun: str = "service") -> Iterator[Problem]:
    """A definition whose name is taken, with both places."""
    first: dict[str, Located] = {}
    for place, _ in declared:
        other = first.setdefault(place.text, place)
        if other is not place:
            where = f"{other.source.file}:{other.line + 1}:{other.column + 1}"
            yield place.problem(
                f"{noun} `{place.text}` is defined twice; first at {where}; rename or remove one"
            )


def dangling(declared: Sequence[tuple[Located, DeclaredService | None]]) -> Iterator[Problem]:
    """A dependency that nobody wrote."""
    known = {place.text for place, _ in declared}
    for service in (service for _, service in declared if service is not None):
        for target in service.depends_on:
            if target.text not in known:
                hint = suggestion(target.text, known)
                yield target.problem(
                    f"no service is called `{line(target.text)}`{hint or '; add it, or correct the name'}"
                )


def without_runbook(
    declared: Sequence[tuple[Located, DeclaredService | None]], written: Collection[str]
) -> Iterator[Problem]:
    """A runbook that a service or a check names and nobody wrote."""
    for service in (service for _, service in declared if service is not None):
        for runbook in (service.runbook, *(check.terms.runbook for check in service.checks.values())):
            if runbook is not None and runbook.text not in written:
                yield runbook.problem(
                    f"no runbook is called `{line(runbook.text)}`"
                    + (suggestion(runbook.text, written) or f"; write runbooks/{line(runbook.text)}.md")
                )


class Target(Protocol):
    """A name in a file, with its place."""

    @property
    def text(self) -> str:
        """The name."""

    def problem(self, message: str) -> Problem:
        """A problem where it stands."""


def cycles(graph: Mapping[str, Sequence[Target]], words: str) -> Iterator[Problem]:
    """Where what names others comes back to itself; `words` say what that is."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        # Depth first with an explicit stack: a chain of a thousand services must not exhaust Python's.
        stack: list[tuple[str, Iterator[Target]]] = [] if start in done else [(start, iter(graph[start]))]
        path = [start] if stack else []
        while stack:
            target = next(stack[-1][1], None)
            if target is None:
                done.add(stack.pop()[0])
                path.pop()
            elif target.text in path:
                around = [*path[path.index(target.text) :], target.text]
                yield target.problem(f"{words}: {' → '.join(around)}; remove one of them")
            elif target.text in graph and target.text not in done:
                stack.append((target.text, iter(graph[target.text])))
                path.append(target.text)


def timezone(zone: Located) -> Iterator[Problem]:
    """A time zone that the machine does not know."""
    if unknown := unknown_zone(zone.text):
        yield zone.problem(unknown)


def unfit_globs(globs: Sequence[Located]) -> Iterator[Problem]:
    """A glob that leads out of the workspace, or is none."""
    for glob in globs:
        parts = glob.text.split("/")
        wild = any("**" in part and part != "**" for part in parts)
        if not glob.text.strip() or not parts[0] or ".." in parts or "\0" in glob.text or wild:
            yield glob.problem(
                f"`{line(glob.text)}` is not a glob below the workspace; write it as `docs/**/*.md`"
            )


def empty_groups(workspace: Workspace, services: Mapping[str, DeclaredService]) -> Iterator[Problem]:
    """A group that selects nothing, or other groups."""
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


def unknown_pasts(workspace: Workspace, services: Mapping[str, DeclaredService]) -> Iterator[Problem]:
    """A check that judges the results of a check that nobody wrote."""
    known = workspace.checks()
    for name, (service, check) in known.items():
        of = getattr(check.kind, "of", None) if check.type == "history" else None
        if of is not None and of not in known:
            place = services[service.id].checks[name.partition("/")[2]].place
            hint = suggestion(of, known) or "; write it as `api/health`"
            yield place.problem(f"no check is called `{line(of)}`{hint}")


def empty_windows(
    workspace: Workspace, windows: Sequence[tuple[Located, Window | None]]
) -> Iterator[Problem]:
    """A maintenance window that selects nothing."""
    from opsctl.selecting import select

    known = workspace.checks()
    for place, window in windows:
        for text in window.select if window else ():
            try:
                select(known, (text,))
            except UsageError as error:
                yield place.problem(str(error))
