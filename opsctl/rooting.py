"""Root causes: which failing check explains which others, along `depends_on`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Service


def root_causes(services: Mapping[str, Service], bad: Sequence[str]) -> dict[str, str]:
    """For each check of `bad` (names `service/check`) that a failing dependency explains, that root.

    The root of a chain is the first failing check of the failing service farthest down `depends_on`.
    Everything was probed all the same; this only says which of it is one and the same outage.
    """
    failing: dict[str, str] = {}
    for name in bad:
        failing.setdefault(name.partition("/")[0], name)
    roots = {service: _root(services, failing, service) for service in failing}
    return {
        name: failing[root]
        for name in bad
        if (root := roots[name.partition("/")[0]]) != name.partition("/")[0]
    }


def _root(services: Mapping[str, Service], failing: Mapping[str, str], start: str) -> str:
    """The service at the end of the chain of failing dependencies; the way may lead through healthy ones."""
    root, waiting, seen = start, [start], {start}
    while waiting:
        service = services.get(waiting.pop(0))
        for dependency in service.depends_on if service else ():
            if dependency not in seen:
                seen.add(dependency)
                waiting.append(dependency)
                root = dependency if dependency in failing else root
    return root
