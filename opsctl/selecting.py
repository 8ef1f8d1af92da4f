"""Selectors: which checks a command line means."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from opsctl.definitions import TIERS
from opsctl.errors import UsageError
from opsctl.prose import line, shorten, suggestion, ticked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from opsctl.definitions import CheckDefinition, Service

    Known = Mapping[str, tuple[Service, CheckDefinition]]


def select(known: Known, selectors: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    """The names of the checks that any selector means and none of `exclude` does, in their own order.

    A selector is a service, `service/check`, a glob of either, `tag:T`, `tier:T`, `owner:O` or `all`;
    without selectors all are meant. Raises UsageError for a selector that means nothing, and where
    nothing is left: what was not checked is not well.
    """
    if not known:
        raise UsageError("the workspace has no checks; add one to a service in opsctl.yaml")
    chosen = _meant(known, selectors) if selectors else set(known)
    chosen -= _meant(known, exclude)
    if not chosen:
        raise UsageError("the selection is empty: everything selected is excluded too")
    return [name for name in known if name in chosen]


def known_services(services: Mapping[str, Service], names: Iterable[str]) -> None:
    """UsageError for the first name that no service has."""
    for name in names:
        if name not in services:
            hint = suggestion(name, services) or f"; there are {ticked(list(services)[:20], 'and')}"
            raise UsageError(f"no service is called `{line(shorten(name, 60))}`{hint}")


def _meant(known: Known, selectors: Sequence[str]) -> set[str]:
    meant: set[str] = set()
    for selector in selectors:
        matches = _matcher(selector)
        found = {name for name, (service, _) in known.items() if matches(name, service)}
        if not found:
            raise UsageError(_no_match(known, selector))
        meant |= found
    return meant


def _matcher(selector: str) -> Callable[[str, Service], bool]:
    field, colon, value = selector.partition(":")
    if selector in {"all", "*"}:
        return lambda _name, _service: True
    if colon and field == "tag":
        return lambda _name, service: any(fnmatchcase(tag, value) for tag in service.tags)
    if colon and field == "tier":
        return lambda _name, service: service.tier == value
    if colon and field == "owner":
        return lambda _name, service: service.owner is not None and fnmatchcase(service.owner, value)
    if "/" in selector:
        return lambda name, _service: fnmatchcase(name, selector)
    return lambda _name, service: fnmatchcase(service.id, selector)


def _no_match(known: Known, selector: str) -> str:
    field, colon, value = selector.partition(":")
    services = dict.fromkeys(service.id for service, _ in known.values())
    if colon and field == "tier":
        return f"no check has tier `{value}`; tiers are {ticked(TIERS)}"
    if colon and field == "tag":
        tags = sorted({tag for service, _ in known.values() for tag in service.tags})
        return f"no check has the tag `{value}`{suggestion(value, tags)}"
    if colon and field == "owner":
        owners = sorted({service.owner for service, _ in known.values() if service.owner})
        return f"no check has the owner `{value}`{suggestion(value, owners)}"
    hint = suggestion(selector, [*services, *known])
    return f"no check matches `{selector}`{hint or '; `opsctl check --list` shows them all'}"
