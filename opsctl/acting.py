"""A person or a part of opsctl acts: what was decided is kept whole, with who decided it and how."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from opsctl.errors import UsageError
from opsctl.ledger.events import Actor
from opsctl.prose import line
from opsctl.store.ledger import deciding
from opsctl.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.definitions import Workspace
    from opsctl.store.ledger import Ledger
    from opsctl.world import World

_LONGEST = 100
_ASSIGNED = re.compile(r"^(--set=[^=]*=).*", re.DOTALL)
# A text is data that everybody reads, not a file store.
LARGEST_TEXT = 1_000_000
_LONGEST_TITLE = 200


def actor_of(world: World) -> Actor:
    """Who runs this command: OPSCTL_ACTOR, or the user of the machine; UsageError where that is nobody."""
    name = line(world.environ.get("OPSCTL_ACTOR", "")) or _user()
    if len(name) > _LONGEST:
        raise UsageError(f"OPSCTL_ACTOR is longer than {_LONGEST} characters; write a name")
    return Actor(name, *typed(world))


def typed(world: World) -> tuple[str, str]:
    """The machine, and the command line as it was typed on it."""
    import os
    import shlex

    words = ("opsctl", *(_ASSIGNED.sub(r"\1***", word) for word in _joined(world.words)))
    return os.uname().nodename, shlex.join(words)[:LARGEST_TEXT]


def _joined(words: Sequence[str]) -> Iterator[str]:
    """The words, with what follows `--set` as one with it: it may be a secret."""
    following = False
    for word in words:
        if word == "--set":
            following = True
            continue
        yield f"--set={word}" if following else word
        following = False


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise UsageError("nobody is logged in; say who acts with OPSCTL_ACTOR=NAME") from error


class _Rehearsed(Exception):  # noqa: N818 - it ends a transaction, and is no error
    """Everything was tried, and nothing of it is to be kept."""


@contextmanager
def acting(workspace: Workspace, world: World, *, dry_run: bool = False) -> Iterator[Ledger]:
    """One command's hold on the store of the workspace; with `dry_run`, nothing of it is kept.

    Raises StoreError where the store cannot be written.
    """
    actor = actor_of(world)
    with (
        suppress(_Rehearsed),
        open_store(workspace.store, write=True) as store,
        deciding(store, actor, world.now) as ledger,
    ):
        yield ledger
        if dry_run:
            raise _Rehearsed


def text_of(text: str, what: str) -> str:
    """A text that a person gave; UsageError where it is empty or longer than a text should be."""
    if not text.strip():
        raise UsageError(f"{what} is empty; say something")
    if len(text) > LARGEST_TEXT:
        raise UsageError(
            f"{what} has {len(text)} characters; at most {LARGEST_TEXT} are kept, so link a file"
        )
    return text.strip()


def title_of(text: str, way: str) -> str:
    """A title that a person gave, on one line; UsageError, which says the `way` out, where it is too long."""
    title = line(text_of(text, "the title"))
    if len(title) > _LONGEST_TITLE:
        raise UsageError(f"the title has {len(title)} characters, at most {_LONGEST_TITLE}; {way}")
    return title
