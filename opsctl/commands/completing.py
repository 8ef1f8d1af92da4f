"""What the shell proposes: names of what a workspace declares, and of what its store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from opsctl.errors import OpsctlError
from opsctl.prose import line, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opsctl.definitions import Workspace

_MOST = 200


def selectors(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Services, checks, tags, tiers and owners."""
    return _proposed(ctx, incomplete, _selectors, light=True)


def declared(section: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Ids of a section of the workspace, as `runbooks`, with their titles."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        return _proposed(ctx, incomplete, lambda workspace: _declared(workspace, section), light=False)

    return complete


def recorded(prefix: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Names of the store's records, as `INC-7`, the newest first."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        return _proposed(ctx, incomplete, lambda workspace: _recorded(workspace, prefix), light=True)

    return complete


def parts_of(section: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Ids of the steps or items of what was named before."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        named = str(ctx.params.get(section[:-1]) or "")
        return _proposed(ctx, incomplete, lambda workspace: _parts(workspace, section, named), light=False)

    return complete


def _proposed(
    ctx: typer.Context,
    incomplete: str,
    find: Callable[[Workspace], Iterator[tuple[str, str]]],
    *,
    light: bool,
) -> list[tuple[str, str]]:
    """What fits; nothing where the workspace or its store cannot be read, as nobody could be told."""
    from opsctl.commands.console import open_workspace
    from opsctl.world import this_world

    try:
        workspace = open_workspace(ctx.params.get("where"), this_world().environ, light=light)
        found = [(name, shorten(line(text), 60)) for name, text in find(workspace) if _fits(name, incomplete)]
    except OpsctlError:
        return []
    return found[:_MOST]


def _fits(name: str, incomplete: str) -> bool:
    return name.lower().startswith(incomplete.lower())


def _selectors(workspace: Workspace) -> Iterator[tuple[str, str]]:
    yield "all", "every check"
    for name, service in workspace.services.items():
        yield name, service.title
    for name, (service, check) in workspace.checks().items():
        yield name, f"{check.type} of {service.title}"
    services = workspace.services.values()
    for word, found in (
        ("tag", {tag for one in services for tag in one.tags}),
        ("tier", {one.tier for one in services}),
        ("owner", {one.owner for one in services if one.owner}),
    ):
        yield from ((f"{word}:{name}", "") for name in sorted(found))


def _declared(workspace: Workspace, section: str) -> Iterator[tuple[str, str]]:
    for name, one in getattr(workspace, section).items():
        inner = getattr(one, "procedure", None) or getattr(one, "plan", None) or one
        yield name, str(inner.title)


def _parts(workspace: Workspace, section: str, named: str) -> Iterator[tuple[str, str]]:
    one: Any = getattr(workspace, section).get(named)
    if one is None:
        return
    if section == "checklists":
        yield from ((name, item.terms.text) for name, item in one.items.items())
    else:
        steps = one.procedure.steps if section == "runbooks" else one.plan.steps
        yield from ((step.id, step.terms.text or step.type) for step in steps)


def _recorded(workspace: Workspace, prefix: str) -> Iterator[tuple[str, str]]:
    from opsctl.store.ledger import titles
    from opsctl.store.opening import open_store

    with open_store(workspace.store, write=False) as store, store.reading() as db:
        found = titles(db, prefix, _MOST)
    yield from found
