"""What a gate is asked about: a commit or a version, with what git knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.item_kinds import Target
from opsctl.prose import line, shorten
from opsctl.repository import Repository, UnknownError
from opsctl.selecting import known_services
from opsctl.store.attested import decisions

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from opsctl.definitions import Workspace
    from opsctl.ledger.gate import Gate

_TIMEOUT = 10.0
_LONGEST = 200


def target_of(
    workspace: Workspace,
    environ: Mapping[str, str],
    subject: str,
    environment: str | None,
    services: Sequence[str],
) -> Target:
    """The target that a subject means; its commit where git knows one. UsageError for what is none."""
    name = line(subject)
    if not name or len(name) > _LONGEST:
        raise UsageError("--subject is empty or too long; name a commit or a version")
    if name.startswith("-"):
        # Where a variable is empty and not quoted, the next option is taken for the subject.
        raise UsageError(f"--subject `{line(shorten(name, 40))}` is an option; name a commit or a version")
    known_services(workspace.services, services)
    repository = Repository(workspace.root, environ, _TIMEOUT)
    bare = Target(name, environment=environment, services=tuple(services))
    try:
        commit = repository.commit(name)
        author = repository.author(commit)
    except (UnknownError, ValueError):
        return bare
    return bare._replace(commit=commit, author=author)


def with_changes(
    db: sqlite3.Connection, workspace: Workspace, environ: Mapping[str, str], checklist: str, target: Target
) -> tuple[Target, Gate | None]:
    """The target with the paths that changed since the last subject that passed, and that decision."""
    last = last_passed(db, checklist, target.environment)
    if last is None or last.commit is None or target.commit is None:
        return target, last
    try:
        changed = Repository(workspace.root, environ, _TIMEOUT).changed(last.commit, target.commit)
    except UnknownError:
        return target, last
    return target._replace(changed=tuple(changed)), last


def last_passed(db: sqlite3.Connection, checklist: str, environment: str | None) -> Gate | None:
    """The newest decision that let a subject pass in an environment."""
    found = (one for one in decisions(db, checklist, 1000) if one.environment == environment and one.passed)
    return next(found, None)
